// The queue works without this script; it saves the accountant the mouse and the reload.
"use strict";

const queue = document.getElementById("queue");
const sheet = document.getElementById("sheet");
const keys = document.getElementById("keys");
const WAYS = { f: "assign", m: "assign", s: "split", r: "refund", e: "exclude", n: "note" };
let home = "";  // the id of the row that had the focus last: rows are swapped, ids stay

const rows = () => [...document.querySelectorAll("#rows > tr")];
const link = (row) => row && row.querySelector("td a");
const current = () => document.activeElement && document.activeElement.closest("#rows > tr");
const place = () => current() || document.getElementById(home);
const waits = (row) => !row.classList.contains("done") && !row.getAttribute("aria-busy");
const amount = (text) => /^\d{1,13}$/.test(text.replace(/[.,\s]/g, "")) ? Number(text.replace(/[.,\s]/g, "")) : 0;
const shown = (vnd) => String(vnd).replace(/\B(?=(\d{3})+$)/g, ".") + "\u00a0₫";

function go(row) {
  if (!link(row)) return;
  home = row.id;
  link(row).focus();
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const at = all.indexOf(place());
  go(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))]);
}

// After a deed the next row that waits has the focus; after an undo, the row that is back.
function after(event) {
  const { rows: changed, stay } = event.detail;
  closeAll();
  const all = rows();
  const done = document.getElementById(`r${changed[0]}`) || all[0];
  if (stay) return go(done);
  if (!current()) go(next(document.getElementById(home)) || done);
}

// The row itself while it waits, else the next one that does, else the last one before it.
function next(row) {
  const all = rows();
  const at = all.indexOf(row);
  return at < 0 ? all.find(waits) : all.slice(at).find(waits) || all.slice(0, at).reverse().find(waits);
}

// One row's deed by itself: who types quickly need not wait, rows do not disturb each other.
function send(button) {
  const row = button.closest("#rows > tr");
  if (row && row.getAttribute("aria-busy")) return;
  const { csrf_token, back } = queue.elements;
  const values = { csrf_token: csrf_token.value, back: back.value };
  if (button.name) values[button.name] = button.value;
  const waited = row && waits(row);
  if (row) row.setAttribute("aria-busy", "true");
  if (waited) go(next(row) || row);
  htmx.ajax("POST", button.formAction, { source: row || button, target: "#toast", swap: "innerHTML", values });
}

function closeAll() {
  for (const dialog of [sheet, keys]) if (dialog && dialog.open) dialog.close();
}

function show(dialog) {
  dialog.showModal();
}

async function openSheet(address) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  if (!answer.ok || !answer.headers.has("X-Desk")) return location.assign(address);
  fill(await answer.text());
}

function fill(html) {
  const body = document.getElementById("sheet-body");
  body.innerHTML = html;
  if (window.htmx) htmx.process(body);
  if (!sheet.open) show(sheet);
  const first = ["[data-part]", "input[type=search]", "input:not([type=hidden])", "button"].map((one) => body.querySelector(one)).find(Boolean);
  if (first) first.focus();
  count(body.querySelector("form[data-form]"));
}

// The live remainder of a split; the server adds up again.
function count(form, typing) {
  const place = form && form.querySelector(".rest");
  if (!place) return;
  const whole = Number(place.dataset.restOf);
  const parts = [...form.querySelectorAll("[data-part]")];
  const output = place.querySelector("output");
  if (!parts.length) {
    const chosen = [...form.querySelectorAll("[data-open]:checked")].reduce((sum, box) => sum + Number(box.dataset.open), 0);
    output.textContent = `${place.dataset.chosen} ${shown(chosen)} / ${shown(whole)}`;
    return;
  }
  const lines = parts.filter((part) => part.dataset.open);
  const last = lines[lines.length - 1];
  if (typing) typing.dataset.typed = "1";
  // Of two, the other gets what is left; of a whole class nobody gets money that nobody typed for them.
  if (last && lines.length === 2 && typing && typing !== last && !last.dataset.typed) {
    const others = parts.filter((part) => part !== last).reduce((sum, part) => sum + amount(part.value), 0);
    last.value = others < whole ? String(whole - others) : "";
  }
  const rest = whole - parts.reduce((sum, part) => sum + amount(part.value), 0);
  output.textContent = rest < 0 ? `${place.dataset.over} ${shown(-rest)}` : `${place.dataset.left} ${shown(rest)}`;
  place.classList.toggle("danger", rest < 0);
  place.classList.toggle("warn", rest > 0);
  place.classList.toggle("ok", rest === 0);
}

