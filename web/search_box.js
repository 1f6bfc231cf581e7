// Finds words in the transcript that is open.

import {h} from "./dom.js";
import {find} from "./transcript.js";

export class SearchBox {
  #input = h("input", {type: "search", id: "search", autocomplete: "off"});
  #count = h("span", {class: "hint", role: "status"});
  #next = h("button", {type: "button", class: "quiet", onclick: () => this.#step()}, "Next");
  #places = [];
  #current = 0;

  constructor(transcript, turns) {
    this.transcript = transcript;
    this.turns = turns;
    this.#input.addEventListener("input", () => this.search());
    this.#input.addEventListener("keydown", ({key}) => {
      if (key === "Enter") this.#step();
    });
    this.element = h(
      "p",
      {class: "row"},
      h("label", {for: "search"}, "Find"),
      this.#input,
      this.#next,
      this.#count,
    );
    this.search();
  }

  search() {
    this.#places = find(this.transcript, this.#input.value);
    this.#current = 0;
    this.#show();
  }

  #step() {
    if (this.#places.length > 0) this.#current = (this.#current + 1) % this.#places.length;
    this.#show();
  }

  #show() {
    const count = this.#places.length;
    this.#next.hidden = count < 2;
    this.#count.textContent =
      this.#input.value.trim() === "" ? "" : count === 0 ? "Not found" : `${this.#current + 1} of ${count}`;
    this.turns.showFound(this.#places, this.#current);
  }
}
