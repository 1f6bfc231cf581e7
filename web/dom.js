// Makes elements. Text is always set as text, so nothing that a server or a file says becomes markup.

/**
 * h("button", {type: "button", onclick: save}, "Save"): attributes, properties that begin with "on", children.
 * An attribute that is false, null or undefined is left out.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Says something to people who listen to the page instead of looking at it. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** Gives the browser a file to save. */
export function save(name, type, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], {type}));
  h("a", {href: url, download: name}).click();
  // The download has begun by then; the memory is given back.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
