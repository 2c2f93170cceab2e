// Copies a link by a button. Without this it is selected and copied by hand.
"use strict";

{
  const button = document.querySelector("[data-copy]");
  const field = document.querySelector("[data-copied-from]");
  const said = document.querySelector("[data-copied]");
  field.addEventListener("focus", () => field.select());
  if (navigator.clipboard) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(field.value);
        said.textContent = "Copied.";
      } catch {
        field.focus();
        said.textContent = "It could not be copied: it is selected, copy it by hand.";
      }
    });
  }
}
