import { fromPcm16, samplesIn } from "./pcm";

const CAPACITY_S = 4;
/** So much is waited for before audio starts, unless the time for it has passed: words do not break up on a slow network. */
const PREBUFFER_MS = 40;
/** What is cut off fades out this fast, which is heard as silence and not as a click. */
const FADE_SAMPLES = 128;

/**
 * The audio that waits to be played, and the count of what was.
 *
 * Epochs only rise. When it is full the oldest samples are skipped and counted as played: the server, which sends
 * no more than 2 s ahead, would wait for them otherwise.
 */
export class PlayoutBuffer {
  /** Of what is played now; audio of smaller ones is dropped. */
  epoch = 0;
  /** Samples of this epoch that were played. */
  played = 0;
  private readonly ring: Int16Array;
  private readonly prebuffer: number;
  private head = 0;
  private queued = 0;
  private waited = 0;
  private flowing = false;
  private fading: Float32Array = new Float32Array(0);

  constructor(rateHz: number) {
    this.ring = new Int16Array(rateHz * CAPACITY_S);
    this.prebuffer = samplesIn(rateHz, PREBUFFER_MS);
  }

  /** Whether all there was has been played. */
  get isEmpty(): boolean {
    return this.queued === 0;
  }

  push(epoch: number, samples: Int16Array): void {
    if (epoch < this.epoch) {
      return;
    }
    if (epoch > this.epoch) {
      this.clear(epoch);
    }
    for (const sample of samples) {
      if (this.queued === this.ring.length) {
        this.take();
      }
      this.ring[(this.head + this.queued) % this.ring.length] = sample;
      this.queued += 1;
    }
  }

  /** Drop all that is older than `epoch`; what sounds now fades out within the next block. */
  clear(epoch: number): void {
    if (epoch <= this.epoch) {
      return;
    }
    if (this.flowing) {
      const length = Math.min(FADE_SAMPLES, this.queued);
      this.fading = Float32Array.from({ length }, (_, index) => fromPcm16(this.take()) * (1 - (index + 1) / length));
    }
    this.epoch = epoch;
    this.played = 0;
    this.queued = 0;
    this.flowing = false;
    this.waited = 0;
  }

  /** Fill a block with what is to be heard next: audio, or silence. */
  pull(block: Float32Array): void {
    block.fill(0);
    if (this.fading.length > 0) {
      block.set(this.fading.subarray(0, block.length));
      this.fading = new Float32Array(0);
      return;
    }
    if (!this.isFlowing(block.length)) {
      return;
    }
    const count = Math.min(block.length, this.queued);
    for (let index = 0; index < count; index += 1) {
      block[index] = fromPcm16(this.take());
    }
    this.flowing = this.queued > 0;
  }

  private isFlowing(wanted: number): boolean {
    if (!this.flowing && this.queued > 0) {
      this.waited += wanted;
      this.flowing = this.queued >= this.prebuffer || this.waited > this.prebuffer;
      this.waited = this.flowing ? 0 : this.waited;
    }
    return this.flowing;
  }

  private take(): number {
    const sample = this.ring[this.head] ?? 0;
    this.head = (this.head + 1) % this.ring.length;
    this.queued -= 1;
    this.played += 1;
    return sample;
  }
}

/** Says when it is time to report what was played: every 50 ms while there is something, and once at its end. */
export class PlayoutReports {
  private static readonly EVERY_MS = 50;
  private readonly every: number;
  private since = 0;
  private epoch = 0;
  private reported = 0;

  constructor(rateHz: number) {
    this.every = samplesIn(rateHz, PlayoutReports.EVERY_MS);
  }

  /** Whether to report after a block of this length was pulled. */
  isDue(buffer: PlayoutBuffer, length: number): boolean {
    if (buffer.epoch !== this.epoch) {
      this.epoch = buffer.epoch;
      this.reported = 0;
    }
    this.since += length;
    if (buffer.played === this.reported || (this.since < this.every && !buffer.isEmpty)) {
      return false;
    }
    this.since = 0;
    this.reported = buffer.played;
    return true;
  }
}
