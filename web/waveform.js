// The sound as a picture: its loudness in the colour of who speaks, and below, for each speaker, what became of each
// moment (the coverage map). The words beside it say the same to people who do not see it.

import {clock} from "./clock.js";
import {h} from "./dom.js";
import {end, speakers, start} from "./transcript.js";
import {peaks} from "./wav.js";

const kHeight = 96;
const kStrip = 12;
const kGap = 4;
// A longer recording would take more memory to look at than the picture is worth.
const kMostBytesToDraw = 60e6;
const kMostSecondsToDraw = 45 * 60;
const kColumns = 2000;

/** The outline of a recording's sound, or null where it is too long or the browser cannot read it. */
export async function outline(file, duration) {
  if (file.size > kMostBytesToDraw || duration > kMostSecondsToDraw) return null;
  try {
    const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await file.arrayBuffer());
    const channels = Array.from({length: sound.numberOfChannels}, (_, i) =>
      peaks(sound.getChannelData(i), kColumns),
    );
    return channels.reduce((a, b) => a.map((value, i) => Math.max(value, b[i])));
  } catch {
    return null;
  }
}

export class Waveform {
  #canvas = h("canvas", {role: "img"});
  #words = h("p", {class: "hint"});
  #session;
  #voice;
  #resized = new ResizeObserver(() => this.show());
  #time = 0;

  /** `voice(speaker)`: the class of its colour; onplay(seconds): a click. */
  constructor(session, voice, onplay) {
    this.#session = session;
    this.#voice = voice;
    this.element = h("div", {class: "picture"}, this.#canvas, this.#words);
    this.#canvas.addEventListener("click", ({offsetX}) =>
      onplay((offsetX / this.#canvas.clientWidth) * session.transcript.duration),
    );
    this.#resized.observe(this.#canvas);
  }

  close() {
    this.#resized.disconnect();
  }

  set time(seconds) {
    this.#time = seconds;
    this.show();
  }

  show() {
    const {transcript} = this.#session;
    const voices = speakers(transcript);
    const width = this.#canvas.clientWidth;
    if (width === 0 || transcript.duration === 0) return;
    const height = kHeight + voices.length * (kStrip + kGap);
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    this.#canvas.style.height = `${height}px`;
    const paint = this.#canvas.getContext("2d");
    paint.scale(devicePixelRatio, devicePixelRatio);
    this.#drawSound(paint, width);
    voices.forEach((speaker, i) =>
      this.#drawStrip(paint, width, kHeight + kGap + i * (kStrip + kGap), speaker),
    );
    paint.fillStyle = colourOf(this.element, "--text");
    paint.fillRect((this.#time / transcript.duration) * width, 0, 1.5, height);
    const words = describe(transcript);
    this.#canvas.setAttribute("aria-label", words);
    this.#words.textContent =
      words + (this.#session.peaks ? "" : " The recording is too long to draw its loudness.");
  }

  #drawSound(paint, width) {
    const {peaks: outlineOfSound, transcript} = this.#session;
    const columns = Math.floor(width / 3);
    const silent = colourOf(this.element, "--line");
    const colours = new Map(speakers(transcript).map((speaker) => [speaker, this.#colour(speaker)]));
    let turn = 0;
    for (let i = 0; i < columns; ++i) {
      const seconds = ((i + 0.5) / columns) * transcript.duration;
      while (turn + 1 < transcript.turns.length && start(transcript.turns[turn + 1]) <= seconds) ++turn;
      const spoken = transcript.turns[turn];
      const inside = spoken && start(spoken) <= seconds && seconds <= end(spoken);
      const peak = outlineOfSound
        ? loudest(outlineOfSound, i / columns, (i + 1) / columns)
        : inside
          ? 0.4
          : 0.02;
      const tall = Math.max(2, Math.sqrt(peak) * kHeight);
      paint.fillStyle = inside ? colours.get(spoken.speaker) : silent;
      paint.fillRect(i * 3, (kHeight - tall) / 2, 2, tall);
    }
  }

  // Full: transcribed. Half as high: transcribed, and the model is not sure. A line: silence.
  #drawStrip(paint, width, top, speaker) {
    const {coverage, duration} = this.#session.transcript;
    paint.fillStyle = colourOf(this.element, "--line");
    paint.fillRect(0, top + kStrip - 2, width, 2);
    paint.fillStyle = this.#colour(speaker);
    for (const span of coverage) {
      if (span.kind === "silence" || (span.speaker ?? "") !== speaker) continue;
      const tall = span.kind === "transcribed" ? kStrip : kStrip / 2;
      const from = (span.start / duration) * width;
      paint.fillRect(
        from,
        top + kStrip - tall,
        Math.max(1, ((span.end - span.start) / duration) * width),
        tall,
      );
    }
  }

  #colour(speaker) {
    return colourOf(this.element, `--${this.#voice(speaker)}`);
  }
}

const colourOf = (element, name) => getComputedStyle(element).getPropertyValue(name);

function loudest(outlineOfSound, from, to) {
  const first = Math.floor(from * outlineOfSound.length);
  return outlineOfSound
    .subarray(first, Math.max(first + 1, Math.floor(to * outlineOfSound.length)))
    .reduce((most, value) => Math.max(most, value), 0);
}

/** "1:00 of sound. Therapist: 0:31 written, 0:03 of it unsure." The rest is silence. */
export function describe({coverage, duration}) {
  const voices = new Map();
  for (const span of coverage) {
    const seconds = voices.get(span.speaker ?? "") ?? {transcribed: 0, low_confidence: 0, silence: 0};
    seconds[span.kind] += span.end - span.start;
    voices.set(span.speaker ?? "", seconds);
  }
  const sentences = [...voices].map(([speaker, seconds]) => {
    const written = seconds.transcribed + seconds.low_confidence;
    const unsure = seconds.low_confidence > 0 ? `, ${clock(seconds.low_confidence)} of it unsure` : "";
    return `${speaker ? `${speaker}: ` : ""}${clock(written)} written${unsure}.`;
  });
  return [`${clock(duration)} of sound.`, ...sentences, "The rest is silence."].join(" ");
}
