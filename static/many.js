// Choosing many in a form of checkboxes: all at once, ranges by shift, and how many are chosen. Without it the form works.
"use strict";

for (const form of document.querySelectorAll("[data-choosing]")) {
  const boxes = () => [...form.querySelectorAll('input[type="checkbox"]')];
  const all = form.querySelector("[data-choose-all]");
  const words = form.querySelector("[data-chosen]");
  let last = null;

  const tell = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    words.textContent = chosen === 0 ? "" : `${chosen} chosen`;
    if (all !== null) all.textContent = chosen > 0 && chosen === boxes().length ? "Choose none" : "Choose all";
  };

  form.addEventListener("click", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.type !== "checkbox") return;
    const row = boxes();
    if (event.shiftKey && last !== null && row.includes(last)) {
      const [from, to] = [row.indexOf(last), row.indexOf(box)].sort((a, b) => a - b);
      for (const one of row.slice(from, to + 1)) one.checked = box.checked;
    }
    last = box;
  });
  form.addEventListener("change", tell);
  form.addEventListener("click", tell);
  if (all !== null) {
    all.hidden = false;
    all.addEventListener("click", () => {
      const choose = boxes().some((box) => !box.checked);
      for (const box of boxes()) box.checked = choose;
      tell();
    });
  }
  tell();
}
