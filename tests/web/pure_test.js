// What the page computes without a browser: times, transcripts, exports, the words of a verdict.

import assert from "node:assert/strict";
import {test} from "node:test";

import {clock, size, subtitleClock} from "../../web/clock.js";
import {EventStream} from "../../web/event_stream.js";
import {exported, kFormats, plainText} from "../../web/export.js";
import {captions, srt, vtt} from "../../web/subtitles.js";
import * as transcripts from "../../web/transcript.js";
import {chain, findings, headline, meaning, witnesses} from "../../web/trust_words.js";
import {describe} from "../../web/waveform.js";
import {peaks, wavFile} from "../../web/wav.js";
import {crc32, zip} from "../../web/zip.js";

const word = (text, start, end, confidence = 0.9, speaker = undefined) => ({
  word: text,
  start,
  end,
  confidence,
  speaker,
});

function session() {
  return transcripts.fromDocument({
    duration: 12,
    words: [
      word("Hello", 0.5, 1, 0.9, "A"),
      word("there", 1.1, 1.5, 0.4, "A"),
      word("Yes", 3, 3.5, 0.9, "B"),
      word("again", 3.6, 4, 0.9, "B"),
      word("Later", 9, 9.5, 0.9, "B"),
    ],
    coverage: [{start: 0, end: 12, kind: "transcribed", speaker: "A"}],
  });
}

test("times are written as people read them", () => {
  assert.equal(clock(75.9), "1:15");
  assert.equal(clock(3675), "1:01:15");
  assert.equal(clock(-1), "0:00");
  assert.equal(subtitleClock(3675.3456, ","), "01:01:15,346");
  assert.equal(subtitleClock(0.9996, "."), "00:00:01.000");
  assert.equal(size(999), "999 B");
  assert.equal(size(1_536_000), "1.5 MB");
});

test("events are the same however the text is cut", () => {
  const text =
    'event: status\r\ndata: {"a":1}\r\n\r\n: a comment\n\ndata: {"b":\ndata: 2}\n\ndata: [DONE]\n\n';
  for (let cut = 0; cut <= text.length; ++cut) {
    const events = new EventStream();
    assert.deepEqual([...events.push(text.slice(0, cut)), ...events.push(text.slice(cut))], [{a: 1}, {b: 2}]);
  }
});

test("turns end where another speaks and where nobody does", () => {
  const {turns} = session();
  assert.deepEqual(
    turns.map((turn) => [turn.speaker, transcripts.text(turn)]),
    [
      ["A", "Hello there"],
      ["B", "Yes again"],
      ["B", "Later"],
    ],
  );
});

test("one voice that goes on for long becomes paragraphs", () => {
  const words = Array.from({length: 450}, (_, i) => word("a word", i, i + 0.9));
  const {turns} = transcripts.fromDocument({words});
  assert.deepEqual(
    turns.map((turn) => turn.words.length),
    [200, 200, 50],
  );
  const pauses = Array.from({length: 100}, (_, i) => word("So", i, i + 0.4));
  assert.deepEqual(
    transcripts.fromDocument({words: pauses}).turns.map((turn) => turn.words.length),
    [80, 20],
  );
});

test("text in capitals only is shown in small letters, and any other as it is", () => {
  const text = (words) => transcripts.text(transcripts.fromDocument({words}).turns[0]);
  assert.equal(text([word("GOOD", 0, 1), word("NIGHT", 1, 2)]), "good night");
  assert.equal(text([word("NATO", 0, 1), word("is", 1, 2)]), "NATO is");
});

test("a document without words is an empty transcript", () => {
  assert.deepEqual(transcripts.fromDocument({duration: 3}), {turns: [], duration: 3, coverage: []});
});

test("finals of a live session become a transcript", () => {
  const final = {transcript: "HELLO", start: 0.4, end: 1, words: [word("HELLO", 0.5, 1)]};
  const {turns, coverage} = transcripts.fromFinals([final, {transcript: "", start: 2, end: 2}], 3);
  assert.equal(transcripts.text(turns[0]), "hello");
  assert.deepEqual(coverage, [{start: 0.4, end: 1, kind: "transcribed"}]);
});

