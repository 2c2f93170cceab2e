// Uploads straight to the object store: begun with our API, posted there, completed here. Three at once, each with a bar.
"use strict";

class Stopped extends Error {} // paused by the person
class Refused extends Error {} // the same file would be refused again
class Lost extends Error {} // the connection; it is tried again without being asked
class Blocked extends Error {} // an admin takes no uploads at present
const BLOCKED_WORDS = "Uploads are blocked for now."; // how such a refusal begins, of what was on its way

class Upload {
  constructor(file, key, ifTaken, how) { // ifTaken: "replace" or "keep-both", if an image has the key
    Object.assign(this, { file, key, ifTaken, how, sent: 0, state: "waiting", words: "Waiting" });
    Object.assign(this, { begun: null, posted: false, answer: null, stop: null, lost: false });
  }

  get ended() { return this.state === "done" || this.state === "refused"; }

  get wasThere() { return this.state === "done" && !this.answer.stored; } // the same bytes, under the same name or another

  async run() {
    this.lost = false;
    this.set("sending", "Starting…");
    try {
      if (!this.posted) {
        if (this.begun === null || Date.parse(this.begun.expires) - Date.now() < 60_000) this.begun = await this.begin();
        await this.post();
        this.posted = true;
      }
      this.sent = this.file.size;
      this.set("sending", "Looking at it…");
      this.answer = await this.call(`${this.how.address}/${this.begun.id}/complete`);
      if (this.answer.state === "refused") {
        if (!this.answer.refusal.startsWith(BLOCKED_WORDS)) throw new Refused(this.answer.refusal);
        Object.assign(this, { begun: null, posted: false }); // that upload has ended; later another is begun
        throw new Blocked(this.answer.refusal);
      }
      this.set("done", this.answer.stored ? "Stored" : "Not stored again");
    } catch (error) {
      this.lost = error instanceof Lost;
      if (error instanceof Stopped) this.set("paused", "Paused");
      else if (this.lost) this.set("paused", "Paused: the connection was lost. It goes on by itself when it is back.");
      else if (error instanceof Blocked) {
        this.set("paused", "Paused: uploads are blocked");
        this.how.blocked(error.message);
      }
      else if (error instanceof Refused) this.set("refused", error.message);
      else this.set("failed", error.message || "It could not be sent.");
      if (!this.posted) this.sent = 0; // a file is sent whole or not at all
    } finally {
      this.stop = null;
      this.how.changed(this);
    }
  }

  async begin() {
    const wanted = { key: this.key, media_type: this.file.type, size: this.file.size, if_taken: this.ifTaken };
    return this.call(this.how.address, wanted);
  }

  // What our API answers. What is temporary is asked for again, under the same name, so that nothing is begun twice.
  async call(address, body) {
    const name = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": this.how.token, "Idempotency-Key": name };
    const stop = new AbortController();
    let stopped = false;
    this.stop = () => { stopped = true; stop.abort(); };
    for (let left = 3; ; left -= 1) {
      try {
        const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]);
        const answer = await fetch(address, { method: "POST", headers, body: body && JSON.stringify(body), signal });
        if (answer.ok) return await answer.json();
        const problem = await answer.json().catch(() => ({}));
        const words = problem.detail ?? `The store answered ${answer.status}.`;
        if (problem.type?.endsWith(":uploads-blocked")) throw new Blocked(words);
        if (answer.status === 409) this.posted = false; // the object store does not have it
        if (answer.status < 500 && answer.status !== 409 && answer.status !== 429) throw new Refused(words);
        if (left === 0) throw new Error(words);
      } catch (error) {
        if (stopped) throw new Stopped();
        const network = error instanceof TypeError; // the browser's word for it
        if (network && (left === 0 || !navigator.onLine)) throw new Lost();
        if (error instanceof Refused || error instanceof Blocked || left === 0) throw error;
      }
      await new Promise((done) => { setTimeout(done, 1000 * (4 - left)); });
      if (stopped) throw new Stopped();
    }
  }

  post() {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      for (const [name, value] of Object.entries(this.begun.fields)) form.append(name, value);
      form.append("file", this.file);
      this.stop = () => request.abort();
      request.upload.addEventListener("progress", (event) => {
        if (event.total === 0) return;
        this.sent = Math.round((this.file.size * event.loaded) / event.total);
        this.set("sending", "Sending");
      });
      request.addEventListener("load", () => {
        if (request.status < 300) resolve();
        else if (request.status === 403) {
          this.begun = null; // the form has ended; a retry gets another
          reject(new Error("The object store did not take it: try again."));
        } else reject(new Error(`The object store answered ${request.status}.`));
      });
      request.addEventListener("abort", () => reject(new Stopped()));
      request.addEventListener("error", () => reject(new Lost()));
      request.open("POST", this.begun.url);
      request.send(form);
    });
  }

  set(state, words) {
    Object.assign(this, { state, words });
    this.how.changed(this);
  }
}

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
    this.banner.textContent = `${words} What was stored stays; the rest waits here.`;
    this.banner.hidden = false;
    this.paused = true;
    for (const upload of this.uploads.keys()) {
      if (upload.ended) continue;
      // What arrived meanwhile was refused: it is begun anew, and not before the person says so.
      Object.assign(upload, { begun: null, posted: false, lost: false });
      if (upload.state === "sending") upload.stop?.();
      else if (upload.state === "waiting") upload.set("paused", "Paused: uploads are blocked");
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
