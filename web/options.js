// Model, language, names and words: what every recording is sent with.

import {h} from "./dom.js";

export class Options {
  #model = h("select", {id: "model"});
  #language = h("input", {id: "language", placeholder: "en", maxlength: 2, size: 4, autocomplete: "off"});
  #first = h("input", {id: "first", placeholder: "Therapist", autocomplete: "off"});
  #second = h("input", {id: "second", placeholder: "Patient", autocomplete: "off"});
  #keywords = h("input", {id: "keywords", placeholder: "names, medicines", autocomplete: "off"});
  #trouble = h("p", {class: "trouble", role: "alert"});

  constructor(root) {
    const field = (label, input, hint) =>
      h(
        "p",
        {class: "field"},
        h("label", {for: input.id}, label),
        input,
        hint && h("span", {class: "hint"}, hint),
      );
    root.append(
      this.#trouble,
      h(
        "details",
        {},
        h("summary", {}, "Options"),
        h(
          "div",
          {class: "fields"},
          field("Model", this.#model),
          field("Language", this.#language, "two letters; kept with the text"),
          field("First channel is", this.#first, "for recordings with one channel for each person"),
          field("Second channel is", this.#second),
          field("Words to expect", this.#keywords, "separated by commas"),
        ),
      ),
    );
  }

  showModels(models) {
    const chosen = this.#model.value;
    this.#model.replaceChildren(
      ...models.map(({id}) => h("option", {value: id, selected: id === chosen}, id)),
    );
    this.showTrouble(
      models.length > 0
        ? ""
        : "This server has no speech model yet. Whoever runs it can add one: blindai models upload model.onnx --kind ctc-speech",
    );
  }

  showTrouble(text) {
    this.#trouble.textContent = text;
  }

  get value() {
    const speakers = [this.#first.value.trim(), this.#second.value.trim()];
    return {
      model: this.#model.value,
      language: this.#language.value.trim().toLowerCase(),
      speakers: speakers[0] === "" ? [] : speakers.filter((name) => name !== ""),
      keywords: this.#keywords.value
        .split(",")
        .map((word) => word.trim())
        .filter((word) => word !== ""),
    };
  }
}
