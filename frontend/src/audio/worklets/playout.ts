import { level } from "../pcm";
import { PlayoutBuffer, PlayoutReports } from "../playout-buffer";
import { EPOCH_BYTES, PLAYOUT, type Played, type ToPlayout } from "../worklet-messages";

class Playout extends AudioWorkletProcessor {
  private readonly buffer = new PlayoutBuffer(sampleRate);
  private readonly reports = new PlayoutReports(sampleRate);
  private sumOfSquares = 0;
  private count = 0;
  private isOpen = true;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ToPlayout>) => {
      if ("audio" in data) {
        const epoch = new DataView(data.audio).getUint32(0, true);
        this.buffer.push(epoch, new Int16Array(data.audio, EPOCH_BYTES));
      } else if ("clear" in data) {
        this.buffer.clear(data.clear);
      } else {
        this.isOpen = false;
      }
    };
  }

  override process(_inputs: Float32Array[][], [output]: Float32Array[][]): boolean {
    const block = output?.[0];
    if (block !== undefined) {
      this.buffer.pull(block);
      this.sumOfSquares += block.reduce((sum, value) => sum + value * value, 0);
      this.count += block.length;
      if (this.reports.isDue(this.buffer, block.length)) {
        this.report();
      }
    }
    return this.isOpen;
  }

  private report(): void {
    const { epoch, played: samples } = this.buffer;
    const played: Played = { epoch, samples, level: level(this.sumOfSquares, this.count) };
    this.port.postMessage(played);
    this.sumOfSquares = 0;
    this.count = 0;
  }
}

registerProcessor(PLAYOUT, Playout);
