// Renews the marked parts of the manager's page while it is visible. Forms lie outside them, so none is overwritten.
"use strict";

{
  const EVERY_MS = 10_000;
  const source = document.querySelector("[data-renew]");
  const words = source.querySelector("[data-renew-words]");
  let renewedAt = Date.now();
  let underWay = false;

  const replace = (region, fresh) => {
    const focused = region.contains(document.activeElement) ? document.activeElement : null;
    const selection = getSelection();
    if (focused && !focused.id) return; // it could not be found again
    if (!selection.isCollapsed && region.contains(selection.anchorNode)) return; // somebody is about to copy
    const open = [...region.querySelectorAll("details[open]")].map((one) => one.id);
    if (region.hasAttribute("datetime")) region.setAttribute("datetime", fresh.getAttribute("datetime"));
    region.replaceChildren(...fresh.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused.id)?.focus({ preventScroll: true });
  };

  const renew = async () => {
    if (underWay || document.visibilityState !== "visible" || Date.now() - renewedAt < EVERY_MS) return;
    underWay = true;
    renewedAt = Date.now();
    try {
      const answer = await fetch(source.dataset.renew, { signal: AbortSignal.timeout(8_000) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of document.querySelectorAll("[data-live]")) {
        const found = fresh.getElementById(region.id);
        if (found) replace(region, found);
      }
      const told = fresh.getElementById("resized");
      if (told?.firstElementChild) document.getElementById("resized").replaceChildren(...told.childNodes);
      words.textContent = ", renewed every 10 seconds";
    } catch {
      words.textContent = "; it cannot be renewed just now";
    } finally {
      underWay = false;
    }
  };

  words.textContent = ", renewed every 10 seconds";
  document.addEventListener("visibilitychange", renew);
  setInterval(renew, 1_000);
}
