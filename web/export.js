// A transcript as a file that other programs read. Pure.

import {clock} from "./clock.js";
import {docx, kDocxType} from "./docx.js";
import {srt, vtt} from "./subtitles.js";
import {end, start, text} from "./transcript.js";

/** The formats in the order of the page: by ending, what people call it. */
export const kFormats = {
  txt: "Text",
  docx: "Word",
  srt: "Subtitles (SRT)",
  vtt: "Subtitles (VTT)",
  json: "JSON",
};

/** {name, type, bytes} of the session `title` in a format of kFormats. */
export function exported(title, transcript, format) {
  const [type, bytes] = kWriters[format](title, transcript);
  return {name: `${fileName(title)}.${format}`, type, bytes};
}

const kWriters = {
  txt: (title, transcript) => ["text/plain;charset=utf-8", plainText(transcript)],
  docx: (title, transcript) => [kDocxType, docx(title, transcript)],
  srt: (title, transcript) => ["application/x-subrip", srt(transcript)],
  vtt: (title, transcript) => ["text/vtt", vtt(transcript)],
  json: (title, transcript) => ["application/json", json(title, transcript)],
};

export function plainText(transcript) {
  return transcript.turns
    .map((turn) => {
      const who = turn.speaker === "" ? "" : ` ${turn.speaker}`;
      return `[${clock(start(turn))}]${who}\n${text(turn)}\n`;
    })
    .join("\n");
}

function json(title, transcript) {
  const turns = transcript.turns.map((turn) => ({
    speaker: turn.speaker,
    start: start(turn),
    end: end(turn),
    text: text(turn),
    corrected: turn.corrected,
    words: turn.words.map(({text: word, start: from, end: to, confidence}) => ({
      word,
      start: from,
      end: to,
      confidence,
    })),
  }));
  return (
    JSON.stringify({title, duration: transcript.duration, turns, coverage: transcript.coverage}, null, 1) +
    "\n"
  );
}

// What no file system refuses.
function fileName(title) {
  const plain = title.replace(/[\\/:*?"<>|\u0000-\u001f]/g, "-").replace(/^[. ]+|[. ]+$/g, "");
  return plain.slice(0, 100) || "session";
}
