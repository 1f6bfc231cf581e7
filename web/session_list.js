// The list of recordings: what became of each, and what can be done with it.

import {clock, size} from "./clock.js";
import {h} from "./dom.js";

export class SessionList {
  #root;
  #queue;
  #rows = new Map(); // session -> {row, state, line, bar}
  #list = h("ul", {class: "sessions"});
  #pause = h("button", {type: "button", class: "quiet"});

  constructor(root, queue, {onopen, maySend}) {
    this.#root = root;
    this.#queue = queue;
    this.onopen = onopen;
    this.maySend = maySend;
    this.#pause.addEventListener("click", () => queue.pause(!queue.paused));
    root.append(
      h("div", {class: "row between"}, h("h2", {id: "sessions-title"}, "Your sessions"), this.#pause),
      this.#list,
    );
    queue.addEventListener("change", () => this.show());
  }

  show() {
    const {sessions, paused} = this.#queue;
    this.#root.hidden = sessions.length === 0;
    this.#pause.hidden = !paused && !sessions.some(({state}) => state === "waiting");
    this.#pause.textContent = paused ? "Go on" : "Pause after this one";
    for (const [session, {row}] of this.#rows) {
      if (sessions.includes(session)) continue;
      row.remove();
      this.#rows.delete(session);
    }
    for (const session of sessions) this.#showRow(session);
  }

  #showRow(session) {
    let row = this.#rows.get(session);
    if (!row) {
      row = {
        state: "",
        line: h("p", {class: "hint"}),
        bar: h("progress", {max: 1}),
        buttons: h("p", {class: "row"}),
      };
      row.bar.setAttribute("aria-label", `Progress of ${session.name}`);
      row.row = h("li", {}, h("p", {class: "name"}, session.name), row.line, row.bar, row.buttons);
      this.#rows.set(session, row);
      this.#list.append(row.row);
    }
    row.line.textContent = this.#words(session);
    row.line.className = session.state === "failed" ? "trouble" : "hint";
    row.bar.hidden = session.state !== "sending" && session.state !== "hearing";
    const part =
      session.state === "sending" ? session.sent : session.total > 0 ? session.heard / session.total : null;
    if (part === null) row.bar.removeAttribute("value");
    else row.bar.value = part;
    // Buttons are made anew only when they change, so that a press is never lost.
    if (row.state !== session.state) row.buttons.replaceChildren(...this.#buttons(session));
    row.state = session.state;
  }

  #words(session) {
    switch (session.state) {
      case "waiting":
        if (!this.maySend()) return "Waits until the server is proved";
        return `${this.#queue.paused ? "Paused" : "Waiting"}, ${size(session.file.size)}`;
      case "sending":
        return `Sending, ${Math.floor(session.sent * 100)} % of ${size(session.file.size)}`;
      case "hearing":
        return session.total > 0 ? `Writing, ${clock(session.heard)} of ${clock(session.total)}` : "Writing";
      case "failed":
        return session.trouble;
      case "cancelled":
        return "Cancelled";
      default:
        return `${clock(session.transcript.duration)}, ${count(session.transcript)} words`;
    }
  }

  #buttons(session) {
    const queue = this.#queue;
    const button = (label, onclick, look = "quiet") =>
      h("button", {type: "button", class: look, onclick, "aria-label": `${label} ${session.name}`}, label);
    const remove = button("Remove", () => queue.remove(session));
    switch (session.state) {
      case "waiting":
      case "sending":
      case "hearing":
        return [button("Cancel", () => queue.cancel(session))];
      case "failed":
      case "cancelled":
        return [button("Try again", () => queue.retry(session), ""), remove];
      default:
        return [button("Read", () => this.onopen(session), ""), remove];
    }
  }
}

const count = (transcript) => transcript.turns.reduce((sum, turn) => sum + turn.words.length, 0);
