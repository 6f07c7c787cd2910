/** 16-bit samples and their loudness. */

export const FRAME_MS = 20;
const FULL_SCALE = 0x8000;
/** What counts as silence on a meter, in dBFS. */
const FLOOR_DB = -54;

/** Cuts what a microphone gives, in blocks of any size, into frames of 20 ms of 16-bit samples. */
export class Framer {
  private frame: Int16Array<ArrayBuffer>;
  private filled = 0;

  constructor(rateHz: number) {
    this.frame = new Int16Array(samplesIn(rateHz, FRAME_MS));
  }

  /** The frames that this block completes; they are the caller's. */
  push(block: Float32Array): Int16Array<ArrayBuffer>[] {
    const complete: Int16Array<ArrayBuffer>[] = [];
    for (const value of block) {
      this.frame[this.filled++] = toPcm16(value);
      if (this.filled === this.frame.length) {
        complete.push(this.frame);
        this.frame = new Int16Array(this.frame.length);
        this.filled = 0;
      }
    }
    return complete;
  }
}

export function samplesIn(rateHz: number, ms: number): number {
  return Math.round((rateHz * ms) / 1000);
}

export function toPcm16(value: number): number {
  return Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(value * FULL_SCALE)));
}

export function fromPcm16(sample: number): number {
  return sample / FULL_SCALE;
}

/** How loud samples are, from 0 (silent) to 1 (full scale), as an ear judges it: linear in decibels. */
export function level(sumOfSquares: number, count: number): number {
  if (count === 0 || sumOfSquares === 0) {
    return 0;
  }
  const db = 10 * Math.log10(sumOfSquares / count);
  return Math.max(0, Math.min(1, 1 - db / FLOOR_DB));
}

export function frameLevel(frame: Int16Array): number {
  return level(
    frame.reduce((sum, sample) => sum + fromPcm16(sample) ** 2, 0),
    frame.length,
  );
}
