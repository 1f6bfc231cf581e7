// Recordings from files: dropped, or chosen.

import {h} from "./dom.js";

/** `onfiles(files)`: recordings, in the order in which they came. */
export function dropCard(root, onfiles) {
  const input = h("input", {
    id: "files",
    type: "file",
    multiple: true,
    class: "unseen",
    accept: "audio/*,video/mp4,video/webm,.flac,.opus,.m4a,.aiff",
  });
  input.addEventListener("change", () => {
    onfiles([...input.files]);
    input.value = "";
  });
  root.append(
    h("h2", {}, "Drop recordings here"),
    h(
      "p",
      {class: "hint"},
      "wav, mp3, m4a, flac, ogg, opus, webm, mp4 or aiff; several at once, up to 4 hours each.",
    ),
    h("p", {}, input, h("label", {for: "files", class: "button"}, "Choose files")),
  );
  const inside = (over) => (event) => {
    event.preventDefault();
    root.classList.toggle("over", over);
  };
  // Anywhere on the page: a file that misses the card must not replace the page.
  addEventListener("dragover", inside(true));
  addEventListener("dragleave", inside(false));
  addEventListener("drop", (event) => {
    inside(false)(event);
    onfiles([...event.dataTransfer.files]);
  });
}
