import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { readEvent, readSatellites, readServerMessage, readUrl, STATUSES } from "../src/protocol/messages";

const types = [
  "snapshot",
  "state",
  "turn",
  "tool",
  "error",
  "ended",
  "ready",
  "microphone",
  "clear",
  "ping",
  "replaced",
];
const keys = [
  ...["type", "status", "in_session", "session_id", "muted", "online", "agent", "name", "entity_id", "turns", "tools"],
  ...["item_id", "role", "text", "final", "interrupted", "after", "call_id", "message", "code", "reason", "error"],
  ...["satellites", "kind", "can_control", "url", "open", "epoch", "__proto__", "constructor", "toString"],
];
const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { maxDepth: 4 },
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom<unknown>(...STATUSES, "running", "user", undefined, Number.NaN, Infinity, -0, ""),
    fc.array(tie("anything"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys), tie("anything"), { maxKeys: 6 }),
  ),
}));
const message = fc
  .tuple(fc.dictionary(fc.constantFrom(...keys), anything), fc.oneof(fc.constantFrom<unknown>(...types), anything))
  .map(([fields, type]) => ({ ...fields, type }));
/** The same few examples each time; `RTVOICE_FUZZ_RUNS` says how many others. */
const asked = import.meta.env.RTVOICE_FUZZ_RUNS as string | undefined;
const runs = asked === undefined ? { numRuns: 200, seed: 1 } : { numRuns: Number(asked) };
vi.setConfig({ testTimeout: 900_000 });

/** Whether what was read has only values that the card reckons with: texts, truths, finite numbers and null. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.every(isPlain);
  }
  if (typeof value === "object" && value !== null) {
    return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
  }
  return value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
}

test("whatever an event is, it is read as one of ours or ignored", () => {
  fc.assert(
    fc.property(fc.oneof(message, anything), (event) => {
      const read = readEvent(event);
      expect(read === undefined || isPlain(read)).toBe(true);
      if (read?.type === "state" || read?.type === "snapshot") {
        expect(STATUSES).toContain(read.state.status);
      }
    }),
    runs,
  );
});

test("whatever answers are, they are read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(message, anything), (answer) => {
      expect(isPlain(readSatellites(answer))).toBe(true);
      try {
        expect(typeof readUrl(answer)).toBe("string");
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
      }
    }),
    runs,
  );
});

test("whatever the audio socket says, it is read as one of ours or ignored", () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const said = fc.oneof(
    fc.oneof(message, anything).map((item) => JSON.stringify([item]).slice(1, -1)),
    fc.string(),
    fc.constantFrom('{"type":"clear","epoch":1e999}', '{"type":"clear","epoch":-1}', "[".repeat(5000), '{"type":'),
  );
  fc.assert(
    fc.property(said, (json) => {
      const read = readServerMessage(json);
      expect(read === undefined || isPlain(read)).toBe(true);
    }),
    runs,
  );
});
