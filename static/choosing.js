// Choosing many images: by their boxes, with Shift for a range, by a long touch, with Space on a focused image.
// Then T there leads to the tag's field, and Delete moves what is chosen to the trash.
"use strict";

if (gallery.form) {
  const LONG_MS = 450;
  const form = gallery.form;
  const bar = form.querySelector("[data-chosen]");
  const words = bar.querySelector("[data-count]");
  const boxes = () => [...form.querySelectorAll(".tile:not(.held) .pick input")];
  let last = null; // the box that a range begins at
  let shifted = false;

  const show = () => {
    const count = form.querySelectorAll(".pick input:checked").length;
    bar.hidden = count === 0;
    form.classList.toggle("choosing", count > 0);
    const said = `${count} chosen`;
    if (words.textContent !== said) words.textContent = said;
  };

  const choose = (box, checked, range) => {
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(box)];
    if (range && from >= 0) {
      for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = checked;
    } else box.checked = checked;
    last = box;
    show();
  };

  form.addEventListener("click", (event) => {
    shifted = event.shiftKey;
    const box = event.target.closest(".pick input");
    if (box) {
      choose(box, box.checked, shifted);
      return;
    }
    const tile = event.target.closest(".tile");
    const link = event.target.closest("a[data-open]");
    if (!tile || !link || event.ctrlKey || event.metaKey) return;
    if (event.shiftKey || form.classList.contains("choosing")) { // a click means choosing once one is chosen
      event.preventDefault();
      event.stopPropagation();
      const own = tile.querySelector(".pick input");
      choose(own, event.shiftKey ? true : !own.checked, event.shiftKey);
    }
  }, true);

  form.addEventListener("keydown", (event) => {
    const link = event.target.closest("a[data-open]");
    if (event.key === "Escape" && !bar.hidden) {
      for (const box of boxes()) box.checked = false;
      show();
    }
    if (!link) return;
    const reached = bar.hidden ? undefined : { t: "#many-tag", Delete: "button[value=trash]" }[event.key];
    if (reached && !event.altKey && !event.ctrlKey && !event.metaKey) { // the bar may be many images away
      event.preventDefault();
      const field = form.querySelector(reached);
      if (event.key === "t") field.focus();
      else form.requestSubmit(field);
      return;
    }
    if (event.key !== " ") return;
    event.preventDefault();
    const box = link.closest(".tile").querySelector(".pick input");
    choose(box, event.shiftKey ? true : !box.checked, event.shiftKey);
  });

  // A long touch chooses; the click that follows is not one.
  let timer = null;
  form.addEventListener("touchstart", (event) => {
    const tile = event.target.closest(".tile");
    const box = tile?.querySelector(".pick input");
    if (!box || event.touches.length > 1 || event.target === box) return;
    timer = setTimeout(() => {
      timer = null;
      choose(box, !box.checked, false);
      tile.addEventListener("click", (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
      setTimeout(() => tile.dispatchEvent(new Event("settled")), 700);
    }, LONG_MS);
  }, { passive: true });
  for (const name of ["touchmove", "touchend", "touchcancel"]) {
    form.addEventListener(name, () => { clearTimeout(timer); timer = null; }, { passive: true });
  }
  form.addEventListener("contextmenu", (event) => {
    if (form.classList.contains("choosing") && event.pointerType === "touch") event.preventDefault();
  });

  bar.querySelector("[data-all]").addEventListener("click", () => {
    for (const box of boxes()) box.checked = true;
    show();
  });
  bar.querySelector("[data-none]").addEventListener("click", () => {
    for (const box of form.querySelectorAll(".pick input")) box.checked = false;
    show();
    gallery.links()[0]?.focus({ preventScroll: true });
  });
  form.addEventListener("submit", (event) => {
    if (!event.submitter) event.preventDefault();
    for (const back of form.querySelectorAll("input[name=back]")) back.value = `/${location.search}`; // as far as one has come
  });
  addEventListener("pageshow", show);
  show();
}
