// One upload straight to the object store: begun with our API, posted there, completed here.
"use strict";

class Stopped extends Error {} // paused by the person
class Refused extends Error {} // the same file would be refused again
class Lost extends Error {} // the connection; it is tried again without being asked
class Later extends Error {} // there is no room for it now
class Blocked extends Error {} // an admin takes no uploads at present
class SignedOut extends Error {} // the session has ended
// How refusals begin, of what was on its way, that are none of the file's: another upload of it may be taken later.
const BLOCKED_WORDS = "Uploads are blocked for now.";
const ROOM_WORDS = "Your images take";

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
        const words = this.answer.refusal;
        const kind = [[BLOCKED_WORDS, Blocked], [ROOM_WORDS, Later]].find(([begins]) => words.startsWith(begins))?.[1];
        if (kind === undefined) throw new Refused(words);
        Object.assign(this, { begun: null, posted: false }); // that upload has ended; later another is begun
        throw new kind(words);
      }
      this.set("done", this.answer.stored ? "Stored" : "Not stored again");
    } catch (error) {
      this.lost = error instanceof Lost;
      if (error instanceof Stopped) this.set("paused", "Paused");
      else if (this.lost) this.set("paused", "Paused: the connection was lost. It goes on by itself when it is back.");
      else if (error instanceof Blocked) {
        this.set("paused", "Paused: uploads are blocked");
        this.how.blocked(error.message);
      } else if (error instanceof SignedOut) {
        this.set("paused", "Paused: you are signed out");
        this.how.signedOut();
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
        if (answer.status === 401) throw new SignedOut(words);
        if (problem.type?.endsWith(":over-quota")) throw new Later(words);
        if (answer.status === 409) this.posted = false; // the object store does not have it
        if (answer.status < 500 && answer.status !== 409 && answer.status !== 429) throw new Refused(words);
        if (left === 0) throw new Error(words);
      } catch (error) {
        if (stopped) throw new Stopped();
        const network = error instanceof TypeError; // the browser's word for it
        if (network && (left === 0 || !navigator.onLine)) throw new Lost();
        if (left === 0 || [Refused, Later, Blocked, SignedOut].some((kind) => error instanceof kind)) throw error;
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