function fillRest(part) {
  part.value = "";
  part.dataset.typed = "1";
  const form = part.form;
  const others = [...form.querySelectorAll("[data-part]")].reduce((sum, one) => sum + amount(one.value), 0);
  const rest = Number(form.querySelector(".rest").dataset.restOf) - others;
  part.value = rest > 0 ? String(rest) : "";
  count(form, part);
}

function press(selector, row) {
  const button = row ? row.querySelector(selector) : document.querySelector(selector);
  if (button) button.click();
  return Boolean(button);
}

function tab(step) {
  const all = [...document.querySelectorAll("#tabs a")];
  const at = all.findIndex((one) => one.getAttribute("aria-current"));
  const next = all[(at + step + all.length) % all.length];
  if (next) next.click();
}

function act(key) {
  const row = place();
  if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "[") tab(-1);
  else if (key === "]") tab(1);
  else if (key === "?") show(keys);
  else if (key === "/") document.querySelector("[data-search]").focus();
  else if (key === "A") press("[data-bulk]");
  else if (key === "u") press("button[formaction*='/undo']", row) || press("#toast button[formaction*='/undo']");
  else if (!row || !waits(row)) return false;
  else if (key === "a") press("button[formaction*='/assign']", row);
  else if (key === "x") press("input[name=x]", row);
  else if (WAYS[key]) openSheet(withWay(link(row).href, key));
  else return false;
  return true;
}

function withWay(href, key) {
  const address = new URL(href);
  address.searchParams.set("do", WAYS[key]);
  address.searchParams.set("back", queue.elements.back.value);
  return address.href;
}

document.addEventListener("keydown", (event) => {
  if (event.target.matches("[data-part]") && event.key === "=") {
    event.preventDefault();
    return fillRest(event.target);
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  if (document.querySelector("dialog[open]")) return;
  if (!document.querySelector("[data-shortcuts=on]")) return;
  if (act(event.key)) event.preventDefault();
});

document.addEventListener("focusin", () => { if (current()) home = current().id; });
document.addEventListener("input", (event) => {
  if (event.target.form && event.target.form.dataset.form) count(event.target.form, event.target.matches("[data-part]") ? event.target : null);
});
document.addEventListener("click", (event) => {
  const way = event.target.closest("#sheet [data-way]");
  if (way) { event.preventDefault(); openSheet(way.href); }
  if (event.target.closest("[data-keys]")) { event.preventDefault(); show(keys); }
});
document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (window.htmx && button && button.form === queue && button.hasAttribute("formaction")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return send(button);
  }
  if (!button || !button.matches("#sheet [data-look]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const answer = await fetch(button.formAction, { method: "POST", headers: { "HX-Request": "true" }, body: new FormData(button.form) });
  if (answer.ok && answer.headers.has("X-Desk")) fill(await answer.text());
  else location.reload();
}, true);
for (const dialog of [sheet, keys]) if (dialog) dialog.addEventListener("close", () => go(document.getElementById(home)));

// What comes without our mark (a log-in, an error page) is a page, not a part of one.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (!xhr.getResponseHeader("X-Desk")) {
    event.detail.shouldSwap = false;
    location.reload();
    return;
  }
  if (xhr.status >= 400) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
    if (sheet.open) event.detail.target = sheet.querySelector(".problem") || event.detail.target;
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  const row = event.detail.elt.closest("#rows > tr");
  if (row && !event.detail.successful) {
    row.removeAttribute("aria-busy");
    go(row);
  }
});
document.addEventListener("htmx:sendError", () => location.reload());
document.addEventListener("desk-done", after);
document.addEventListener("desk-sheet", () => {
  if (!sheet.open) show(sheet);
  const button = sheet.querySelector("#sheet-body button") || sheet.querySelector("button");
  button.focus();
});
const all = document.querySelector("[data-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("change", () => { for (const box of queue.querySelectorAll("input[name=x]")) box.checked = all.checked; });
}
document.querySelectorAll("form[data-form]").forEach((form) => count(form));
if (queue && location.search.includes("done=")) go(rows().find(waits));
