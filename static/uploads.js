// The uploads of a form (one_upload.js): three at once, each with a bar.
"use strict";

// How long what is left takes at the pace since it was begun to be measured; null as long as that says nothing.
const secondsLeft = (before, now) => {
  const seconds = (now.at - before.at) / 1000;
  if (seconds < 0.5 || now.left >= before.left) return null;
  return Math.ceil((now.left * seconds) / (before.left - now.left));
};

const inWords = (seconds) => (seconds < 90 ? `About ${Math.max(1, seconds)} s` : `About ${Math.round(seconds / 60)} min`);

// The list of uploads below a form.
class UploadQueue {
  static AT_ONCE = 3;
  static EACH_BYTES = 262_144; // what beginning and looking at a file costs, in bytes sent meanwhile
  static AGAIN_MS = [3_000, 60_000]; // after a lost connection: first, and at most

  constructor(form, atEnd, stored = () => {}) {
    this.place = form.querySelector("[data-queue]");
    this.rows = this.place.querySelector("[data-rows]");
    this.total = this.place.querySelector("[data-total]");
    this.totalWords = this.place.querySelector("[data-total-words]");
    this.pauseAll = Object.assign(document.createElement("button"), { type: "button", className: "button small" });
    this.place.querySelector("[data-total-line]").append(this.pauseAll);
    this.imageAddress = form.dataset.image;
    this.signIn = form.dataset.signIn;
    this.maxBytes = Number(form.dataset.maxBytes);
    this.maxSize = form.dataset.maxSize;
    this.atEnd = atEnd;
    this.paused = false;
    this.told = false; // that all have ended
    this.uploads = new Map(); // to their rows
    this.how = {
      address: form.dataset.uploads,
      token: form.elements.form_token.value,
      changed: (upload) => {
        this.show(upload);
        this.go();
        if (upload.state === "done") stored();
      },
      blocked: (words) => this.block(words),
      signedOut: () => this.waitForSignIn(),
    };
    this.left = Object.assign(document.createElement("p"), { className: "hint", hidden: true });
    this.place.querySelector("[data-total-line]").after(this.left);
    this.banner = Object.assign(document.createElement("p"), { className: "notice" });
    this.banner.setAttribute("role", "alert");
    this.place.prepend(this.banner);
    this.banner.hidden = true;
    this.againMs = UploadQueue.AGAIN_MS[0];
    this.again = null; // the timer that goes on after a lost connection
    window.addEventListener("online", () => this.goOn());
    this.pauseAll.addEventListener("click", () => {
      this.paused = !this.paused;
      this.banner.hidden = true;
      for (const upload of this.uploads.keys()) {
        if (this.paused && upload.state === "sending") upload.stop?.();
        if (!this.paused && upload.state === "paused") upload.set("waiting", "Waiting");
      }
      this.showTotal();
      this.go();
    });
    window.addEventListener("beforeunload", (event) => { if (this.unsent) event.preventDefault(); });
  }

  get open() { return [...this.uploads.keys()].filter((one) => one.state === "waiting" || one.state === "sending"); }

  // Whether leaving would drop anything: what waits or fails is known to this page alone.
  get unsent() { return [...this.uploads.keys()].some((one) => !one.ended); }

  add(files) { // [file, key, what if the key is taken], ...
    this.place.hidden = false;
    this.told = false;
    for (const [file, key, ifTaken] of files) {
      const upload = new Upload(file, key, ifTaken, this.how);
      this.uploads.set(upload, this.rowOf(upload));
      const refusal = this.refusalOf(file);
      if (refusal) Object.assign(upload, { state: "refused", words: refusal }); // nothing of it is sent
      this.show(upload);
    }
    this.measured = null; // there is more to do than when the pace was first measured
    this.go();
  }

  refusalOf(file) {
    if (file.size === 0) return "The file is empty.";
    if (file.size <= this.maxBytes) return null;
    return `It has ${(file.size / 1_048_576).toFixed(0)} MiB; at most ${this.maxSize} are taken.`;
  }

  // Goes on with what the lost connection paused, and with nothing that the person did.
  goOn() {
    clearTimeout(this.again);
    this.again = null;
    for (const upload of this.uploads.keys()) {
      if (upload.lost && upload.state === "paused") upload.set("waiting", "Waiting");
    }
  }

  // Pauses everything: what is not sent yet would only be refused.
  block(words) {
    for (const upload of this.uploads.keys()) {
      // What arrived meanwhile was refused: it is begun anew, and not before the person says so.
      if (!upload.ended) Object.assign(upload, { begun: null, posted: false });
    }
    this.hold("Paused: uploads are blocked", `${words} What was stored stays; the rest waits here.`);
  }

  waitForSignIn() {
    const link = Object.assign(document.createElement("a"), { href: this.signIn, target: "_blank", textContent: "Sign in" });
    this.hold("Paused: you are signed out", "You are signed out. ", link, " there, then resume here: all that is not stored waits.");
  }

