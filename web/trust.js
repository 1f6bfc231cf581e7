// The trust panel: always on the page, and red the moment that the connection or the verdict changes.

import {timeOfDay} from "./clock.js";
import {h, save, say} from "./dom.js";
import {evidence} from "./gateway.js";
import * as words from "./trust_words.js";

export class TrustPanel {
  #root;
  #details;
  #state = "connecting";

  constructor(root) {
    this.#root = root;
  }

  /** Whether the gateway lets data through now. */
  get send() {
    return words.headline({state: this.#state}).send;
  }

  show(status) {
    const head = words.headline(status);
    const worse = this.send && !head.send;
    this.#state = head.state;
    this.#root.dataset.state = head.state;
    document.title = `${head.word} – blindai`;
    const open = this.#details?.open ?? matchMedia("(min-width: 64rem)").matches;
    this.#details = h(
      "details",
      {class: "why", open},
      h("summary", {}, "Why?"),
      ...this.#reasons(status, head.state),
    );
    this.#root.replaceChildren(
      h(
        "div",
        {class: "verdict", role: worse ? "alert" : "status"},
        h("p", {class: "word"}, head.word),
        h("p", {}, head.sentence),
        head.action && h("p", {class: "action"}, head.action),
      ),
      this.#details,
    );
  }

  #reasons(status, state) {
    return [
      h("dl", {class: "facts"}, ...facts(status)),
      status.explanation && h("p", {class: "explanation"}, status.explanation.trim()),
      status.chain?.length > 0 && section("The chain of proof", chainOf(status)),
      section("Checks", findingsOf(status)),
      section("What this proves", list(words.meaning(state).proves)),
      section("What it does not", list(words.meaning(state).not)),
      status.verdict &&
        h(
          "p",
          {},
          h("button", {type: "button", class: "quiet", onclick: saveEvidence}, "Download the evidence"),
          " An auditor judges it again with ",
          h("code", {}, "blindai verify blindai-evidence.json"),
          ".",
        ),
    ];
  }
}

async function saveEvidence() {
  try {
    save("blindai-evidence.json", "application/json", await evidence());
    say("Saved blindai-evidence.json");
  } catch (trouble) {
    say(trouble.message);
  }
}

function facts(status) {
  const pairs = [
    ["Server", status.server],
    ...words.witnesses(status),
    ["So since", timeOfDay(status.since)],
    ["Last checked", timeOfDay(status.verified_at)],
    ["New settings since", timeOfDay(status.manifest?.changed_at)],
  ];
  return pairs.filter(([, text]) => text).flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]);
}

function section(title, ...children) {
  return h("section", {}, h("h2", {}, title), ...children);
}

const list = (sentences) => h("ul", {}, ...sentences.map((sentence) => h("li", {}, sentence)));

const kMarks = {PASSED: "✓ ", FAILED: "✗ ", SKIPPED: "– ", "": ""};

// Boxes with arrows; read aloud it is a list in order.
function chainOf(status) {
  return h(
    "ol",
    {class: "chain"},
    ...words
      .chain(status)
      .map((link) =>
        h(
          "li",
          {"data-status": link.status},
          h("strong", {}, kMarks[link.status] + link.name),
          h("span", {}, link.says),
        ),
      ),
  );
}

function findingsOf(status) {
  const all = words.findings(status);
  if (all.length === 0) return h("p", {}, "None: the server has not answered yet.");
  const passed = all.filter((finding) => finding.status === "PASSED");
  const others = all.filter((finding) => finding.status !== "PASSED");
  return h(
    "div",
    {},
    others.length > 0 && h("ul", {class: "findings"}, ...others.map(findingOf)),
    passed.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, `${passed.length} passed`),
        h("ul", {class: "findings"}, ...passed.map(findingOf)),
      ),
  );
}

const kWords = {PASSED: "passed", FAILED: "failed", SKIPPED: "not checked"};

function findingOf(finding) {
  const line = (name, text) => text && h("span", {class: "line"}, `${name}: ${text}`);
  return h(
    "li",
    {"data-status": finding.status},
    h("strong", {}, `${finding.check}: ${kWords[finding.status] ?? finding.status}`),
    line("seen", finding.seen),
    line("wanted", finding.wanted),
    line("what to do", finding.hint),
  );
}