test("a correction keeps the times of the words that stay", () => {
  const turn = session().turns[0];
  const after = transcripts.correct(turn, "Hello over there");
  assert.deepEqual(
    after.words.map(({text, start, end}) => [text, start, end]),
    [
      ["Hello", 0.5, 1],
      ["over", 1, 1.1],
      ["there", 1.1, 1.5],
    ],
  );
  assert.ok(after.corrected);
  assert.equal(after.words[1].confidence, 1, "a person wrote it");
});

test("words that replace one share its time", () => {
  const after = transcripts.correct(session().turns[0], "Good day there");
  assert.deepEqual(
    after.words.map(({text, start, end}) => [text, start, end]),
    [
      ["Good", 0.5, 0.75],
      ["day", 0.75, 1],
      ["there", 1.1, 1.5],
    ],
  );
  assert.equal(transcripts.correct(session().turns[0], " \n"), null);
});

test("after any correction the words are those that were written, in order of time", () => {
  const texts = ["a", "b a", "a b c d", "d c b a", "b", "a a a a b", "x y z"];
  for (const from of texts) {
    for (const to of texts) {
      const turn = transcripts.fromDocument({words: from.split(" ").map((text, i) => word(text, i, i + 0.5))})
        .turns[0];
      const after = transcripts.correct(turn, to);
      assert.equal(transcripts.text(after), to);
      after.words.reduce(
        (time, {start, end}) => (assert.ok(time <= start && start <= end, `${from} -> ${to}`), end),
        0,
      );
    }
  }
});

test("a long turn is corrected in little memory", () => {
  const words = Array.from({length: 200}, (_, i) => word(`w${i}`, i, i + 0.9));
  const turn = transcripts.fromDocument({words}).turns[0];
  assert.equal(transcripts.correct(turn, `${transcripts.text(turn)} end`).words.length, 201);
});

test("a search finds words and phrases, whatever case and accents", () => {
  const found = (text) => transcripts.find(session(), text).map(({turn, from, to}) => [turn, from, to]);
  assert.deepEqual(found("HELLÓ there"), [[0, 0, 2]]);
  assert.deepEqual(found("e"), [
    [0, 0, 1],
    [0, 1, 2],
    [1, 0, 1],
    [2, 0, 1],
  ]);
  assert.deepEqual(found("there yes"), [], "a phrase is of one turn");
  assert.deepEqual(found("  "), []);
});

test("the word of a moment is the last that has begun", () => {
  assert.equal(transcripts.wordAt(session(), 0.2), null);
  assert.deepEqual(transcripts.wordAt(session(), 1.2), {turn: 0, word: 1});
  assert.deepEqual(transcripts.wordAt(session(), 8), {turn: 1, word: 1});
  assert.deepEqual(transcripts.wordAt(session(), 99), {turn: 2, word: 0});
});

test("a speaker's new name is everywhere", () => {
  const transcript = session();
  transcripts.rename(transcript, "A", "Anna");
  assert.deepEqual(transcripts.speakers(transcript), ["Anna", "B"]);
  assert.equal(transcript.coverage[0].speaker, "Anna");
  assert.equal(describe(transcript), "0:12 of sound. Anna: 0:12 written. The rest is silence.");
});

test("captions are short enough to read", () => {
  const words = Array.from({length: 60}, (_, i) => word("sentence", i * 0.5, i * 0.5 + 0.4));
  for (const caption of captions(transcripts.fromDocument({words}))) {
    assert.ok(caption.text.length <= 84);
    assert.ok(caption.end - caption.start <= 6);
  }
});

test("subtitles are what players read", () => {
  const transcript = session();
  transcript.turns[0].words[0].text = "<b>&";
  assert.equal(srt(transcript).split("\n\n")[0], "1\n00:00:00,500 --> 00:00:01,500\nA: <b>& there");
  assert.equal(vtt(transcript).split("\n\n")[1], "00:00:00.500 --> 00:00:01.500\n<v A>&lt;b&gt;&amp; there");
  assert.ok(vtt(transcript).startsWith("WEBVTT\n\n"));
});

