// Says where the image on this page came from and how long that took, as Server-Timing tells it.
"use strict";

const image = document.getElementById("image");
const words = document.getElementById("source");

const tell = () => {
  const entry = performance.getEntriesByName(image.currentSrc || image.src, "resource").at(-1);
  const timing = new Map((entry?.serverTiming ?? []).map((part) => [part.name, part]));
  const total = timing.get("total");
  if (!total) return;
  const source = timing.get("source");
  const took = `in ${total.duration.toFixed(1)} ms`;
  words.textContent = source
    ? `Served from ${source.description}, ${took}.`
    : `Served from this browser's own copy; its row was checked ${took}.`;
  words.hidden = false;
};

if (image.complete) {
  tell();
} else {
  image.addEventListener("load", tell);
}

// Reloaded over the gallery, this page shares a history with it: Back changes the address alone, and the page must follow.
addEventListener("popstate", () => location.reload());
