// Renews the renditions on an image's page until none is processing. Forms lie in them, so a focused one is left alone.
"use strict";

{
  const EVERY_MS = 2_000;
  const MOST_TRIES = 150;
  let tries = 0;

  const renew = async () => {
    const region = document.getElementById("renditions");
    if (document.visibilityState !== "visible" || region.contains(document.activeElement)) return;
    tries += 1;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(8_000) });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = ["renditions", "tags"].map((id) => fresh.getElementById(id));
      if (found.some((one) => one === null)) return;
      const before = region.textContent;
      region.toggleAttribute("data-processing", found[0].hasAttribute("data-processing"));
      if (found[0].textContent === before) return;
      region.replaceChildren(...found[0].childNodes);
      const tags = document.getElementById("tags");
      if (!tags.contains(document.activeElement)) tags.replaceChildren(...found[1].childNodes);
    } catch {
      // the next try may do
    }
  };

  const watch = async () => {
    await renew();
    if (tries < MOST_TRIES && document.querySelector("[data-processing]")) setTimeout(watch, EVERY_MS);
  };

  setTimeout(watch, EVERY_MS);
}
