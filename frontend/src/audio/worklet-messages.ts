/** What the page and its audio worklets say to each other. */

export const CAPTURE = "rtvoice-capture";
export const PLAYOUT = "rtvoice-playout";
/** Each message with audio to play begins with its epoch. */
export const EPOCH_BYTES = 4;

export interface Captured {
  /** 20 ms of 16-bit samples. */
  frame: ArrayBuffer;
  /** From 0 to 1. */
  level: number;
}

export type ToPlayout = { audio: ArrayBuffer } | { clear: number } | { end: true };

export interface Played {
  epoch: number;
  samples: number;
  /** From 0 to 1, since the last report. */
  level: number;
}
