import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ENTITY, FakeHome } from "../dev/fake-home";
import { backoffMs } from "../src/protocol/backoff";
import { isPassing, refusal, Refused } from "../src/protocol/commands";
import type { SessionEvent } from "../src/protocol/messages";
import { SessionWatch } from "../src/protocol/session-watch";

let home: FakeHome;
let events: SessionEvent["type"][];
let refusals: string[];
let watch: SessionWatch;

beforeEach(() => {
  vi.useFakeTimers();
  home = new FakeHome();
  events = [];
  refusals = [];
  watch = new SessionWatch(
    home,
    ENTITY,
    ({ type }) => events.push(type),
    ({ code }) => refusals.push(code),
  );
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

test("it tells what it understands", async () => {
  watch.start();
  await pass();
  home.tell({ type: "weather" });
  home.become({ status: "listening" });
  expect(events).toEqual(["snapshot", "state"]);
});

test("it subscribes again when the connection is back", async () => {
  watch.start();
  await pass();
  home.reconnect();
  await pass();
  expect(home.watched).toBe(1);
  expect(events).toEqual(["snapshot", "snapshot"]);
});

test("while the integration is not there it tries again", async () => {
  const refuse = (): never => {
    throw new Refused("unknown_command");
  };
  home.answers.set("rtvoice/session/subscribe", refuse);
  watch.start();
  await pass(1200);
  expect(refusals.length).toBeGreaterThan(1);
  home.answers.clear();
  await pass(5000);
  expect(events).toEqual(["snapshot"]);
});

test("who may not is told once", async () => {
  home.answers.set("rtvoice/session/subscribe", () => {
    throw new Refused("unauthorized");
  });
  watch.start();
  await pass(60_000);
  expect(refusals).toEqual(["unauthorized"]);
});

test("stopped while it was subscribing it leaves nothing behind", async () => {
  watch.start();
  watch.stop();
  await pass();
  expect(home.watched).toBe(0);
  home.reconnect();
  await pass(60_000);
  expect(home.subscriptions).toBe(1);
});

test("waits double up to half a minute, and pages do not come all at once", () => {
  expect([1, 2, 3, 20].map((failures) => backoffMs(failures, 1))).toEqual([500, 1000, 2000, 30_000]);
  expect(backoffMs(1, 0)).toBe(375);
});

test("refusals are read from whatever a command rejects with", () => {
  expect(refusal(3).code).toBe("lost");
  expect(refusal({ code: "not_found", message: "No." })).toEqual({ code: "not_found", message: "No." });
  expect(refusal(undefined)).toEqual({ code: "failed", message: "" });
  expect(isPassing({ code: "not_allowed", message: "" })).toBe(false);
});