  hold(words, ...told) {
    this.banner.replaceChildren(...told);
    this.banner.hidden = false;
    this.paused = true;
    for (const upload of this.uploads.keys()) {
      if (upload.ended) continue;
      upload.lost = false;
      if (upload.state === "sending") upload.stop?.();
      else if (upload.state === "waiting") upload.set("paused", words);
    }
    this.showTotal();
  }

  showTimeLeft(all) {
    const sending = all.filter((one) => one.state === "sending" || one.state === "waiting");
    const effort = (one) => (one.ended ? 0 : one.file.size - one.sent + UploadQueue.EACH_BYTES);
    const left = all.reduce((sum, one) => sum + effort(one), 0);
    if (sending.length === 0) this.measured = null;
    else this.measured ??= { at: performance.now(), left };
    const seconds = sending.length === 0 ? null : secondsLeft(this.measured, { at: performance.now(), left });
    this.left.hidden = seconds === null;
    if (seconds !== null) this.left.textContent = `${inWords(seconds)} left`;
  }

  go() {
    // One at a time: each start comes back here before it returns.
    while (!this.paused && this.open.filter((one) => one.state === "sending").length < UploadQueue.AT_ONCE) {
      const next = this.open.find((one) => one.state === "waiting");
      if (next === undefined) break;
      next.run();
    }
    const all = [...this.uploads.keys()];
    if (!this.told && all.every((one) => one.ended)) {
      this.told = true;
      this.atEnd(all);
    }
  }

  rowOf(upload) {
    const row = document.createElement("li");
    const name = Object.assign(document.createElement("bdi"), { className: "key", textContent: upload.key });
    const bar = document.createElement("progress");
    bar.max = upload.file.size;
    bar.setAttribute("aria-label", upload.key);
    const words = Object.assign(document.createElement("p"), { className: "hint" });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button small" });
    button.addEventListener("click", () => {
      upload.lost = false; // what the person says holds
      if (upload.state === "sending") upload.stop?.();
      else if (upload.state === "waiting") upload.set("paused", "Paused");
      else if (!upload.ended) upload.set("waiting", "Waiting");
    });
    row.append(name, bar, words, button);
    this.rows.append(row);
    return { row, bar, words, button };
  }

  show(upload) {
    const { row, bar, words, button } = this.uploads.get(upload) ?? {};
    if (!row) return;
    row.dataset.state = upload.state;
    if (upload.state === "done") this.againMs = UploadQueue.AGAIN_MS[0];
    if (upload.state === "paused" && upload.lost && this.again === null && !this.paused) {
      this.again = setTimeout(() => this.goOn(), this.againMs);
      this.againMs = Math.min(this.againMs * 2, UploadQueue.AGAIN_MS[1]);
    }
    bar.value = upload.sent;
    words.replaceChildren(...(upload.state === "done" ? this.wordsOf(upload.answer) : [upload.words]));
    const label = { waiting: "Pause", sending: "Pause", paused: "Resume", failed: "Retry" }[upload.state];
    button.hidden = label === undefined;
    button.textContent = label ?? "";
    button.setAttribute("aria-label", `${label}: ${upload.key}`);
    this.showTotal();
  }

  // What became of an upload that is done, with links to each image that is named.
  wordsOf({ key, asked_key: asked, stored, duplicate_of: twin }) {
    if (!stored) return ["Not stored again. Already in your gallery: ", this.link(key, key)];
    if (key !== asked) return ["Stored as ", this.link(key, key), ": another image is called ", this.link(asked, asked)];
    const there = this.link("Stored", key);
    if (twin === null) return [there];
    return twin === key ? [there, ". Already in your gallery"] : [there, ". Already in your gallery: ", this.link(twin, twin)];
  }

  showTotal() {
    const all = [...this.uploads.keys()];
    const count = (state) => all.filter((one) => one.state === state).length;
    const taken = all.filter((one) => one.state !== "refused");
    this.total.max = taken.reduce((sum, one) => sum + one.file.size, 0) || 1;
    this.total.value = taken.reduce((sum, one) => sum + one.sent, 0);
    const there = all.filter((one) => one.wasThere).length;
    const parts = [`${count("done") - there} of ${all.length} stored`];
    if (there > 0) parts.push(`${there} there already`);
    for (const [state, words] of [["refused", "refused"], ["failed", "failed"], ["paused", "paused"]]) {
      if (count(state) > 0) parts.push(`${count(state)} ${words}`);
    }
    this.showTimeLeft(all);
    const said = parts.join(", ");
    if (this.totalWords.textContent !== said) this.totalWords.textContent = said; // read out when it changes
    this.pauseAll.hidden = all.every((one) => one.ended || one.state === "failed");
    this.pauseAll.textContent = this.paused ? "Resume all" : "Pause all";
  }

  link(text, key) {
    const link = document.createElement("a");
    link.href = `${this.imageAddress}?key=${encodeURIComponent(key)}`;
    link.append(Object.assign(document.createElement("bdi"), { className: "key", textContent: text }));
    return link;
  }
}
