// A ZIP archive whose files are stored as they are (PKWARE APPNOTE 6.3.3, sections 4.3.7, 4.3.12 and 4.3.16). Pure.

/** `files`: [[name, text]]. Every file is dated 1980-01-01, so that equal contents are equal archives. */
export function zip(files) {
  const encoder = new TextEncoder();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, text] of files) {
    const path = encoder.encode(name);
    const data = encoder.encode(text);
    // What the file's own header and its line in the directory both say.
    const facts = [
      u16(20),
      u16(0x0800),
      u16(0),
      u16(0),
      u16(0x0021),
      u32(crc32(data)),
      u32(data.length),
      u32(data.length),
      u16(path.length),
      u16(0),
    ];
    const header = [u32(0x04034b50), ...facts, path];
    directory.push(u32(0x02014b50), u16(20), ...facts, u16(0), u16(0), u16(0), u32(0), u32(offset), path);
    parts.push(...header, data);
    offset += length(header) + data.length;
  }
  const size = length(directory);
  const end = [
    u32(0x06054b50),
    u16(0),
    u16(0),
    u16(files.length),
    u16(files.length),
    u32(size),
    u32(offset),
    u16(0),
  ];
  return join([...parts, ...directory, ...end]);
}

const kTable = Uint32Array.from({length: 256}, (_, byte) => {
  for (let i = 0; i < 8; ++i) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte >>> 0;
});

export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = kTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const u16 = (value) => Uint8Array.of(value & 0xff, value >>> 8);
const u32 = (value) => Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
const length = (parts) => parts.reduce((sum, part) => sum + part.length, 0);

function join(parts) {
  const out = new Uint8Array(length(parts));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
