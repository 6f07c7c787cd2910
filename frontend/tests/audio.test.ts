import { describe, expect, test } from "vitest";
import { preferredRateHz } from "../src/audio/context";
import { failure } from "../src/audio/microphone";
import { frameLevel, Framer, level, toPcm16 } from "../src/audio/pcm";
import { PlayoutBuffer, PlayoutReports } from "../src/audio/playout-buffer";

const RATE = 24_000;
const QUANTUM = 128;

function constant(length: number, value = 0x4000): Int16Array {
  return new Int16Array(length).fill(value);
}

function pull(buffer: PlayoutBuffer, quanta = 1): number[] {
  const heard: number[] = [];
  for (let index = 0; index < quanta; index += 1) {
    const block = new Float32Array(QUANTUM);
    buffer.pull(block);
    heard.push(...block);
  }
  return heard;
}

function isSilent(heard: number[]): boolean {
  return heard.every((value) => value === 0);
}

describe("frames", () => {
  test.each([
    [24_000, 480],
    [44_100, 882],
    [48_000, 960],
  ])("at %d Hz have 20 ms and lose nothing", (rate, length) => {
    const framer = new Framer(rate);
    const blocks = Math.ceil((length * 3) / QUANTUM);
    const frames = Array.from({ length: blocks }, (_, at) =>
      framer.push(Float32Array.from({ length: QUANTUM }, (_value, index) => (at * QUANTUM + index) / 0x8000)),
    ).flat();
    expect(frames.map((frame) => frame.length)).toEqual([length, length, length]);
    expect(frames.flatMap((frame) => [...frame])).toEqual(Array.from({ length: length * 3 }, (_, index) => index));
  });

  test("are full scale at most", () => {
    expect([toPcm16(1), toPcm16(1.5), toPcm16(-1), toPcm16(-2)]).toEqual([32_767, 32_767, -32_768, -32_768]);
  });

  test("know how loud they are", () => {
    expect(frameLevel(new Int16Array(480))).toBe(0);
    expect(frameLevel(constant(480, -0x8000))).toBe(1);
    expect(level(0.001 ** 2 * 10, 10)).toBe(0);
    expect(level(0.1 ** 2 * 10, 10)).toBeCloseTo(1 - 20 / 54);
    expect(level(0, 0)).toBe(0);
  });
});

describe("playout", () => {
  test("waits for 40 ms before it begins, then plays and counts every sample", () => {
    const buffer = new PlayoutBuffer(RATE);
    buffer.push(0, constant(959));
    expect(isSilent(pull(buffer))).toBe(true);
    expect(buffer.played).toBe(0);
    buffer.push(0, constant(321));
    expect(pull(buffer, 10)).toEqual(Array<number>(1280).fill(0.5));
    expect(buffer.played).toBe(1280);
    expect(buffer.isEmpty).toBe(true);
  });

  test("does not wait longer for what does not come", () => {
    const buffer = new PlayoutBuffer(RATE);
    buffer.push(0, constant(100));
    const heard = pull(buffer, 9);
    expect(heard.filter((value) => value !== 0)).toHaveLength(100);
    expect(buffer.played).toBe(100);
  });

  test("falls silent within one quantum, without a click", () => {
    const buffer = new PlayoutBuffer(RATE);
    buffer.push(0, constant(RATE));
    pull(buffer, 4);
    buffer.clear(1);
    const fading = pull(buffer);
    expect(fading.at(0)).toBeCloseTo(0.5, 1);
    expect(fading.at(-1)).toBe(0);
    expect(fading.every((value, index) => value <= (fading[index - 1] ?? 1))).toBe(true);
    expect(isSilent(pull(buffer, 100))).toBe(true);
    expect(buffer.played).toBe(0);
  });

  test("drops what comes late of an epoch that was cleared", () => {
    const buffer = new PlayoutBuffer(RATE);
    buffer.clear(2);
    buffer.push(1, constant(2000));
    expect(isSilent(pull(buffer, 20))).toBe(true);
    buffer.clear(1);
    expect(buffer.epoch).toBe(2);
  });

  test("a new epoch that comes without a clear replaces the old one", () => {
    const buffer = new PlayoutBuffer(RATE);
    buffer.push(0, constant(2000));
    pull(buffer, 2);
    buffer.push(1, constant(2000, 0x2000));
    pull(buffer);
    expect(pull(buffer)).toEqual(Array<number>(QUANTUM).fill(0.25));
    expect([buffer.epoch, buffer.played]).toEqual([1, QUANTUM]);
  });

  test("holds four seconds; what is skipped counts as played", () => {
    const buffer = new PlayoutBuffer(RATE);
    buffer.push(0, constant(RATE * 5));
    expect(buffer.played).toBe(RATE);
    pull(buffer, (RATE * 5) / QUANTUM);
    expect(buffer.played).toBe(RATE * 5);
  });

  test("is reported every 50 ms, and once at its end", () => {
    const buffer = new PlayoutBuffer(RATE);
    const reports = new PlayoutReports(RATE);
    const reported: [number, number][] = [];
    const run = (quanta: number): void => {
      for (let index = 0; index < quanta; index += 1) {
        pull(buffer);
        if (reports.isDue(buffer, QUANTUM)) {
          reported.push([buffer.epoch, buffer.played]);
        }
      }
    };
    run(20);
    buffer.push(0, constant(3000));
    run(60);
    buffer.clear(1);
    buffer.push(1, constant(1000));
    run(60);
    expect(reported).toEqual([
      [0, 128],
      [0, 1408],
      [0, 2688],
      [0, 3000],
      [1, 128],
      [1, 1000],
    ]);
  });
});

test("Firefox connects microphones to contexts of the device's own rate only", () => {
  expect(preferredRateHz("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0")).toBeUndefined();
  expect(preferredRateHz("Mozilla/5.0 AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36")).toBe(24_000);
});

test.each([
  ["NotAllowedError", "denied"],
  ["SecurityError", "denied"],
  ["NotFoundError", "missing"],
  ["OverconstrainedError", "missing"],
  ["NotReadableError", "lost"],
])("a browser's %s means %s", (name, reason) => {
  expect(failure(new DOMException("", name))).toBe(reason);
});
