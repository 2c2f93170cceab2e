// The upload form, made handier: preview, drop, a key from the file's name, one send at a time. It works without this.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  const file = form.elements.file;
  const key = form.elements.key;
  const button = form.querySelector("button");
  const drop = form.querySelector("[data-drop]");
  const preview = form.querySelector("[data-preview]");
  const state = form.querySelector("[data-state]");
  const maxBytes = Number(form.dataset.maxBytes);
  let suggested = "";
  let shownAddress = null;

  const sizeInWords = (bytes) => {
    if (bytes < 1024) return `${bytes} bytes`;
    const [size, unit] = bytes < 1048576 ? [bytes / 1024, "KiB"] : [bytes / 1048576, "MiB"];
    return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
  };

  const show = () => {
    if (shownAddress) URL.revokeObjectURL(shownAddress);
    shownAddress = null;
    preview.replaceChildren();
    const [chosen] = file.files;
    preview.hidden = !chosen;
    file.setCustomValidity("");
    if (!chosen) return;

    const words = document.createElement("p");
    words.className = "hint key";
    words.textContent = `${chosen.name}, ${sizeInWords(chosen.size)}`;
    const image = new Image();
    image.alt = "Preview of the chosen image";
    image.addEventListener("load", () => {
      words.textContent += `, ${image.naturalWidth} × ${image.naturalHeight} pixels`;
    });
    image.addEventListener("error", () => {
      image.remove();
      words.textContent += ": this browser cannot show it as an image.";
    });
    shownAddress = URL.createObjectURL(chosen);
    image.src = shownAddress;
    preview.append(image, words);

    if (chosen.size > maxBytes) {
      file.setCustomValidity(`The image is ${sizeInWords(chosen.size)}; at most ${form.dataset.maxSize} are taken.`);
      file.reportValidity();
    }
    if (key.value === "" || key.value === suggested) {
      suggested = [...chosen.name].slice(0, 255).join("");
      key.value = suggested;
    }
  };

  file.addEventListener("change", show);

  drop.classList.add("ready");
  drop.querySelector("[data-drop-hint]").hidden = false;
  const carriesFiles = (event) => event.dataTransfer !== null && event.dataTransfer.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", (event) => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  drop.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    const chosen = new DataTransfer();
    if (event.dataTransfer.files.length > 0) chosen.items.add(event.dataTransfer.files[0]);
    file.files = chosen.files;
    show();
  });

  form.addEventListener("submit", () => {
    // Disabled a moment later: a button that is disabled now would stop the form that it sends.
    setTimeout(() => { button.disabled = true; });
    state.textContent = "Uploading…";
  });
  // Back from the next page, a kept copy of this one must be usable again.
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    state.textContent = "";
    if (file.files.length > 0) show();
  });
}
