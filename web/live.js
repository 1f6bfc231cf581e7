// Live transcription: OpenAI's realtime events over a WebSocket (docs/http.md, "Live transcription").

import {openRealtime, Trouble} from "./gateway.js";

const kItem = "conversation.item.input_audio_transcription";
// The name of a commit that comes after everything: it has nothing left to commit, and the answer to it says so.
const kEnd = "end";

export class LiveSession {
  #socket;
  #rate;
  #open = new Set(); // utterances without a text yet
  #ended = false;
  #finish;
  finals = [];

  /** onpartial(text) may still change; onfinal(final) does not; ontrouble(Trouble) ends the session. */
  constructor(options, rate, {onpartial, onfinal, ontrouble}) {
    this.#rate = rate;
    this.onpartial = onpartial;
    this.onfinal = onfinal;
    this.ontrouble = ontrouble;
    this.#socket = openRealtime();
    this.#socket.addEventListener("open", () =>
      this.#say({type: "session.update", session: this.#settings(options)}),
    );
    this.#socket.addEventListener("message", ({data}) => this.#hear(JSON.parse(data)));
    this.#socket.addEventListener("close", () => this.#closed());
  }

  append(piece) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#say({type: "input_audio_buffer.append", audio: base64(new Uint8Array(piece.buffer))});
  }

  /** Waits for the text of all that was said. */
  finish() {
    return new Promise((resolve) => {
      this.#finish = resolve;
      if (this.#socket.readyState !== WebSocket.OPEN) return this.#closed();
      this.#say({type: "input_audio_buffer.commit"});
      this.#say({type: "input_audio_buffer.commit", event_id: kEnd});
    });
  }

  close() {
    this.ontrouble = () => {};
    this.#socket.close();
  }

  #say(event) {
    this.#socket.send(JSON.stringify(event));
  }

  #settings({model, language, keywords}) {
    return {
      type: "transcription",
      audio: {
        input: {
          format: {type: "audio/pcm", rate: this.#rate},
          transcription: {model, keywords, ...(language ? {language} : {})},
          turn_detection: {type: "server_vad"},
        },
      },
      include: ["item.input_audio_transcription.partials"],
    };
  }

  #hear(event) {
    switch (event.type) {
      case "input_audio_buffer.committed":
        this.#open.add(event.item_id);
        break;
      case `${kItem}.partial`:
        this.onpartial(event.transcript);
        break;
      case `${kItem}.completed`:
        this.#open.delete(event.item_id);
        if (event.transcript !== "") {
          this.finals.push(event);
          this.onfinal(event);
        }
        break;
      case `${kItem}.failed`:
        this.#open.delete(event.item_id);
        break;
      case "error":
        this.#refused(event.error);
        break;
    }
    if (this.#ended && this.#open.size === 0) this.#socket.close();
  }

  #refused(error) {
    if (error.event_id === kEnd) this.#ended = true;
    else if (error.code !== "input_audio_buffer_commit_empty")
      this.ontrouble(new Trouble(error.message, error.code));
  }

  #closed() {
    if (this.#finish) this.#finish();
    else
      this.ontrouble(
        new Trouble("Live text stopped: the connection is gone. The recording goes on here.", "live-gone"),
      );
  }
}

function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
