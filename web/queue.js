// The recordings of this page, and the one that is at work. Nothing outlives the page.
//
// A session is {id, name, file, state, sent, heard, total, trouble, transcript, peaks}; its state goes waiting ->
// sending -> hearing -> done, or failed, or cancelled.

import {transcribe} from "./gateway.js";
import {fromDocument} from "./transcript.js";

export class Queue extends EventTarget {
  sessions = [];
  paused = false;
  #count = 0;
  #atWork = null; // {session, abort}

  /** `maySend`: whether the gateway lets data through. `options`: what a recording is sent with. */
  constructor({maySend, options}) {
    super();
    this.maySend = maySend;
    this.options = options;
  }

  add(facts) {
    const session = {
      id: `session-${++this.#count}`,
      state: "waiting",
      sent: 0,
      heard: 0,
      total: 0,
      trouble: "",
      transcript: null,
      peaks: null,
      options: this.options(),
      ...facts,
    };
    this.sessions.push(session);
    this.#changed();
    this.next();
    return session;
  }

  pause(paused) {
    this.paused = paused;
    this.#changed();
    this.next();
  }

  retry(session) {
    Object.assign(session, {state: "waiting", sent: 0, heard: 0, trouble: "", options: this.options()});
    this.#changed();
    this.next();
  }

  cancel(session) {
    if (this.#atWork?.session === session) this.#atWork.abort.abort();
    session.state = "cancelled";
    this.#changed();
  }

  remove(session) {
    this.cancel(session);
    this.sessions = this.sessions.filter((other) => other !== session);
    this.#changed();
  }

  clear() {
    for (const session of [...this.sessions]) this.remove(session);
    this.paused = false;
  }

  /** Begins the next recording, if there is one and it may be sent. */
  async next() {
    if (this.#atWork || this.paused || !this.maySend()) return;
    const session = this.sessions.find(({state}) => state === "waiting");
    if (!session) return;
    this.#atWork = {session, abort: new AbortController()};
    try {
      await this.#transcribe(session, this.#atWork.abort.signal);
    } catch (error) {
      if (session.state !== "cancelled") Object.assign(session, {state: "failed", trouble: error.message});
    }
    this.#atWork = null;
    this.#changed();
    this.next();
  }

  async #transcribe(session, signal) {
    session.state = "sending";
    this.#changed();
    // A recording may have come before the server was known, and its models with it.
    const options = {...session.options, model: session.options.model || this.options().model};
    const document = await transcribe(session.file, session.name, options, {
      signal,
      onsent: (part) => this.#progress(session, {sent: part, state: part < 1 ? "sending" : "hearing"}),
      onheard: (heard, total) => this.#progress(session, {heard, total, state: "hearing"}),
    });
    session.transcript = fromDocument(document);
    session.state = "done";
    this.dispatchEvent(new CustomEvent("done", {detail: session}));
  }

  #progress(session, facts) {
    if (session.state === "cancelled") return;
    Object.assign(session, facts);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
