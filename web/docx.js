// A transcript as a Word document: the smallest set of parts that ECMA-376 (Office Open XML) asks for. Pure.

import {clock} from "./clock.js";
import {start, text} from "./transcript.js";
import {zip} from "./zip.js";

const kHead = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const kPackage = "http://schemas.openxmlformats.org/package/2006";
const kOffice = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const kWord = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const kWordType = "application/vnd.openxmlformats-officedocument.wordprocessingml";

export const kDocxType = `${kWordType}.document`;

export function docx(title, transcript) {
  return zip([
    [
      "[Content_Types].xml",
      kHead +
        `<Types xmlns="${kPackage}/content-types">` +
        `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
        `<Override PartName="/word/document.xml" ContentType="${kWordType}.document.main+xml"/></Types>`,
    ],
    [
      "_rels/.rels",
      kHead +
        `<Relationships xmlns="${kPackage}/relationships">` +
        `<Relationship Id="rId1" Type="${kOffice}/officeDocument" Target="word/document.xml"/></Relationships>`,
    ],
    [
      "word/document.xml",
      kHead +
        `<w:document xmlns:w="${kWord}"><w:body>${paragraph(run(title, '<w:b/><w:sz w:val="32"/>'))}` +
        `${transcript.turns.map(turnParagraph).join("")}</w:body></w:document>`,
    ],
  ]);
}

function turnParagraph(turn) {
  const who = [clock(start(turn)), turn.speaker].filter((part) => part !== "").join("  ");
  return paragraph(run(who, '<w:b/><w:color w:val="555555"/>') + "<w:r><w:br/></w:r>" + run(text(turn), ""));
}

const paragraph = (runs) => `<w:p>${runs}</w:p>`;
const run = (words, look) =>
  `<w:r>${look && `<w:rPr>${look}</w:rPr>`}<w:t xml:space="preserve">${escape(words)}</w:t></w:r>`;

// XML 1.0 has no place for most control characters.
function escape(words) {
  return words
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
