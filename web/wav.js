// PCM as a WAV file, and the outline of sound that a picture needs. Pure.

/** A WAV file of one channel; `chunks` are Int16Arrays in order. */
export function wavFile(chunks, rate) {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const header = new DataView(new ArrayBuffer(44));
  const text = (at, letters) =>
    [...letters].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // channels
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, bytes, true);
  return new Blob([header, ...chunks], {type: "audio/wav"});
}

/** The loudest sample, 0 to 1, in each of `count` equal parts of `samples` (floats). */
export function peaks(samples, count) {
  const out = new Float32Array(count);
  for (let i = 0; i < count; ++i) {
    const end = Math.floor((samples.length * (i + 1)) / count);
    let most = 0;
    for (let at = Math.floor((samples.length * i) / count); at < end; ++at) {
      const value = Math.abs(samples[at]);
      if (value > most) most = value;
    }
    out[i] = Math.min(1, most);
  }
  return out;
}
