import { expect, test } from "vitest";
import { readEvent, readSatellites, readServerMessage, readUrl } from "../src/protocol/messages";

test("a snapshot has the state, the turns and the tools", () => {
  const event = readEvent({
    type: "snapshot",
    status: "speaking",
    in_session: true,
    session_id: "s1",
    user_speaking: false,
    assistant_speaking: true,
    muted: true,
    online: true,
    agent: { name: "House", entity_id: "conversation.house" },
    turns: [{ item_id: "i1", role: "user", text: "hi", final: true, interrupted: false, after: null }],
    tools: [{ call_id: "c1", name: "Turn on", status: "ok", message: null }],
    something_new: 1,
  });
  expect(event).toEqual({
    type: "snapshot",
    state: {
      status: "speaking",
      inSession: true,
      sessionId: "s1",
      userSpeaking: false,
      assistantSpeaking: true,
      muted: true,
      online: true,
      agent: { name: "House", entityId: "conversation.house" },
    },
    turns: [{ itemId: "i1", role: "user", text: "hi", final: true, interrupted: false, after: null }],
    tools: [{ callId: "c1", name: "Turn on", status: "ok", message: null }],
  });
});

test("what is missing or of a wrong type is as if nothing was going on", () => {
  const event = readEvent({ type: "state", status: "dancing", agent: null, muted: "yes" });
  expect(event).toMatchObject({
    state: { status: "idle", inSession: false, sessionId: null, agent: null, muted: false },
  });
  expect(readEvent({ type: "snapshot", turns: "none" })).toMatchObject({ turns: [], tools: [] });
});

test("events of types that are not known are ignored", () => {
  expect(readEvent({ type: "weather" })).toBeUndefined();
  expect(readEvent(null)).toBeUndefined();
  expect(readEvent(["state"])).toBeUndefined();
});

test("an end and an error have their words", () => {
  expect(readEvent({ type: "ended", session_id: "s1", reason: "quota", error: "No credit." })).toEqual({
    type: "ended",
    sessionId: "s1",
    reason: "quota",
    error: "No credit.",
  });
  expect(readEvent({ type: "error", code: "no_route", message: "Away." })).toMatchObject({ message: "Away." });
});

test("satellites are read", () => {
  const answer = { satellites: [{ entity_id: "a.b", name: "B", kind: "wyoming", online: true, can_control: false }] };
  expect(readSatellites(answer)).toEqual([
    { entityId: "a.b", name: "B", kind: "wyoming", agent: null, online: true, canControl: false },
  ]);
});

test("a URL must be there", () => {
  expect(readUrl({ url: "/x" })).toBe("/x");
  expect(() => readUrl({})).toThrow("gave no URL");
});

test.each([
  ['{"type":"ready"}', { type: "ready" }],
  ['{"type":"microphone","open":true}', { type: "microphone", open: true }],
  ['{"type":"clear","epoch":3}', { type: "clear", epoch: 3 }],
  ['{"type":"clear"}', undefined],
  ['{"type":"clear","epoch":1e999}', undefined],
  ['{"type":"clear","epoch":-1}', undefined],
  ['{"type":"clear","epoch":0.5}', undefined],
  ['{"type":"later"}', undefined],
  ["{", undefined],
  ["7", undefined],
])("the audio socket's %s", (json, message) => {
  expect(readServerMessage(json)).toEqual(message);
});
