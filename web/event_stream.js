// Server-sent events in a text that grows (WHATWG HTML, section 9.2), as far as transcriptions use them. Pure.

export class EventStream {
  #rest = "";

  /** Takes the next piece of text, gives the JSON values of the events that it completed. */
  push(text) {
    const events = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = events.pop();
    return events
      .map(dataOf)
      .filter((data) => data !== "" && data !== "[DONE]")
      .map((data) => JSON.parse(data));
  }
}

function dataOf(event) {
  return event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line[5] === " " ? 6 : 5))
    .join("\n");
}
