// The page works without this script; it saves the parent the reload and the typing.
"use strict";

const live = document.getElementById("live");
const QUICK_MS = 3000, QUICK_FOR_MS = 120000, CALM_MS = 10000, CALM_FOR_MS = 600000, SLOW_MS = 30000;
let visibleSince = Date.now();
let timer = 0;
let looking = false;

const shown = () => document.getElementById("shown");

function pause() {
  const waited = Date.now() - visibleSince;
  return waited < QUICK_FOR_MS ? QUICK_MS : waited < CALM_FOR_MS ? CALM_MS : SLOW_MS;
}

async function look() {
  clearTimeout(timer);
  if (document.visibilityState === "hidden" || looking) return;
  looking = true;
  let later = 0;
  try {
    const { version } = shown().dataset;
    const answer = await fetch(live.dataset.status, { headers: { "If-None-Match": `"${version}"` } });
    if (answer.status === 404) location.reload();
    if (answer.status === 503) later = 1000 * (Number(answer.headers.get("Retry-After")) || 30) * (1 + Math.random());
    if (answer.status === 200 && (await answer.json()).version !== version) await refresh();
  } catch {
    // No network for a moment: the next look comes anyway.
  }
  looking = false;
  timer = setTimeout(look, Math.max(later, pause()));
}

// The new state takes the place of the old one: scroll, focus and what was unfolded stay, and readers hear what changed.
async function refresh() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("shown");
  if (!answer.ok || !fresh) return location.reload();
  const old = shown(), said = sentences(old), focused = old.contains(document.activeElement) && document.activeElement;
  const place = focused && selector(focused), notice = focused && focused.closest("[id^=r]");
  const { scrollX: x, scrollY: y } = window;
  for (const unfolded of old.querySelectorAll("details[open][id]")) {
    const again = fresh.querySelector(`details#${unfolded.id}`);
    if (again) again.open = true;
  }
  old.replaceWith(fresh);
  document.title = page.title;
  prepare();
  if (focused) {
    const again = document.querySelector(place);
    const same = again && again.tagName === focused.tagName && again.textContent === focused.textContent;
    const target = same ? again : notice && document.getElementById(notice.id);
    if (target) target.focus({ preventScroll: true });
  }
  scrollTo(x, y);
  document.getElementById("told").textContent = sentences(fresh).filter((text) => !said.includes(text)).join(" ");
  document.dispatchEvent(new Event("shown"));
}

function sentences(part) {
  return [...part.querySelectorAll(".status")].map((card) => card.textContent.replace(/\s+/g, " ").trim());
}

function selector(element) {
  if (element.id) return `#${element.id}`;
  const number = [...element.parentElement.children].indexOf(element) + 1;
  return `${selector(element.parentElement)} > :nth-child(${number})`;
}

function lookNow() {
  visibleSince = Date.now();
  look();
}

// Coming back from the bank's app is the moment that matters: look at once, and quickly again. Browsers inside chat
// apps do not tell all of these, so each of them counts.
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") lookNow(); });
window.addEventListener("pageshow", (event) => { if (event.persisted) lookNow(); });
window.addEventListener("focus", look);
window.addEventListener("online", look);
timer = setTimeout(look, QUICK_MS);

function prepare() {
  for (const button of document.querySelectorAll(".copy")) button.hidden = false;
  chosenFirst();
}

async function copy(button) {
  const before = button.textContent;
  button.textContent = (await copied(button)) ? live.dataset.copied : live.dataset.hold;
  setTimeout(() => { button.textContent = before; }, 2500);
}

async function copied(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    return true;
  } catch {
    // What is shown may have points in it; what is copied must not.
    const box = document.createElement("textarea");
    box.value = button.dataset.copy;
    box.readOnly = true;
    box.className = "for-ears";
    button.after(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    if (!done) getSelection().selectAllChildren(button.previousElementSibling);
    return done;
  }
}

// The link saves the picture; where the phone can share a file, the same tap opens its share sheet.
function share(event, link) {
  const named = (parts) => new File(parts, "QR.png", { type: "image/png" });
  if (!navigator.canShare || !navigator.canShare({ files: [named([""])] })) return;
  event.preventDefault();
  fetch(link.href)
    .then((answer) => answer.blob())
    .then((picture) => navigator.share({ files: [named([picture])] }))
    .catch((error) => { if (error.name !== "AbortError") location.assign(link.href); });
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
    if (link.dataset.app !== chosen) continue;
    link.closest("ul").prepend(link.parentElement);
    link.closest("details").open = true;
  }
}

function choose(link) {
  try {
    localStorage.setItem(CHOSEN_APP, link.dataset.app);
  } catch {
    // Nothing is kept where the browser keeps nothing.
  }
}

document.addEventListener("click", (event) => {
  const { target } = event, button = target.closest(".copy"), link = target.closest(".share"), app = target.closest(".apps a");
  if (button) copy(button);
  if (link) share(event, link);
  if (app) choose(app);
});
prepare();
