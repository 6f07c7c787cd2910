import { frameLevel, Framer } from "../pcm";
import { CAPTURE, type Captured } from "../worklet-messages";

class Capture extends AudioWorkletProcessor {
  private readonly framer = new Framer(sampleRate);

  override process([input]: Float32Array[][]): boolean {
    for (const frame of this.framer.push(input?.[0] ?? new Float32Array(0))) {
      const captured: Captured = { frame: frame.buffer, level: frameLevel(frame) };
      this.port.postMessage(captured, [frame.buffer]);
    }
    // It lives for as long as a microphone is connected.
    return false;
  }
}

registerProcessor(CAPTURE, Capture);
