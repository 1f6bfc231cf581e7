// Runs in the browser's audio thread: samples of the microphone become pieces of 16-bit PCM, a tenth of a second each,
// with the loudest sample of the piece.

class Capture extends AudioWorkletProcessor {
  #piece = new Int16Array(Math.round(sampleRate / 10));
  #filled = 0;
  #peak = 0;

  process([input]) {
    const samples = input[0];
    if (samples === undefined) return true;
    for (const sample of samples) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this.#peak = Math.max(this.#peak, Math.abs(bounded));
      this.#piece[this.#filled++] = Math.round(bounded * 32767);
      if (this.#filled === this.#piece.length) this.#send();
    }
    return true;
  }

  #send() {
    this.port.postMessage({piece: this.#piece, peak: this.#peak}, [this.#piece.buffer]);
    this.#piece = new Int16Array(Math.round(sampleRate / 10));
    this.#filled = 0;
    this.#peak = 0;
  }
}

registerProcessor("capture", Capture);
