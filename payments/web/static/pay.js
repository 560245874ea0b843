// The page works without this script; it saves the parent the reload and the typing.
"use strict";

const live = document.getElementById("live");
const QUICK_MS = 3000, QUICK_FOR_MS = 120000, CALM_MS = 10000, CALM_FOR_MS = 600000, SLOW_MS = 30000;
let visibleSince = Date.now();
let timer = 0;

function pause() {
  const waited = Date.now() - visibleSince;
  return waited < QUICK_FOR_MS ? QUICK_MS : waited < CALM_FOR_MS ? CALM_MS : SLOW_MS;
}

async function look() {
  clearTimeout(timer);
  if (document.visibilityState === "hidden") return;
  try {
    const answer = await fetch(live.dataset.status, { headers: { "If-None-Match": `"${live.dataset.version}"` } });
    if (answer.status === 200 && (await answer.json()).version !== live.dataset.version) {
      location.reload();
      return;
    }
  } catch {
    // No network for a moment: the next look comes anyway.
  }
  timer = setTimeout(look, pause());
}

// Coming back from the bank's app is the moment that matters: look at once, and quickly again.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    visibleSince = Date.now();
    look();
  }
});
timer = setTimeout(look, QUICK_MS);

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    const before = button.textContent;
    button.textContent = live.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 2500);
  });
}

// The bank's app that was chosen last comes first. Kept on this phone only; without storage the order stays.
const CHOSEN_APP = "hocphi-bank-app";
function chosenFirst() {
  let chosen = null;
  try {
    chosen = localStorage.getItem(CHOSEN_APP);
  } catch {
    return;
  }
  for (const link of document.querySelectorAll(".apps a")) {
    link.addEventListener("click", () => localStorage.setItem(CHOSEN_APP, link.dataset.app));
    if (link.dataset.app === chosen) {
      link.closest("ul").prepend(link.parentElement);
      link.closest("details").open = true;
    }
  }
}
chosenFirst();
