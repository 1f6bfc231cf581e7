// The gateway on this computer: the only address that the page talks to (docs/gateway.md).

import {EventStream} from "./event_stream.js";
import {passHeaders, passProtocols} from "./pass.js";

/** A refusal in words that say what to do; `code` is stable. */
export class Trouble extends Error {
  constructor(message, code = "") {
    super(message);
    this.code = code;
  }
}

const kNoGateway = new Trouble(
  "The gateway on this computer does not answer. Start “blindai gateway” again, then try again.",
  "no-gateway",
);

const kAgainMs = 1000;

/** Calls onstatus at once and on every change of verdict, connection or manifest, for as long as the page is there. */
export async function watchStatus(onstatus) {
  for (;;) {
    // Until it answers again, nobody vouches for anything.
    onstatus({state: await readEvents(onstatus)});
    await new Promise((resolve) => setTimeout(resolve, kAgainMs));
  }
}

// Why the stream of events ended: "gateway" (it does not answer), or "locked" (it does not know this page).
async function readEvents(onstatus) {
  try {
    const answer = await fetch("gateway/events", {headers: passHeaders()});
    if (!answer.ok) return "locked";
    const events = new EventStream();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return "gateway";
      events.push(value).forEach(onstatus);
    }
  } catch {
    return "gateway";
  }
}

/** What an auditor needs to judge the server again, as text. */
export const evidence = () => ask("gateway/evidence");

// The body of an answer, or Trouble.
async function ask(address) {
  const answer = await fetch(address, {headers: passHeaders()}).catch(() => {
    throw kNoGateway;
  });
  const body = await answer.text();
  if (!answer.ok) throw troubleOf(body, answer.status);
  return body;
}

/** The speech models of the server: [{id}]. */
export async function speechModels() {
  return JSON.parse(await ask("v1/models")).data.filter(
    (model) => model.kind !== "tensor" && model.state !== "failed",
  );
}

/**
 * Sends a recording and gives the verbose_json document. onsent(0 to 1) while it is sent, onheard(seconds, total) while
 * it is transcribed. Throws Trouble, or the reason of `signal`.
 */
export function transcribe(recording, title, options, {signal, onsent, onheard}) {
  return new Promise((resolve, reject) => {
    // Other than fetch, this says how much was sent.
    const request = new XMLHttpRequest();
    const answer = new Answer(onheard);
    signal.addEventListener("abort", () => {
      request.abort();
      reject(signal.reason);
    });
    request.upload.addEventListener("progress", ({loaded, total}) => onsent(total > 0 ? loaded / total : 0));
    request.addEventListener("progress", () => answer.read(request));
    request.addEventListener("error", () => reject(answer.begun ? kBrokenOff : kNoGateway));
    request.addEventListener("load", () => {
      if (request.status !== 200) return reject(troubleOf(request.responseText, request.status));
      answer.read(request);
      return answer.trouble
        ? reject(answer.trouble)
        : answer.document
          ? resolve(answer.document)
          : reject(kBrokenOff);
    });
    request.open("POST", "v1/audio/transcriptions");
    for (const [name, value] of Object.entries(passHeaders())) request.setRequestHeader(name, value);
    request.send(formOf(recording, title, options));
  });
}

const kBrokenOff = new Trouble(
  "The connection broke off before the text was complete. Try again.",
  "broken-off",
);

// The events of a streamed transcription.
class Answer {
  #events = new EventStream();
  #read = 0;
  document = null;
  trouble = null;

  constructor(onheard) {
    this.onheard = onheard;
  }

  get begun() {
    return this.#read > 0;
  }

  read(request) {
    if (request.status !== 200) return;
    const text = request.responseText.slice(this.#read);
    this.#read += text.length;
    for (const event of this.#events.push(text)) {
      if (event.error) this.trouble = new Trouble(event.error.message, event.error.code);
      else if (event.type === "transcript.progress") this.onheard(event.seconds_done, event.seconds_total);
      else if (event.type === "transcript.text.done") this.document = JSON.parse(event.document);
    }
  }
}

function formOf(recording, name, options) {
  const form = new FormData();
  // The model first: an unknown one is refused before the recording is sent.
  form.append("model", options.model);
  form.append("response_format", "verbose_json");
  form.append("stream", "true");
  for (const what of ["segment", "word"]) form.append("timestamp_granularities[]", what);
  for (const what of ["coverage", "progress"]) form.append("include[]", what);
  if (options.language) form.append("language", options.language);
  for (const keyword of options.keywords) form.append("keywords[]", keyword);
  for (const speaker of options.speakers) form.append("known_speaker_names[]", speaker);
  form.append("file", recording, name);
  return form;
}

/** An error body of the gateway or of the server. */
export function troubleOf(body, status) {
  try {
    const {message, code} = JSON.parse(body).error;
    return new Trouble(message, code);
  } catch {
    return new Trouble(`The server answered ${status} without saying why. Try again.`, "unexpected");
  }
}

/** The WebSocket that speaks live transcription. */
export function openRealtime() {
  const url = new URL("v1/realtime?intent=transcription", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url, passProtocols());
}
