// The words of a transcript: click or Enter plays a word's moment, arrows walk, a turn can be corrected.

import {clock} from "./clock.js";
import {h} from "./dom.js";
import {correct, start, text, unsure} from "./transcript.js";

export class Turns {
  #root = h("div", {class: "turns"});
  #transcript;
  #hooks;
  #rows = []; // of each turn: {row, words: [span]}
  #now = null;

  /** Hooks: onplay(seconds), onchange(), voice(speaker) -> class of its colour. */
  constructor(transcript, hooks) {
    this.#transcript = transcript;
    this.#hooks = hooks;
    this.#root.addEventListener("click", (event) => this.#play(event.target));
    this.#root.addEventListener("keydown", (event) => this.#key(event));
    this.show();
  }

  get element() {
    return this.#root;
  }

  show() {
    this.#rows = this.#transcript.turns.map((turn, index) => this.#turn(turn, index));
    this.#root.replaceChildren(...this.#rows.map(({row}) => row));
    // One stop for the Tab key; arrows do the rest.
    this.#rows[0]?.words[0]?.setAttribute("tabindex", "0");
  }

  #turn(turn, index) {
    const words = turn.words.map((word, at) =>
      h(
        "span",
        {
          class: unsure(word) ? "word unsure" : "word",
          role: "button",
          tabindex: -1,
          "data-turn": index,
          "data-word": at,
          title:
            unsure(word) && `The model is not sure of this word (${Math.round(word.confidence * 100)} %)`,
        },
        word.text,
      ),
    );
    const row = h(
      "article",
      {class: `turn ${this.#hooks.voice(turn.speaker)}`},
      h(
        "p",
        {class: "who"},
        h(
          "button",
          {
            type: "button",
            class: "time",
            "aria-label": `Play from ${clock(start(turn))}`,
            onclick: () => this.#hooks.onplay(start(turn)),
          },
          clock(start(turn)),
        ),
        turn.speaker && h("span", {class: "speaker"}, turn.speaker),
        turn.corrected && h("span", {class: "hint"}, "corrected"),
        h(
          "button",
          {
            type: "button",
            class: "quiet small",
            "aria-label": `Correct the text at ${clock(start(turn))}`,
            onclick: () => this.#edit(index),
          },
          "Correct",
        ),
      ),
      h("p", {class: "said"}, ...words.flatMap((word) => [word, " "])),
    );
    return {row, words};
  }

  #edit(index) {
    const turn = this.#transcript.turns[index];
    const box = h("textarea", {
      rows: Math.ceil(text(turn).length / 60) + 1,
      "aria-label": `Text at ${clock(start(turn))}`,
    });
    box.value = text(turn);
    const leave = () => {
      this.show();
      this.#rows[index]?.row.querySelector(".small")?.focus();
    };
    const keep = () => {
      const changed = box.value === text(turn) ? turn : correct(turn, box.value);
      if (changed) this.#transcript.turns[index] = changed;
      else this.#transcript.turns.splice(index, 1);
      leave();
      this.#hooks.onchange();
    };
    box.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") leave();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep();
    });
    const buttons = h(
      "p",
      {class: "row"},
      h("button", {type: "button", onclick: keep}, "Keep"),
      h("button", {type: "button", class: "quiet", onclick: leave}, "Leave as it was"),
    );
    this.#rows[index].row.querySelector(".said").replaceWith(h("div", {}, box, buttons));
    box.focus();
  }

  #play(target) {
    if (target.dataset?.word === undefined) return;
    this.#stand(target);
    this.#hooks.onplay(this.#transcript.turns[target.dataset.turn].words[target.dataset.word].start);
  }

  #key(event) {
    const here = event.target;
    if (here.dataset?.word === undefined) return;
    if (event.key === "Enter" || event.key === " ") this.#play(here);
    else if (event.key === "ArrowRight") this.#walk(here, 1);
    else if (event.key === "ArrowLeft") this.#walk(here, -1);
    else return;
    event.preventDefault();
  }

  #walk(from, step) {
    const all = this.#rows.flatMap(({words}) => words);
    const next = all[all.indexOf(from) + step];
    if (!next) return;
    this.#stand(next);
    next.focus();
  }

  // The word that the Tab key comes back to.
  #stand(word) {
    this.#root.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    word.setAttribute("tabindex", "0");
  }

  /** Marks the word that is heard now: {turn, word} or null. */
  mark(place, follow) {
    const word = place && this.#rows[place.turn]?.words[place.word];
    if (word === this.#now) return;
    this.#now?.classList.remove("now");
    word?.classList.add("now");
    this.#now = word ?? null;
    if (follow) word?.scrollIntoView({block: "nearest"});
  }

  /** Marks the places of a search: [{turn, from, to}]; the one at `current` stands out. */
  showFound(places, current) {
    for (const word of this.#root.querySelectorAll(".found")) word.classList.remove("found", "current");
    places.forEach((place, i) => {
      const words = this.#rows[place.turn].words.slice(place.from, place.to);
      for (const word of words) word.classList.add("found");
      if (i !== current) return;
      for (const word of words) word.classList.add("current");
      words[0]?.scrollIntoView({block: "center"});
    });
  }
}