test("plain text has time and speaker of each turn", () => {
  assert.equal(plainText(session()).split("\n\n")[1], "[0:03] B\nYes again");
});

test("every format has a name, a type and its ending", () => {
  for (const format of Object.keys(kFormats)) {
    const file = exported("../Monday: a/b", session(), format);
    assert.equal(file.name, `-Monday- a-b.${format}`);
    assert.ok(file.type.includes("/") && file.bytes.length > 0);
  }
  assert.equal(exported("...", session(), "txt").name, "session.txt");
  const json = JSON.parse(exported("x", session(), "json").bytes);
  assert.equal(json.turns[0].words[1].confidence, 0.4);
});

test("the CRC is the one of ZIP", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("equal contents are equal archives", () => {
  assert.deepEqual(zip([["a.txt", "text"]]), zip([["a.txt", "text"]]));
  assert.equal(zip([]).length, 22);
});

test("a WAV file says what it holds", async () => {
  const bytes = new DataView(await wavFile([Int16Array.of(1, -2), Int16Array.of(3)], 24000).arrayBuffer());
  assert.equal(bytes.byteLength, 50);
  assert.equal(bytes.getUint32(24, true), 24000);
  assert.equal(bytes.getUint32(40, true), 6);
  assert.equal(bytes.getInt16(46, true), -2);
});

test("peaks are the loudest samples of equal parts", () => {
  assert.deepEqual([...peaks(Float32Array.of(0, -0.5, 0.25, 0, 2, 0), 3)], [0.5, 0.25, 1]);
  assert.deepEqual([...peaks(new Float32Array(0), 2)], [0, 0]);
});

const kStates = [
  "trusted",
  "simulation",
  "refused",
  "undecided",
  "unreachable",
  "connecting",
  "gateway",
  "locked",
];

test("each state has its own word, and only two of them send", () => {
  assert.equal(new Set(kStates.map((state) => headline({state}).word)).size, kStates.length);
  assert.deepEqual(
    kStates.filter((state) => headline({state}).send),
    ["trusted", "simulation"],
  );
  for (const state of kStates) assert.ok(meaning(state).proves.length > 0 && meaning(state).not.length > 0);
});

test("a state that the page does not know sends nothing", () => {
  assert.equal(headline({state: "splendid"}).send, false);
  assert.equal(headline({}).send, false);
});

test("a refusal says what to do", () => {
  const status = {
    state: "refused",
    error: {message: "the server was refused"},
    verdict: {
      findings: [
        {check: "nonce", status: "PASSED", hint: ""},
        {check: "debug", status: "FAILED", hint: "use a production build"},
      ],
    },
  };
  assert.equal(headline(status).action, "use a production build");
  assert.deepEqual(
    findings(status).map(({check}) => check),
    ["debug", "nonce"],
  );
  assert.equal(
    headline({state: "unreachable", error: {message: "connection refused"}}).action,
    "connection refused",
  );
});

test("who says so is named, and a simulation by nobody", () => {
  const of = (tee, verdict, policy) =>
    Object.fromEntries(witnesses({policy, verdict: {tee, verdict, claims: {measurement: "ab".repeat(48)}}}));
  assert.match(of("snp", "trusted", true)["Vouched for by"], /AMD/);
  assert.equal(of("snp", "trusted", true)["Accepted by"], "your policy file");
  assert.equal(of("snp", "undecided", false)["Accepted by"], "nobody yet");
  assert.match(of("simulated", "simulation", false)["Vouched for by"], /nobody/);
  assert.equal(of("snp", "trusted", true)["Program measured"], "abababababab…abababab");
});

test("the chain is drawn from the maker down, with links that are new", () => {
  const status = {
    chain: [
      {link: "question", status: "PASSED", says: ""},
      {link: "maker", status: "PASSED", says: "AMD"},
      {link: "news", status: "FAILED", says: ""},
    ],
  };
  assert.deepEqual(
    chain(status).map(({name}) => name),
    ["Who made the machine", "A fresh answer", "news", "This page"],
  );
  assert.deepEqual(chain({}), []);
});
