// Offers what the piece that is being written in the search box may become, and keeps the box in step with the address.
"use strict";

for (const form of document.querySelectorAll("[data-search]")) {
  const PAUSE_MS = 120;
  const box = form.elements.q;
  const list = box.list;
  let asked = null; // the request under way
  let timer = 0;

  const lastPiece = (text) => {
    let start = 0;
    let quoted = false;
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] === '"') quoted = !quoted;
      if (/\s/.test(text[at]) && !quoted) start = at + 1;
    }
    return start;
  };

  const offer = async () => {
    const start = lastPiece(box.value);
    const [head, piece] = [box.value.slice(0, start), box.value.slice(start)];
    asked?.abort();
    asked = new AbortController();
    try {
      const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(4_000)]);
      const answer = await fetch(`${form.dataset.suggestions}?prefix=${encodeURIComponent(piece)}`, { signal });
      if (!answer.ok) return; // the box works without
      const { suggestions } = await answer.json();
      list.replaceChildren(
        ...suggestions.map(({ text, images }) => {
          const option = document.createElement("option");
          option.value = head + text;
          if (images !== null) option.textContent = images === 1 ? "1 image" : `${images} images`;
          return option;
        }),
      );
    } catch {
      // asked again with the next letter
    }
  };

  box.addEventListener("focus", offer, { once: true });
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(offer, PAUSE_MS);
  });
}
