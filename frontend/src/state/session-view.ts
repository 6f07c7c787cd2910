import type { SessionEvent, State, Tool, Turn } from "../protocol/messages";

const MOST_ENTRIES = 200;

export type Entry = { kind: "turn"; turn: Turn } | { kind: "tool"; tool: Tool };

/** What is known of a satellite's session, the last one's words included. */
export interface SessionView {
  /** Null until the first snapshot. */
  state: State | null;
  /** Turns and tool calls, in the order in which they are shown. */
  entries: readonly Entry[];
  /** What went wrong, in words for the user. */
  error: string | null;
}

export const NOTHING_KNOWN: SessionView = { state: null, entries: [], error: null };

/** What is known after an event. */
export function received(view: SessionView, event: SessionEvent): SessionView {
  switch (event.type) {
    case "snapshot":
      return { ...view, state: event.state, entries: arranged(event.turns, event.tools) };
    case "state":
      return withState(view, event.state);
    case "turn":
      return { ...view, entries: withEntry(view.entries, { kind: "turn", turn: event.turn }) };
    case "tool":
      return { ...view, entries: withEntry(view.entries, { kind: "tool", tool: event.tool }) };
    case "error":
      return { ...view, error: event.message };
    case "ended":
      return { ...view, error: event.error ?? view.error, entries: settled(view.entries) };
  }
}

/** The error was read. */
export function withoutError(view: SessionView): SessionView {
  return { ...view, error: null };
}

/** The words are old and nobody's business any more. */
export function forgotten(view: SessionView): SessionView {
  return { ...view, entries: [] };
}

function withState(view: SessionView, state: State): SessionView {
  const isNew = state.sessionId !== null && state.sessionId !== view.state?.sessionId;
  // After a session its id is null, so what is shown then may be the last one's.
  return isNew ? { state, entries: [], error: null } : { ...view, state };
}

/** A snapshot does not tell when tools were called: before the answer that the last of them led to. */
function arranged(turns: readonly Turn[], tools: readonly Tool[]): Entry[] {
  const entries: Entry[] = turns.map((turn) => ({ kind: "turn", turn }));
  const calls: Entry[] = tools.map((tool) => ({ kind: "tool", tool }));
  const at = turns.at(-1)?.role === "assistant" ? entries.length - 1 : entries.length;
  return entries.toSpliced(at, 0, ...calls).slice(-MOST_ENTRIES);
}

function withEntry(entries: readonly Entry[], entry: Entry): Entry[] {
  const known = entries.findIndex((other) => keyOf(other) === keyOf(entry));
  if (known >= 0) {
    return entries.with(known, entry);
  }
  const at = entry.kind === "turn" ? placeOf(entries, entry.turn) : entries.length;
  return entries.toSpliced(at, 0, entry).slice(-MOST_ENTRIES);
}

/**
 * Where a turn that is new belongs: what the user said is often known after the answer has begun. Tool calls stand where
 * they were told of. They are part of an answer, so they belong behind what the user said, and before the next turn.
 */
function placeOf(entries: readonly Entry[], { role, after }: Turn): number {
  const at = after === null ? -1 : entries.findIndex((entry) => isTurn(entry) && entry.turn.itemId === after);
  if (after !== null && at < 0) {
    return entries.length;
  }
  const before = entries[at];
  const isBeforeCalls =
    role === "user" && (before === undefined || (isTurn(before) && before.turn.role === "assistant"));
  if (isBeforeCalls) {
    return at + 1;
  }
  const next = entries.findIndex((entry, index) => index > at && isTurn(entry));
  return next < 0 ? entries.length : next;
}

function isTurn(entry: Entry): entry is Extract<Entry, { kind: "turn" }> {
  return entry.kind === "turn";
}

/** Nothing is still being said or done when a session has ended. */
function settled(entries: readonly Entry[]): Entry[] {
  return entries
    .filter((entry) => entry.kind === "tool" || entry.turn.text !== "")
    .map((entry) => (entry.kind === "turn" ? { kind: "turn", turn: { ...entry.turn, final: true } } : entry));
}

/** What makes an entry the same as before. */
export function keyOf(entry: Entry): string {
  return entry.kind === "turn" ? `turn ${entry.turn.itemId}` : `tool ${entry.tool.callId}`;
}
