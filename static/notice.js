// Tells of a resize on pages that stay open, and lets a notice be dismissed. The pages tell it without this too.
"use strict";

{
  const EVERY_MS = 60_000;
  const LEAST_MS = 5_000;
  const place = document.querySelector("[data-notice]");
  let askedAt = Date.now(); // the page itself told what was new

  const makeDismissable = () => {
    for (const button of place.querySelectorAll("[data-dismiss]")) button.hidden = false;
  };

  const ask = async (leastMs) => {
    if (document.visibilityState !== "visible" || Date.now() - askedAt < leastMs) return;
    askedAt = Date.now();
    try {
      const answer = await fetch(place.dataset.notice, { signal: AbortSignal.timeout(10_000) });
      const words = answer.ok ? (await answer.text()).trim() : "";
      if (words) {
        const fresh = new DOMParser().parseFromString(words, "text/html");
        place.replaceChildren(...fresh.body.childNodes);
        makeDismissable();
      }
    } catch {
      // It can wait: the next page tells it.
    }
  };

  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) place.replaceChildren();
  });
  new MutationObserver(makeDismissable).observe(place, { childList: true });
  makeDismissable();
  document.addEventListener("visibilitychange", () => ask(LEAST_MS));
  setInterval(() => ask(EVERY_MS), EVERY_MS / 4);
}
