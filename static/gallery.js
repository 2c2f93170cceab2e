// The gallery without end: older and newer pages join the grid, the address follows, and what is processing fills in.
// Each page has an address of its own and works without this.
"use strict";

const gallery = (() => {
  const form = document.getElementById("gallery");
  const AHEAD_PX = 1_500;
  const EVERY_MS = 2_500;
  const MOST_TRIES = 240;
  const main = document.getElementById("main");
  let more = document.querySelector("[data-more]");
  let loading = null;
  let restoring = false;

  const tiles = () => [...main.querySelectorAll(".tile:not(.held)")];
  const links = () => [...main.querySelectorAll(".tile:not(.held) > a[data-open]")];
  const grids = () => [...main.querySelectorAll("ul.grid")];

  // Which page comes before which, by their cursors; kept for as long as the tab is.
  const chainName = `gallery:${form?.dataset.address}`;
  const chain = () => JSON.parse(sessionStorage.getItem(chainName) ?? "{}");
  const addressOf = (after) => {
    const address = new URL(form.dataset.address, location.href);
    if (after) address.searchParams.set("after", after);
    return address.href;
  };

  const pageAt = async (address) => {
    const answer = await fetch(address, { signal: AbortSignal.timeout(15_000) });
    if (!answer.ok) throw new Error(`The store answered ${answer.status}.`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  const mark = (list) => {
    for (const tile of list.querySelectorAll(".tile")) tile.dataset.page = list.dataset.page;
  };

  // The last row is not whole before the next page comes: it waits unseen, so that nothing seen ever moves.
  const holdLastRow = () => {
    document.documentElement.classList.toggle("endless", more !== null && more.hidden);
    const all = [...(grids().at(-1)?.querySelectorAll(".tile") ?? [])];
    for (const tile of all) tile.classList.remove("held");
    if (!more || !more.hidden || all.length === 0) return;
    const top = all.at(-1).offsetTop;
    const last = all.filter((tile) => tile.offsetTop === top);
    if (last.length < all.length) for (const tile of last) tile.classList.add("held");
  };

  const withoutKnown = (list) => {
    for (const tile of [...list.children]) if (document.getElementById(tile.id)) tile.remove();
    return list;
  };

  const older = async () => {
    const link = more?.querySelector("a[rel=next]");
    if (!link) return false;
    loading ??= (async () => {
      try {
        const page = await pageAt(link.href);
        const fresh = page.querySelector("ul.grid");
        const last = grids().at(-1);
        if (fresh) {
          sessionStorage.setItem(chainName, JSON.stringify({ ...chain(), [fresh.dataset.page]: last.lastElementChild.dataset.page }));
          mark(fresh);
          withoutKnown(fresh);
          last.append(...fresh.children);
        }
        const next = page.querySelector("[data-more]");
        if (next) more.replaceChildren(...next.childNodes);
        else {
          more.remove();
          more = null;
        }
        holdLastRow();
        main.dispatchEvent(new CustomEvent("gallery:changed"));
        return true;
      } catch {
        if (more) more.hidden = false; // it is a plain link again
        holdLastRow();
        return false;
      } finally {
        loading = null;
      }
    })();
    return loading;
  };

  const newer = async () => {
    const before = chain()[grids()[0].dataset.page];
    if (before === undefined || loading) return;
    loading = (async () => {
      try {
        const fresh = (await pageAt(addressOf(before))).querySelector("ul.grid");
        if (!fresh) return;
        mark(fresh);
        withoutKnown(fresh);
        const height = document.documentElement.scrollHeight;
        const rest = main.querySelector("[data-newer]");
        const anchor = grids()[0];
        anchor.before(fresh);
        fresh.classList.add("full");
        if (!before) rest?.remove();
        scrollBy({ top: document.documentElement.scrollHeight - height, behavior: "instant" });
        main.dispatchEvent(new CustomEvent("gallery:changed"));
      } catch {
        // the link to the newest images is there
      } finally {
        loading = null;
      }
    })();
    await loading;
  };

  // The address names the page that is on top, the history the tile, so that Back comes to where one was.
  const note = () => {
    if (restoring || document.getElementById("lightbox")?.open) return;
    const top = tiles().find((tile) => tile.getBoundingClientRect().bottom > 0);
    if (!top) return;
    const state = { tile: top.id, offset: Math.round(top.getBoundingClientRect().top), scroll: scrollY };
    const address = scrollY < 2 && !chain()[top.dataset.page] && top.dataset.page === "" ? addressOf("") : addressOf(top.dataset.page);
    history.replaceState(state, "", address);
  };

  const restore = async () => {
    const place = history.state;
    if (!place?.tile || !form) return;
    restoring = true;
    const tile = document.getElementById(place.tile);
    if (tile && place.scroll > 0) {
      let missing = scrollY + tile.getBoundingClientRect().top - place.offset;
      if (missing < 0) { // it stood further down than this page begins
        await newer();
        missing = scrollY + tile.getBoundingClientRect().top - place.offset;
      }
      scrollTo({ top: missing, behavior: "instant" });
    }
    restoring = false;
  };

  const watch = () => {
    const ends = document.documentElement.scrollHeight - scrollY - innerHeight;
    if (more && !loading && ends < AHEAD_PX) older().then((came) => { if (came) watch(); });
    if (!restoring && !loading && scrollY < AHEAD_PX / 2 && grids()[0]?.dataset.page) newer();
  };

  // What is processing, page by page, until it is there.
  let tries = 0;
  const renew = async () => {
    const pages = new Set([...main.querySelectorAll('.tile[data-state="due"]')].map((tile) => tile.dataset.page));
    if (document.visibilityState === "visible" && pages.size > 0) {
      tries += 1;
      for (const page of [...pages].slice(0, 3)) {
        try {
          refresh(await pageAt(addressOf(page)));
        } catch {
          // the next try may do
        }
      }
    }
    if (tries < MOST_TRIES) setTimeout(renew, EVERY_MS);
  };

  const refresh = (page) => {
    for (const fresh of page.querySelectorAll(".tile")) {
      const tile = document.getElementById(fresh.id);
      if (!tile || tile.dataset.state === fresh.dataset.state) continue;
      const image = tile.querySelector("img");
      const from = fresh.querySelector("img");
      const swap = new Image();
      for (const { name, value } of from.attributes) if (name !== "loading" && name !== "src") swap.setAttribute(name, value);
      swap.src = from.getAttribute("src");
      const settle = () => { if (swap.naturalWidth > 0) image.replaceWith(swap); };
      swap.decode().then(settle, settle);
      tile.dataset.state = fresh.dataset.state;
      tile.querySelector(":scope > .badge")?.remove();
      const badge = fresh.querySelector(":scope > .badge");
      if (badge) tile.querySelector("a").after(badge);
      for (const name of [...fresh.classList]) if (name.startsWith("c-")) tile.classList.add(name);
    }
  };

  // The first images of an empty gallery: what was hidden shows, and the next page can be asked for.
  const begin = (page) => {
    form.hidden = false;
    main.querySelector("[data-none-yet]")?.remove();
    const next = page.querySelector("[data-more]");
    if (next && !more) {
      form.after(next);
      more = next;
      more.hidden = true;
      holdLastRow();
    }
  };

  // New images come first; nothing else moves but what makes room for them.
  const showsNewest = () => form !== null && grids()[0].dataset.page === "" && !new URL(form.dataset.address, location.href).searchParams.has("q");
  const renewFirst = async () => {
    if (!showsNewest()) return;
    const page = await pageAt(form.dataset.address);
    const [list] = grids();
    const fresh = page.querySelector("ul.grid");
    if (!fresh?.firstElementChild) return;
    const first = !list.firstElementChild;
    mark(fresh);
    refresh(page);
    list.prepend(...withoutKnown(fresh).children);
    if (first) begin(page);
    main.dispatchEvent(new CustomEvent("gallery:changed"));
    tries = 0;
  };

  // A store that was too busy for an image is asked once more.
  main.addEventListener("error", (event) => {
    const image = event.target;
    if (!(image instanceof HTMLImageElement) || image.dataset.again) return;
    image.dataset.again = "1";
    setTimeout(() => { image.src = image.getAttribute("src"); }, EVERY_MS);
  }, true);

  // Arrows lead from image to image, up and down by what stands there.
  const nearest = (all, from, down) => {
    const box = from.getBoundingClientRect();
    const middle = box.left + box.width / 2;
    const rows = all.map((link) => [link, link.getBoundingClientRect()])
      .filter(([, one]) => (down ? one.top > box.bottom - 2 : one.bottom < box.top + 2));
    if (rows.length === 0) return null;
    const row = down ? Math.min(...rows.map(([, one]) => one.top)) : Math.max(...rows.map(([, one]) => one.top));
    return rows.filter(([, one]) => Math.abs(one.top - row) < 4)
      .sort(([, a], [, b]) => Math.abs(a.left + a.width / 2 - middle) - Math.abs(b.left + b.width / 2 - middle))[0][0];
  };

  main.addEventListener("keydown", (event) => {
    const link = event.target.closest(".tile > a[data-open]");
    if (!link || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const all = links();
    const at = all.indexOf(link);
    const to = {
      ArrowRight: () => all[at + 1],
      ArrowLeft: () => all[at - 1],
      ArrowDown: () => nearest(all, link, true),
      ArrowUp: () => nearest(all, link, false),
      Home: () => all[0],
      End: () => all.at(-1),
    }[event.key]?.();
    if (!to) return;
    event.preventDefault();
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  });

  if (form) {
    history.scrollRestoration = "manual";
    for (const list of grids()) mark(list);
    if (more) more.hidden = true;
    holdLastRow();
    restore().then(watch);
    let waiting = false;
    addEventListener("scroll", () => {
      watch();
      if (waiting) return;
      waiting = true;
      setTimeout(() => { waiting = false; note(); }, 150);
    }, { passive: true });
    addEventListener("resize", () => { holdLastRow(); watch(); });
    addEventListener("pagehide", note);
    setTimeout(renew, EVERY_MS);
  }

  return { form, links, older, pageAt, renewFirst, refresh, showsNewest };
})();
