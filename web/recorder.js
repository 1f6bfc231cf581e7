// The card that records: microphone, loudness, pause, live text.

import {clock} from "./clock.js";
import {h, say} from "./dom.js";
import {LiveSession} from "./live.js";
import {Microphone, microphoneTrouble} from "./microphone.js";
import {wavFile} from "./wav.js";

export class Recorder {
  #root;
  #hooks;
  #take = null; // what is being recorded

  /**
   * Hooks: options() of the session; maySend(); onrecorded({name, file, duration, peaks, finals or null});
   * onlive({finals, partial} or null).
   */
  constructor(root, hooks) {
    this.#root = root;
    this.#hooks = hooks;
    this.#showIdle();
  }

  get recording() {
    return this.#take !== null;
  }

  /** Whether live text can be had now; the recording itself needs nobody. */
  enableLive(enabled) {
    const box = this.#root.querySelector("#live-wanted");
    if (box) box.disabled = !enabled;
  }

  #showIdle(trouble = "") {
    this.#root.replaceChildren(
      h("h2", {}, "Record"),
      h("p", {class: "hint"}, "What you record stays in this page until you close it."),
      h("p", {}, h("button", {type: "button", class: "main", onclick: () => this.#begin()}, "Record")),
      h(
        "p",
        {},
        h(
          "label",
          {},
          h("input", {id: "live-wanted", type: "checkbox", checked: true}),
          " Write while I speak",
        ),
      ),
      h("p", {class: "trouble", role: "alert"}, trouble),
    );
  }

  async #begin() {
    const wanted = this.#root.querySelector("#live-wanted");
    const live = wanted.checked && !wanted.disabled;
    const microphone = new Microphone({
      onpiece: (piece, peak) => this.#hear(piece, peak),
      onended: () => this.#finish(),
    });
    try {
      await microphone.open();
    } catch (error) {
      microphone.close();
      this.#showIdle(microphoneTrouble(error));
      return;
    }
    this.#take = {microphone, pieces: [], peaks: [], live: null, begun: new Date(), trouble: ""};
    if (live) this.#openLive();
    this.#showRecording();
    say("Recording");
  }

  #openLive() {
    const take = this.#take;
    const show = (partial) => this.#hooks.onlive({finals: take.live.finals, partial});
    take.live = new LiveSession(this.#hooks.options(), take.microphone.rate, {
      onpartial: show,
      onfinal: () => show(""),
      ontrouble: (trouble) => {
        take.live?.close();
        take.live = null;
        this.#hooks.onlive(null);
        this.#tell(`${trouble.message} The text is made when you finish.`);
      },
    });
    show("");
  }

  #showRecording() {
    const pause = h(
      "button",
      {
        type: "button",
        onclick: () => {
          const {microphone} = this.#take;
          microphone.paused = !microphone.paused;
          pause.textContent = microphone.paused ? "Go on" : "Pause";
          this.#show();
          say(microphone.paused ? "Paused" : "Recording");
        },
      },
      "Pause",
    );
    this.#root.replaceChildren(
      h(
        "h2",
        {},
        h("span", {id: "recording-state"}, "Recording"),
        " ",
        h("span", {id: "recording-time"}, "0:00"),
      ),
      h("p", {}, h("meter", {id: "loudness", min: 0, max: 1, value: 0, "aria-label": "Loudness"})),
      h(
        "p",
        {class: "row"},
        h("button", {type: "button", class: "main", onclick: () => this.#finish()}, "Finish"),
        pause,
        h("button", {type: "button", class: "quiet", onclick: () => this.cancel()}, "Throw away"),
      ),
      h("p", {class: "trouble", role: "alert"}),
    );
    this.#root.querySelector(".main").focus();
  }

  #hear(piece, peak) {
    const take = this.#take;
    if (take === null) return;
    take.pieces.push(piece);
    take.peaks.push(peak);
    take.live?.append(piece);
    this.#show(peak);
  }

  #show(peak = 0) {
    const {peaks, microphone} = this.#take;
    this.#root.querySelector("#recording-time").textContent = clock(peaks.length / 10);
    this.#root.querySelector("#recording-state").textContent = microphone.paused ? "Paused" : "Recording";
    // Loudness is heard in powers: half the sound pressure is far more than half as loud.
    this.#root.querySelector("#loudness").value = Math.sqrt(peak);
  }

  #tell(text) {
    this.#root.querySelector(".trouble").textContent = text;
  }

  async #finish() {
    const take = this.#take;
    if (take === null) return;
    this.#take = null;
    const rate = take.microphone.rate;
    take.microphone.close();
    this.#showIdle();
    if (take.pieces.length === 0) return;
    const finals = take.live ? take.live.finals : null;
    await take.live?.finish();
    this.#hooks.onlive(null);
    this.#hooks.onrecorded({
      name: `Recording ${take.begun.toLocaleString([], {dateStyle: "medium", timeStyle: "short"})}`,
      file: wavFile(take.pieces, rate),
      duration: take.pieces.length / 10,
      peaks: Float32Array.from(take.peaks),
      finals,
    });
  }

  /** Drops what is being recorded. */
  cancel() {
    const take = this.#take;
    this.#take = null;
    take?.live?.close();
    take?.microphone.close();
    this.#hooks.onlive(null);
    this.#showIdle();
  }
}
