// Wires the page: the gateway's word decides what may be sent, the cards bring recordings, the queue sends them, the
// reader shows what came back.

import {h, say} from "./dom.js";
import {drafts, forgetAll} from "./drafts.js";
import {dropCard} from "./drop.js";
import {speechModels, watchStatus} from "./gateway.js";
import {Options} from "./options.js";
import {Queue} from "./queue.js";
import {Reader} from "./reader.js";
import {Recorder} from "./recorder.js";
import {SessionList} from "./session_list.js";
import {fromFinals, readableText} from "./transcript.js";
import {TrustPanel} from "./trust.js";

const place = (id) => document.getElementById(id);
const trust = new TrustPanel(place("trust"));
const options = new Options(place("options"));
// A recording is sent with the name of a model, so their list comes first.
let listed = false;
const maySend = () => trust.send && listed;
const queue = new Queue({maySend, options: () => options.value});
const reader = new Reader(place("reader"));
const list = new SessionList(place("sessions"), queue, {maySend, onopen: (session) => reader.open(session)});
const recorder = new Recorder(place("record"), {options: () => options.value, onrecorded, onlive});

dropCard(place("drop"), (files) => files.forEach((file) => queue.add({name: file.name, file})));
for (const draft of drafts()) queue.add({...draft, state: "done", file: null});

queue.addEventListener("done", ({detail: session}) => {
  say(`${session.name} is written`);
  if (reader.session === null) reader.open(session);
});
queue.addEventListener("change", () => {
  if (reader.session && !queue.sessions.includes(reader.session)) reader.close();
});

trust.show({state: "connecting"});
recorder.enableLive(false);
watchStatus(async (status) => {
  const before = trust.send;
  trust.show(status);
  recorder.enableLive(maySend());
  list.show();
  if (trust.send && !before) await connected();
});

async function connected() {
  try {
    options.showModels(await speechModels());
  } catch (trouble) {
    options.showTrouble(trouble.message);
  }
  listed = true;
  recorder.enableLive(maySend());
  list.show();
  queue.next();
}

function onrecorded({name, file, duration, peaks, finals}) {
  const facts = {name, file, peaks};
  const written = finals && finals.length > 0;
  const session = queue.add(
    written ? {...facts, state: "done", transcript: fromFinals(finals, duration)} : facts,
  );
  if (written) reader.open(session);
}

function onlive(live) {
  const root = place("live");
  root.hidden = live === null;
  if (live === null) return root.replaceChildren();
  root.replaceChildren(
    h("h2", {}, "Live"),
    h(
      "p",
      {class: "said"},
      ...live.finals.map((final) => `${readableText(final.transcript)} `),
      h("span", {class: "partial"}, readableText(live.partial)),
    ),
  );
}

place("forget").addEventListener("click", () => {
  recorder.cancel();
  reader.close();
  queue.clear();
  forgetAll();
  say("Everything is forgotten");
});

// A recording that was not saved is lost with the page.
addEventListener("beforeunload", (event) => {
  if (recorder.recording || queue.sessions.some(({state}) => state === "sending" || state === "hearing"))
    event.preventDefault();
});
