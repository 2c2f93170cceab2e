// Renews the list of downloads until none is being made. A focused link is left alone.
"use strict";

{
  const EVERY_MS = 2_000;
  const MOST_TRIES = 900;
  let tries = 0;

  const renew = async () => {
    const region = document.getElementById("downloads");
    if (document.visibilityState !== "visible" || region.contains(document.activeElement)) return;
    tries += 1;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(8_000) });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("downloads");
      if (fresh === null) return;
      region.toggleAttribute("data-processing", fresh.hasAttribute("data-processing"));
      region.replaceChildren(...fresh.childNodes);
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
