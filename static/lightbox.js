// One image large, over the gallery: its own page, fetched and shown in a dialog. Without this the link leads there.
"use strict";

{
  const box = document.getElementById("lightbox");
  const at = (name) => box.querySelector(`[data-${name}]`);
  const frame = at("frame");
  const side = at("side");
  const kept = new Map(); // preloaded images by key
  const RENEW_MS = 2_500;
  let tile = null;
  let told = 0; // counts what is asked for the side, so that late answers are dropped
  let openedFrom = null;
  let beneath = ""; // the gallery's own query

  const tileOf = (link) => link.closest(".tile");
  const keyOf = (one) => one.dataset.key;
  const pageOf = (one) => one.querySelector("a[data-open]").href;
  const neighbour = (step) => {
    const links = gallery.links();
    const place = links.findIndex((link) => tileOf(link) === tile);
    return place < 0 ? null : links[place + step] && tileOf(links[place + step]);
  };

  // The largest of what the grid knows; the image itself if there is nothing else.
  const sourceOf = (one) => {
    const image = one.querySelector("img");
    const candidates = (image.getAttribute("srcset") ?? "").split(", ").filter(Boolean).map((each) => each.split(" "));
    const largest = candidates.sort((a, b) => parseInt(b[1], 10) - parseInt(a[1], 10))[0];
    return largest ? largest[0] : image.getAttribute("src");
  };

  const contentOf = (one) => pageOf(one).replace("/image?", "/content?");

  const imageOf = (one) => {
    const address = sourceOf(one);
    const known = kept.get(keyOf(one));
    if (known && known.dataset.address === address) return known;
    const thumb = one.querySelector("img");
    const made = new Image(thumb.getAttribute("width"), thumb.getAttribute("height"));
    made.dataset.address = address;
    made.alt = thumb.alt;
    made.src = address;
    kept.set(keyOf(one), made);
    while (kept.size > 7) kept.delete(kept.keys().next().value);
    return made;
  };

  const tell = (image) => {
    const words = side.querySelector("[data-source]");
    const entry = performance.getEntriesByName(image.currentSrc || image.src, "resource").at(-1);
    const timing = new Map((entry?.serverTiming ?? []).map((part) => [part.name, part]));
    if (!words || !timing.has("total")) return;
    words.textContent = `Served from ${timing.get("source")?.description ?? "the store"}, in ${timing.get("total").duration.toFixed(1)} ms.`;
    words.hidden = false;
  };

  const zoom = (on) => {
    frame.classList.toggle("zoomed", on);
    at("zoom").setAttribute("aria-pressed", String(on));
    const image = frame.querySelector("img");
    if (!image || !on) {
      if (image?.dataset.whole) frame.replaceChildren(imageOf(tile));
      return;
    }
    const whole = new Image();
    whole.alt = image.alt;
    whole.dataset.whole = "1";
    whole.addEventListener("load", () => {
      if (!frame.classList.contains("zoomed") || frame.querySelector("img") !== image) return;
      frame.replaceChildren(whole);
      frame.scrollTo((frame.scrollWidth - frame.clientWidth) / 2, (frame.scrollHeight - frame.clientHeight) / 2);
    });
    whole.src = contentOf(tile);
  };

  const showSide = (page) => {
    const parts = ["about", "tags", "renditions"].map((id) => page.getElementById(id)).filter(Boolean);
    const problem = page.querySelector(".problem");
    if (parts.length === 0) {
      side.querySelector(":scope > .problem")?.remove();
      if (problem) {
        const title = page.querySelector("h1")?.textContent;
        if (title) problem.querySelector(".problem-title").textContent = title;
        side.prepend(problem);
        problem.scrollIntoView({ block: "nearest" }); // the form may be far below
      }
      return false;
    }
    side.replaceChildren(...parts);
    for (const back of side.querySelectorAll("form[data-leaves] input[name=back]")) back.value = `/${beneath}`;
    const image = frame.querySelector("img");
    if (image?.complete) tell(image);
    return true;
  };

  const askSide = async (renewing = false) => {
    const mine = (told += 1);
    if (!renewing) side.replaceChildren();
    try {
      const page = await gallery.pageAt(pageOf(tile));
      if (mine !== told || !box.open) return;
      if (!side.querySelector("input:not([type=hidden]):focus")) { // somebody is writing there
        const focused = side.contains(document.activeElement);
        showSide(page);
        if (focused) side.focus({ preventScroll: true });
      }
    } catch (error) {
      if (mine !== told) return;
      if (!renewing) side.textContent = `${error.message} The details cannot be had just now.`;
    }
    if (side.querySelector("[data-processing]")) {
      setTimeout(() => { if (mine === told && box.open) askSide(true); }, RENEW_MS);
    }
  };

  const show = (one, { replace = true } = {}) => {
    tile = one;
    zoom(false);
    const image = imageOf(one);
    frame.replaceChildren(image);
    const loaded = () => { if (frame.contains(image)) tell(image); };
    if (image.complete) loaded();
    else image.addEventListener("load", loaded, { once: true });
    const links = gallery.links();
    const place = links.findIndex((link) => tileOf(link) === one);
    at("title").textContent = keyOf(one);
    at("place").textContent = `${place + 1} of ${links.length}${document.querySelector("[data-more]") ? "+" : ""}`;
    at("said").textContent = `Image ${place + 1}: ${image.alt}`;
    at("before").disabled = !neighbour(-1);
    at("after").disabled = !neighbour(1) && !document.querySelector("[data-more]");
    for (const step of [1, -1]) {
      const next = neighbour(step);
      if (next) imageOf(next);
    }
    if (links.length - place < 12) gallery.older();
    if (replace) history.replaceState({ ...history.state, box: one.id }, "", pageOf(one));
    askSide();
  };

  const open = (one) => {
    openedFrom = one;
    beneath = location.search;
    history.pushState({ box: one.id }, "", pageOf(one));
    document.documentElement.classList.add("boxed");
    box.classList.toggle("telling", localStorage.getItem("telling") !== "no" && innerWidth > 700);
    at("about").setAttribute("aria-expanded", String(box.classList.contains("telling")));
    if (!box.open) box.showModal();
    show(one, { replace: false });
    at("close").focus();
  };

  const closed = () => {
    told += 1;
    document.documentElement.classList.remove("boxed");
    frame.replaceChildren();
    side.replaceChildren();
    const link = (tile ?? openedFrom)?.querySelector("a[data-open]");
    link?.focus({ preventScroll: true });
    link?.scrollIntoView({ block: "nearest" });
  };

  const step = async (by) => {
    let next = neighbour(by);
    if (!next && by > 0 && (await gallery.older())) next = neighbour(by);
    if (next && box.open) show(next);
  };

  document.getElementById("main").addEventListener("click", (event) => {
    const link = event.target.closest(".tile > a[data-open]");
    if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(tileOf(link));
  });

  // Closing goes back, so that the address is the gallery's again.
  const close = () => { if (history.state?.box) history.back(); else box.close(); };
  at("close").addEventListener("click", close);
  box.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  box.addEventListener("close", closed);
  addEventListener("popstate", () => {
    const id = history.state?.box;
    if (!id && box.open) box.close();
    else if (id && !box.open) {
      const one = document.getElementById(id);
      if (one) {
        box.showModal();
        show(one, { replace: false });
      } else location.reload();
    }
  });

  at("before").addEventListener("click", () => step(-1));
  at("after").addEventListener("click", () => step(1));
  at("zoom").addEventListener("click", () => zoom(!frame.classList.contains("zoomed")));
  const toggleSide = () => {
    const on = box.classList.toggle("telling");
    at("about").setAttribute("aria-expanded", String(on));
    localStorage.setItem("telling", on ? "yes" : "no");
  };
  at("about").addEventListener("click", toggleSide);
  frame.addEventListener("click", (event) => { if (event.target.matches("img") && !swiped) zoom(!frame.classList.contains("zoomed")); });

  box.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.altKey || event.ctrlKey || event.metaKey) return;
    const zoomed = frame.classList.contains("zoomed");
    const act = {
      ArrowRight: zoomed ? null : () => step(1),
      ArrowLeft: zoomed ? null : () => step(-1),
      z: () => zoom(!zoomed),
      "+": () => zoom(true),
      "-": () => zoom(false),
      i: toggleSide,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // A swipe to the side is a step; one finger only, and not while zoomed.
  let begun = null;
  let swiped = false;
  frame.addEventListener("pointerdown", (event) => {
    begun = event.isPrimary ? [event.clientX, event.clientY] : null;
    swiped = false;
  });
  frame.addEventListener("pointerup", (event) => {
    if (!begun || frame.classList.contains("zoomed") || event.pointerType === "mouse") return;
    const [x, y] = [event.clientX - begun[0], event.clientY - begun[1]];
    begun = null;
    if (Math.abs(x) < 50 || Math.abs(x) < 1.5 * Math.abs(y)) return;
    swiped = true;
    step(x < 0 ? 1 : -1);
  });

  // The forms at the side are those of the image's page; their answer is that page again.
  side.addEventListener("submit", async (event) => {
    const form = event.target;
    if ("leaves" in form.dataset) return; // its answer is another page
    event.preventDefault();
    const mine = (told += 1);
    const names = [form.getAttribute("action"), event.submitter?.textContent];
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form, event.submitter)),
        signal: AbortSignal.timeout(30_000),
      });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== told) return;
      if (!showSide(page)) {
        at("said").textContent = side.querySelector(".problem")?.textContent.trim() ?? "It was not done.";
        return;
      }
      at("said").textContent = page.querySelector("main .notice")?.textContent.trim() ?? "Done.";
      renamed(new URL(answer.url).searchParams.get("key"), page);
      const again = [...side.querySelectorAll("form")].find((one) => one.getAttribute("action") === names[0]);
      (again?.querySelector("input:not([type=hidden]), button") ?? side).focus({ preventScroll: true });
      if (side.querySelector("[data-processing]")) setTimeout(() => { if (box.open) askSide(true); }, RENEW_MS);
    } catch {
      if (mine === told) at("said").textContent = "The store cannot be reached; nothing is known to have changed.";
    }
  });

  const renamed = (key, page) => {
    if (!key) return;
    const caption = page.getElementById("caption")?.getAttribute("value") ?? side.querySelector("#caption")?.value ?? "";
    const link = tile.querySelector("a[data-open]");
    const before = keyOf(tile);
    tile.dataset.key = key;
    tile.querySelector(".caption bdi").textContent = caption || key;
    const image = tile.querySelector("img");
    image.alt = caption || key;
    if (key !== before) {
      const [old, fresh] = [`key=${encodeURIComponent(before)}`, `key=${encodeURIComponent(key)}`];
      const spelled = [...new URL(link.href).search.matchAll(/key=[^&]*/g)][0]?.[0] ?? old;
      for (const [one, name] of [[link, "href"], [image, "srcset"], [image, "src"]]) {
        if (one.hasAttribute(name)) one.setAttribute(name, one.getAttribute(name).replaceAll(spelled, fresh));
      }
      const pick = tile.querySelector(".pick input");
      pick.value = key;
      tile.querySelector(".pick .unseen").textContent = `Choose ${key}`;
      kept.delete(before);
      history.replaceState(history.state, "", link.href);
    }
    at("title").textContent = key;
  };
}
