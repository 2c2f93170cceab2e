// Says where this page and each image on it came from and how long that took, as Server-Timing tells it.
"use strict";

{
  const place = document.getElementById("served");
  const [page] = performance.getEntriesByType("navigation");
  const partsOf = (entry) => new Map((entry?.serverTiming ?? []).map((part) => [part.name, part]));
  const total = partsOf(page).get("total");
  if (total) place.textContent += `, ${total.duration.toFixed(1)} ms`;

  const tell = (entry) => {
    const timing = partsOf(entry);
    const source = timing.get("source")?.description;
    if (!source) return;
    for (const image of document.querySelectorAll(".tile img")) {
      if ((image.currentSrc || image.src) !== entry.name) continue;
      const tile = image.closest(".tile");
      const words = tile.querySelector(".from") ?? tile.appendChild(Object.assign(document.createElement("span"), { className: "from" }));
      words.textContent = `${source.replace(", partition ", " · p ")} · ${(timing.get("total")?.duration ?? 0).toFixed(1)} ms`;
    }
  };
  const tellAll = () => { for (const entry of performance.getEntriesByType("resource")) tell(entry); };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) setTimeout(tell, 50, entry); }).observe({ type: "resource", buffered: true });
  document.getElementById("main").addEventListener("gallery:changed", tellAll);
}
