// A transcript in captions of a length that can be read: SubRip and WebVTT. Pure.

import {subtitleClock} from "./clock.js";

const kMostLetters = 84; // two lines of 42
const kMostSeconds = 6;

/** [{start, end, speaker, text}] */
export function captions(transcript) {
  const out = [];
  for (const turn of transcript.turns) {
    let caption = null;
    for (const word of turn.words) {
      const fits =
        caption &&
        caption.text.length + 1 + word.text.length <= kMostLetters &&
        word.end - caption.start <= kMostSeconds;
      if (fits) {
        caption.text += ` ${word.text}`;
        caption.end = word.end;
      } else {
        caption = {start: word.start, end: word.end, speaker: turn.speaker, text: word.text};
        out.push(caption);
      }
    }
  }
  return out;
}

export function srt(transcript) {
  return captions(transcript)
    .map(
      (caption, i) =>
        `${i + 1}\n${times(caption, ",")}\n${caption.speaker ? `${caption.speaker}: ` : ""}${caption.text}\n`,
    )
    .join("\n");
}

export function vtt(transcript) {
  const cues = captions(transcript).map((caption) => {
    const voice = caption.speaker ? `<v ${escape(caption.speaker).replaceAll("\n", " ")}>` : "";
    return `${times(caption, ".")}\n${voice}${escape(caption.text)}\n`;
  });
  return ["WEBVTT\n", ...cues].join("\n");
}

const times = (caption, mark) =>
  `${subtitleClock(caption.start, mark)} --> ${subtitleClock(caption.end, mark)}`;
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
