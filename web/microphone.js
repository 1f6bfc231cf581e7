// The microphone as pieces of 16-bit PCM. What is recorded stays in this page's memory.

const kRate = 24_000;

export class Microphone {
  #stream;
  #context;
  #node;
  paused = false;

  /** onpiece(Int16Array, peak 0 to 1), ten times a second; onended() when the device is taken away. */
  constructor({onpiece, onended}) {
    this.onpiece = onpiece;
    this.onended = onended;
  }

  get rate() {
    return this.#context.sampleRate;
  }

  async open() {
    this.#stream = await navigator.mediaDevices.getUserMedia({
      audio: {channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true},
    });
    this.#stream.getTracks().forEach((track) => track.addEventListener("ended", this.onended));
    try {
      await this.#listen(new AudioContext({sampleRate: kRate}));
    } catch {
      // Some browsers do not change the rate of a microphone: then it is taken as it comes.
      await this.#listen(new AudioContext());
    }
  }

  async #listen(context) {
    this.#context = context;
    await context.audioWorklet.addModule("capture_worklet.js");
    this.#node = new AudioWorkletNode(context, "capture", {numberOfOutputs: 0, channelCount: 1});
    this.#node.port.onmessage = ({data}) => {
      if (!this.paused) this.onpiece(data.piece, data.peak);
    };
    context.createMediaStreamSource(this.#stream).connect(this.#node);
    await context.resume();
  }

  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    if (this.#node) this.#node.port.onmessage = null;
    if (this.#context?.state !== "closed") this.#context?.close();
  }
}

/** Why there is no microphone, and what to do. */
export function microphoneTrouble(error) {
  if (error.name === "NotAllowedError")
    return "The browser does not let this page use the microphone. Allow it beside the address, then press Record again.";
  if (error.name === "NotFoundError") return "No microphone was found. Plug one in, then press Record again.";
  if (error.name === "NotReadableError")
    return "The microphone is used by another program. Close that program, then press Record again.";
  return "The microphone could not be opened. Try another browser, or drop a recording instead.";
}
