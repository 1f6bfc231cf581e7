// One session, open to be read: its sound, its picture, its text, and the ways out of here.

import {h, save, say} from "./dom.js";
import * as drafts from "./drafts.js";
import {exported, kFormats} from "./export.js";
import {SearchBox} from "./search_box.js";
import {rename, speakers, unsure, wordAt} from "./transcript.js";
import {Turns} from "./turns.js";
import {outline, Waveform} from "./waveform.js";

const kVoices = 4; // as many colours as the style has

export class Reader {
  #root;
  #open = null; // {session, address, picture}

  constructor(root) {
    this.#root = root;
  }

  get session() {
    return this.#open?.session ?? null;
  }

  close() {
    if (this.#open?.address) URL.revokeObjectURL(this.#open.address);
    this.#open?.picture.close();
    this.#open = null;
    this.#root.replaceChildren();
    this.#root.hidden = true;
  }

  open(session) {
    this.close();
    const address = session.file && URL.createObjectURL(session.file);
    const voices = speakers(session.transcript);
    const voice = (speaker) => `voice-${voices.indexOf(speaker) % kVoices}`;
    const player =
      address && h("audio", {controls: true, src: address, "aria-label": `Sound of ${session.name}`});
    const play = (seconds) => {
      if (!player) return;
      player.currentTime = seconds;
      player
        .play()
        .catch(() => say("This browser cannot play this kind of recording. The text is complete."));
    };
    const turns = new Turns(session.transcript, {
      onplay: play,
      voice,
      onchange: () => {
        this.#changed();
        search.search();
      },
    });
    const search = new SearchBox(session.transcript, turns);
    const picture = new Waveform(session, voice, play);
    this.#open = {session, address, picture};
    player?.addEventListener("timeupdate", () => {
      turns.mark(wordAt(session.transcript, player.currentTime), !player.paused);
      picture.time = player.currentTime;
    });
    this.#root.replaceChildren(
      h(
        "div",
        {class: "row between"},
        h("h2", {id: "reader-title", tabindex: -1}, session.name),
        this.#exports(session),
      ),
      player ?? h("p", {class: "hint"}, "A draft has no sound."),
      picture.element,
      this.#names(session, voices, voice, turns),
      h("div", {class: "row between"}, search.element, this.#draft(session)),
      h("p", {class: "hint"}, this.#hint(session)),
      turns.element,
    );
    this.#root.hidden = false;
    picture.show();
    this.#draw(session, picture);
    this.#root.querySelector("h2").focus();
  }

  async #draw(session, picture) {
    if (session.peaks || !session.file) return;
    session.peaks = await outline(session.file, session.transcript.duration);
    if (this.session === session) picture.show();
  }

  #exports(session) {
    const button = ([format, name]) =>
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            const {name: file, type, bytes} = exported(session.name, session.transcript, format);
            save(file, type, bytes);
            say(`Saved ${file}`);
          },
        },
        name,
      );
    return h(
      "p",
      {class: "row", role: "group", "aria-label": "Save as"},
      "Save as",
      ...Object.entries(kFormats).map(button),
    );
  }

  #names(session, voices, voice, turns) {
    const named = voices.filter((speaker) => speaker !== "");
    return h(
      "p",
      {class: "row voices"},
      ...named.map((speaker, i) => {
        const id = `speaker-${i}`;
        const input = h("input", {
          id,
          value: speaker,
          autocomplete: "off",
          size: Math.max(8, speaker.length),
        });
        input.addEventListener("change", () => {
          const name = input.value.trim();
          const taken = name === "" || speakers(session.transcript).includes(name);
          if (taken) return void (input.value = voices[voices.indexOf(speaker)]);
          rename(session.transcript, speaker, name);
          voices[voices.indexOf(speaker)] = name;
          speaker = name;
          turns.show();
          this.#open.picture.show();
          this.#changed();
        });
        return h(
          "span",
          {class: `voice ${voice(speaker)}`},
          h("label", {for: id}, `Speaker ${i + 1}`),
          input,
        );
      }),
    );
  }

  #draft(session) {
    const box = h("input", {type: "checkbox", checked: drafts.isKept(session)});
    box.addEventListener("change", () => {
      if (box.checked) drafts.keep(session);
      else drafts.forget(session);
    });
    return h("label", {}, box, " Keep the text on this computer");
  }

  #changed() {
    if (drafts.isKept(this.session)) drafts.keep(this.session);
  }

  #hint({transcript}) {
    const count = transcript.turns.reduce((sum, turn) => sum + turn.words.filter(unsure).length, 0);
    const play = "Click a word to hear its moment.";
    if (transcript.turns.length === 0) return "Nobody speaks in this recording.";
    return count === 0
      ? play
      : `${play} ${count} words are underlined with dots: the model is not sure of them.`;
  }
}
