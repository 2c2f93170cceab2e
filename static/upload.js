// The upload form, made handier: preview, drop, a key from the file's name, many files at once. It works without this.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  const file = form.elements.file;
  const key = form.elements.key;
  const button = form.querySelector("button");
  const drop = form.querySelector("[data-drop]");
  const preview = form.querySelector("[data-preview]");
  const state = form.querySelector("[data-state]");
  const maxBytes = Number(form.dataset.maxBytes);
  const inlineBytes = Number(form.dataset.inlineBytes);
  const keyField = key.closest(".field");
  let suggested = "";
  let typed = key.value !== ""; // the person's own word for the key, which alone may replace an image
  let queue = null;
  let shownAddress = null;

  const sizeInWords = (bytes) => {
    if (bytes < 1024) return `${bytes} bytes`;
    const [size, unit] = bytes < 1048576 ? [bytes / 1024, "KiB"] : [bytes / 1048576, "MiB"];
    return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
  };

  file.multiple = true;
  form.querySelector("[data-limit]").textContent = form.dataset.maxSize; // what is larger goes to the object store

  // Whether the plain form sends what is chosen: one file that fits a request. All else goes to the object store.
  const plainly = () => file.files.length === 1 && file.files[0].size <= inlineBytes;

  // A file with its name for a key, which replaces nothing: where it is taken the store finds the next.
  const nameOf = (file) => [...file.name].slice(0, 245).join("");
  const named = (files) => files.map((one) => [one, nameOf(one), "keep-both"]);

  const showMany = (files) => {
    const words = document.createElement("p");
    words.className = "hint";
    words.textContent = `${files.length} images, ${sizeInWords(files.reduce((sum, one) => sum + one.size, 0))}. `
      + "Each is kept by its file's name, with a number if that is taken.";
    preview.append(words);
  };

  const show = () => {
    if (shownAddress) URL.revokeObjectURL(shownAddress);
    shownAddress = null;
    preview.replaceChildren();
    const [chosen] = file.files;
    preview.hidden = !chosen;
    file.setCustomValidity("");
    keyField.hidden = file.files.length > 1;
    if (!chosen) return;
    if (file.files.length > 1) {
      showMany([...file.files]);
      return;
    }

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
    if (!typed) {
      suggested = nameOf(chosen);
      key.value = suggested;
    }
  };

  file.addEventListener("change", show);
  key.addEventListener("input", () => { typed = key.value !== ""; });

  // On the gallery's own page files may be dropped anywhere, and go at once, each under its file's name.
  const uploader = form.closest("details.uploader");
  if (uploader) {
    const over = (on) => document.body.classList.toggle("dropping", on);
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    document.addEventListener("dragleave", (event) => { if (event.relatedTarget === null) over(false); });
    document.addEventListener("drop", (event) => {
      over(false);
      if (!event.dataTransfer?.types.includes("Files") || event.defaultPrevented) return;
      event.preventDefault();
      const files = [...event.dataTransfer.files];
      if (files.length === 0) return;
      uploader.open = true;
      queue ??= new UploadQueue(form, atEnd, showStored);
      state.textContent = "";
      queue.add(named(files));
    });
  }

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
    if (!carriesFiles(event) || uploader) return;
    event.preventDefault();
    drop.classList.remove("over");
    file.files = event.dataTransfer.files;
    show();
  });

  // The grid below fills while the rest is still on its way.
  let soon = null;
  const showStored = () => {
    if (!uploader || soon !== null) return;
    soon = setTimeout(() => {
      soon = null;
      gallery.renewFirst().catch(() => {});
    }, 1_500);
  };

  // One image leads to its page, as the plain form does; of many the list stays, for what was refused and for links.
  const atEnd = (uploads) => {
    const stored = uploads.some((one) => one.state === "done");
    if (uploader && (!stored || gallery.showsNewest())) { // the images come into the grid below
      showStored();
      return;
    }
    if (!uploader && uploads.length === 1 && stored) {
      const { key: stored, asked_key: asked, stored: isNew, duplicate_of: twin } = uploads[0].answer;
      const [notice, other] = isNew ? (stored === asked ? ["stored", twin] : ["kept", asked]) : ["there", stored];
      const said = { key: stored, notice, ...(other === null ? {} : { other }) };
      location.assign(`${form.dataset.image}?${new URLSearchParams(said)}`);
      return;
    }
    const link = document.createElement("a");
    link.href = form.dataset.gallery;
    link.textContent = "Show all images";
    state.replaceChildren(link);
  };

  form.addEventListener("submit", (event) => {
    if (!plainly()) {
      event.preventDefault();
      const chosen = [...file.files];
      const files = chosen.length === 1 && typed ? [[chosen[0], key.value, "replace"]] : named(chosen);
      queue ??= new UploadQueue(form, atEnd, showStored);
      form.reset();
      typed = key.value !== "";
      show();
      state.textContent = "";
      queue.add(files);
      return;
    }
    form.elements.lead.value = "image"; // without script the gallery shows what came of it
    form.elements.if_taken.value = typed ? "replace" : "keep-both";
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
