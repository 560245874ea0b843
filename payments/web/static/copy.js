// Copies a text shown on the page; without this script the text is selected by hand.
"use strict";

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.from);
    const text = from.value ?? from.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      button.after(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const before = [...button.childNodes];
    button.textContent = button.dataset.done;
    setTimeout(() => button.replaceChildren(...before), 2500);
  });
}
