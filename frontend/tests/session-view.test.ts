import { expect, test } from "vitest";
import type { SessionEvent, State, Tool, Turn } from "../src/protocol/messages";
import { forgotten, keyOf, NOTHING_KNOWN, received, withoutError, type SessionView } from "../src/state/session-view";

export const IDLE: State = {
  status: "idle",
  inSession: false,
  sessionId: null,
  userSpeaking: false,
  assistantSpeaking: false,
  muted: false,
  online: true,
  agent: null,
};
const TALKING: State = { ...IDLE, status: "listening", inSession: true, sessionId: "s1" };

function turn(itemId: string, role: Turn["role"], text: string, more: Partial<Turn> = {}): Turn {
  return { itemId, role, text, final: true, interrupted: false, after: null, ...more };
}

function tool(callId: string, status: Tool["status"], message: string | null = null): Tool {
  return { callId, name: "Turn on", status, message };
}

function after(...events: SessionEvent[]): SessionView {
  return events.reduce(received, NOTHING_KNOWN);
}

const snapshot: SessionEvent = { type: "snapshot", state: TALKING, turns: [], tools: [] };

test("the words of a turn replace those that were shown, in its place", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("1", "user", "turn", { final: false }) },
    { type: "turn", turn: turn("2", "assistant", "I", { final: false, after: "1" }) },
    { type: "turn", turn: turn("1", "user", "turn on the light") },
    { type: "turn", turn: turn("2", "assistant", "I turned", { interrupted: true, after: "1" }) },
  );
  expect(view.entries).toEqual([
    { kind: "turn", turn: turn("1", "user", "turn on the light") },
    { kind: "turn", turn: turn("2", "assistant", "I turned", { interrupted: true, after: "1" }) },
  ]);
});

test("a tool call stands where it began and says how it ended", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("1", "user", "light") },
    { type: "tool", tool: tool("c", "running") },
    { type: "turn", turn: turn("2", "assistant", "Sorry", { after: "1" }) },
    { type: "tool", tool: tool("c", "failed", "Away.") },
  );
  expect(view.entries.map(keyOf)).toEqual(["turn 1", "tool c", "turn 2"]);
  expect(view.entries[1]).toEqual({ kind: "tool", tool: tool("c", "failed", "Away.") });
});

test("what the user said stands before the answer that was told first", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("a0", "assistant", "Hello") },
    { type: "turn", turn: turn("a1", "assistant", "Done", { after: "a0" }) },
    { type: "turn", turn: turn("u1", "user", "light", { after: "a0" }) },
    { type: "turn", turn: turn("a1", "assistant", "Done.", { after: "u1" }) },
  );
  expect(view.entries.map(keyOf)).toEqual(["turn a0", "turn u1", "turn a1"]);
});

test("what the user said first stands before all that it led to", () => {
  const view = after(
    snapshot,
    { type: "tool", tool: tool("c", "ok") },
    { type: "turn", turn: turn("a", "assistant", "Done") },
    { type: "turn", turn: turn("u", "user", "light") },
  );
  expect(view.entries.map(keyOf)).toEqual(["turn u", "tool c", "turn a"]);
});

test("an answer stands behind the tools that it is about, and before what was said next", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("u1", "user", "light") },
    { type: "tool", tool: tool("c1", "ok") },
    { type: "turn", turn: turn("u2", "user", "thanks", { after: "u1" }) },
    { type: "tool", tool: tool("c2", "ok") },
    { type: "turn", turn: turn("a2", "assistant", "Welcome", { after: "u2" }) },
  );
  expect(view.entries.map(keyOf)).toEqual(["turn u1", "tool c1", "turn u2", "tool c2", "turn a2"]);
  const late = received(view, { type: "turn", turn: turn("a1", "assistant", "Done", { after: "u1" }) });
  expect(late.entries.map(keyOf)).toEqual(["turn u1", "tool c1", "turn a1", "turn u2", "tool c2", "turn a2"]);
});

test("a turn stands at the end if what it follows is not shown", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("1", "user", "light") },
    { type: "turn", turn: turn("2", "user", "thanks", { after: "gone" }) },
  );
  expect(view.entries.map(keyOf)).toEqual(["turn 1", "turn 2"]);
});

test("the tools of a snapshot stand before the answer they led to", () => {
  const turns = [turn("1", "user", "light"), turn("2", "assistant", "Done")];
  const done = after({ type: "snapshot", state: TALKING, turns, tools: [tool("c", "ok")] });
  expect(done.entries.map(keyOf)).toEqual(["turn 1", "tool c", "turn 2"]);
  const open = after({ type: "snapshot", state: TALKING, turns: turns.slice(0, 1), tools: [tool("c", "running")] });
  expect(open.entries.map(keyOf)).toEqual(["turn 1", "tool c"]);
});

test("a new session begins with an empty page and no error", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("1", "user", "hello") },
    { type: "error", code: "x", message: "Oh." },
    { type: "state", state: { ...TALKING, sessionId: "s2" } },
  );
  expect(view).toEqual({ state: { ...TALKING, sessionId: "s2" }, entries: [], error: null });
});

test("after its end a session can be read, and what went wrong", () => {
  const view = after(
    snapshot,
    { type: "turn", turn: turn("1", "assistant", "hel", { final: false }) },
    { type: "turn", turn: turn("2", "user", "", { final: false, after: "1" }) },
    { type: "ended", sessionId: "s1", reason: "quota", error: "No credit." },
    { type: "state", state: IDLE },
  );
  expect(view.entries).toEqual([{ kind: "turn", turn: turn("1", "assistant", "hel") }]);
  expect(view.error).toBe("No credit.");
  expect(withoutError(view).error).toBeNull();
  expect(forgotten(view).entries).toEqual([]);
});

test("no more is kept than the last 200 entries", () => {
  const events = Array.from({ length: 250 }, (_, index): SessionEvent => {
    return { type: "turn", turn: turn(String(index), "user", "x", { after: index === 0 ? null : String(index - 1) }) };
  });
  const { entries } = after(snapshot, ...events);
  expect(entries).toHaveLength(200);
  expect(entries.at(-1)).toMatchObject({ turn: { itemId: "249" } });
});
