// A transcript as the page holds it: turns of words with times, speaker and confidence. Pure.
//
// A word is {text, start, end, confidence, speaker}; confidence is 0 to 1, or null where nobody said. A turn is the
// words of one speaker until somebody else speaks or a long silence. Times are seconds of the recording.

const kPauseOfTurn = 2;
// One voice that speaks on and on becomes paragraphs.
const kPauseOfParagraph = 0.5;
const kWordsOfParagraph = 80;
const kMostWordsOfParagraph = 200;
// Of the words of a good recording one in ten is below.
const kUnsure = 0.8;

/** Of a verbose_json document: {turns, duration, coverage}. */
export function fromDocument(document) {
  const words = (document.words ?? []).map((word) => ({
    text: word.word.trim(),
    start: word.start,
    end: word.end,
    confidence: word.confidence ?? null,
    speaker: word.speaker ?? "",
  }));
  return {turns: turnsOf(words), duration: document.duration ?? 0, coverage: document.coverage ?? []};
}

/** Of the finals of a live session: what `conversation.item.input_audio_transcription.completed` brings. */
export function fromFinals(finals, duration) {
  const words = finals.flatMap((final) =>
    (final.words ?? []).map((word) => ({
      text: word.word.trim(),
      start: word.start,
      end: word.end,
      confidence: word.confidence ?? null,
      speaker: "",
    })),
  );
  const coverage = finals
    .filter((final) => final.end > final.start)
    .map((final) => ({start: final.start, end: final.end, kind: "transcribed"}));
  return {turns: turnsOf(words), duration, coverage};
}

function turnsOf(words) {
  const spoken = words.filter((word) => word.text !== "").sort((a, b) => a.start - b.start);
  const turns = [];
  for (const word of readable(spoken)) {
    if (turns.length > 0 && goesOn(turns.at(-1), word)) turns.at(-1).words.push(word);
    else turns.push({speaker: word.speaker, words: [word], corrected: false});
  }
  return turns;
}

function goesOn(turn, word) {
  if (turn.speaker !== word.speaker || turn.words.length >= kMostWordsOfParagraph) return false;
  const pause = word.start - turn.words.at(-1).end;
  return pause < (turn.words.length < kWordsOfParagraph ? kPauseOfTurn : kPauseOfParagraph);
}

function readable(words) {
  const capitals = words.every((word) => word.text === word.text.toUpperCase());
  return capitals ? words.map((word) => ({...word, text: readableText(word.text)})) : words;
}

/** Many models know no upper and lower case and write everything in capitals, which is hard to read. */
export function readableText(written) {
  return written === written.toUpperCase() ? written.toLowerCase() : written;
}

export const start = (turn) => turn.words[0].start;
export const end = (turn) => turn.words.at(-1).end;
export const text = (turn) => turn.words.map((word) => word.text).join(" ");
export const unsure = (word) => word.confidence !== null && word.confidence < kUnsure;

/** The names of the speakers, in the order in which they first speak. */
export function speakers(transcript) {
  return [...new Set(transcript.turns.map((turn) => turn.speaker))];
}

export function rename(transcript, from, to) {
  for (const turn of transcript.turns) {
    if (turn.speaker !== from) continue;
    turn.speaker = to;
    for (const word of turn.words) word.speaker = to;
  }
  for (const span of transcript.coverage) {
    if (span.speaker === from) span.speaker = to;
  }
}

/** The turn with another text. Words that stay keep their times; new ones share the time of those that they replace. */
export function correct(turn, newText) {
  const after = newText.split(/\s+/).filter((word) => word !== "");
  if (after.length === 0) return null;
  const kept = commonWords(
    turn.words.map((word) => word.text),
    after,
  );
  const words = [];
  let from = 0;
  let at = 0;
  for (const [old, young] of [...kept, [turn.words.length, after.length]]) {
    words.push(
      ...spread(after.slice(at, young), turn.words.slice(from, old), turn, words.at(-1), turn.words[old]),
    );
    if (old < turn.words.length) words.push(turn.words[old]);
    from = old + 1;
    at = young + 1;
  }
  return {...turn, words, corrected: true};
}

// Words that a person wrote are certain.
function spread(texts, replaced, turn, before, after) {
  const begin = replaced[0]?.start ?? before?.end ?? start(turn);
  const finish = replaced.at(-1)?.end ?? after?.start ?? end(turn);
  const each = (finish - begin) / Math.max(1, texts.length);
  return texts.map((word, i) => ({
    text: word,
    start: begin + each * i,
    end: begin + each * (i + 1),
    confidence: 1,
    speaker: turn.speaker,
  }));
}

// Pairs of places of the words that both lists have, in order: as many as there can be.
function commonWords(before, after) {
  const longest = Array.from({length: before.length + 1}, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; --i) {
    for (let j = after.length - 1; j >= 0; --j) {
      longest[i][j] =
        before[i] === after[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    if (before[i] === after[j]) pairs.push([i++, j++]);
    else if (longest[i + 1][j] >= longest[i][j + 1]) ++i;
    else ++j;
  }
  return pairs;
}

/** Where `wanted` stands: [{turn, from, to}], places of words; whatever case and accents. */
export function find(transcript, wanted) {
  const words = wanted
    .split(/\s+/)
    .map(plain)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  const found = [];
  transcript.turns.forEach((turn, index) => {
    const said = turn.words.map((word) => plain(word.text));
    for (let from = 0; from + words.length <= said.length; ++from) {
      const here = words.every((word, i) =>
        i === words.length - 1 ? said[from + i].includes(word) : said[from + i].endsWith(word),
      );
      if (here) found.push({turn: index, from, to: from + words.length});
    }
  });
  return found;
}

const plain = (word) => word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The last word that has begun at this time: {turn, word}, or null. */
export function wordAt(transcript, seconds) {
  let found = null;
  for (const [index, turn] of transcript.turns.entries()) {
    if (start(turn) > seconds) break;
    const after = turn.words.findIndex((word) => word.start > seconds);
    found = {turn: index, word: after === -1 ? turn.words.length - 1 : after - 1};
  }
  return found;
}
