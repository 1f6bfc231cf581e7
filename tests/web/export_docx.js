// Writes a transcript with everything that XML dislikes as a Word document to the file that is named.

import {writeFileSync} from "node:fs";

import {exported} from "../../web/export.js";
import {fromDocument} from "../../web/transcript.js";

const words = ["<b>", "&", '"x"', "\u0001bell", "Grüße", "🙂"].map((word, i) => ({
  word,
  start: i,
  end: i + 1,
  speaker: "A&B",
}));
writeFileSync(process.argv[2], exported("Monday <1>", fromDocument({words, duration: 5}), "docx").bytes);
