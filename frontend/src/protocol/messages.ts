/** What comes over the wire, as docs/browser-protocol.md has it; read here and nowhere else. */

export const STATUSES = ["idle", "connecting", "listening", "thinking", "speaking", "reconnecting"] as const;
export type Status = (typeof STATUSES)[number];

const TOOL_STATUSES = ["running", "ok", "failed"] as const;
export type ToolStatus = (typeof TOOL_STATUSES)[number];

export interface Agent {
  name: string;
  entityId: string;
}

export interface Satellite {
  entityId: string;
  name: string;
  kind: string;
  agent: Agent | null;
  online: boolean;
  canControl: boolean;
}

export interface State {
  status: Status;
  inSession: boolean;
  sessionId: string | null;
  userSpeaking: boolean;
  assistantSpeaking: boolean;
  muted: boolean;
  online: boolean;
  agent: Agent | null;
}

export interface Turn {
  itemId: string;
  role: "user" | "assistant";
  text: string;
  final: boolean;
  interrupted: boolean;
  /** The item id of the turn that it follows; null if it is the first. */
  after: string | null;
}

export interface Tool {
  callId: string;
  name: string;
  status: ToolStatus;
  message: string | null;
}

export type SessionEvent =
  | { type: "snapshot"; state: State; turns: Turn[]; tools: Tool[] }
  | { type: "state"; state: State }
  | { type: "turn"; turn: Turn }
  | { type: "tool"; tool: Tool }
  | { type: "error"; code: string; message: string }
  | { type: "ended"; sessionId: string | null; reason: string; error: string | null };

/** An event of `rtvoice/session/subscribe`; undefined if it is of a type that we do not know. */
export function readEvent(message: unknown): SessionEvent | undefined {
  const fields = record(message);
  switch (fields.type) {
    case "snapshot":
      return {
        type: "snapshot",
        state: readState(fields),
        turns: list(fields.turns).map(readTurn),
        tools: list(fields.tools).map(readTool),
      };
    case "state":
      return { type: "state", state: readState(fields) };
    case "turn":
      return { type: "turn", turn: readTurn(fields) };
    case "tool":
      return { type: "tool", tool: readTool(fields) };
    case "error":
      return { type: "error", code: text(fields.code), message: text(fields.message) };
    case "ended":
      return {
        type: "ended",
        sessionId: textOrNull(fields.session_id),
        reason: text(fields.reason),
        error: textOrNull(fields.error),
      };
    default:
      return undefined;
  }
}

/** The answer to `rtvoice/satellites`. */
export function readSatellites(answer: unknown): Satellite[] {
  return list(record(answer).satellites).map((item) => {
    const fields = record(item);
    return {
      entityId: text(fields.entity_id),
      name: text(fields.name),
      kind: text(fields.kind),
      agent: readAgent(fields.agent),
      online: fields.online === true,
      canControl: fields.can_control === true,
    };
  });
}

/** The answer to `rtvoice/browser/connect`: the path of the audio socket. Throws if there is none. */
export function readUrl(answer: unknown): string {
  const { url } = record(answer);
  if (typeof url !== "string") {
    throw new TypeError("rtvoice/browser/connect gave no URL");
  }
  return url;
}

export type ServerMessage =
  | { type: "ready" }
  | { type: "microphone"; open: boolean }
  | { type: "clear"; epoch: number }
  | { type: "ping" }
  | { type: "replaced" }
  | { type: "error"; code: string; message: string };

/** A text message of the audio socket; undefined if it is none that we know. */
export function readServerMessage(json: string): ServerMessage | undefined {
  const fields = parsed(json);
  switch (fields.type) {
    case "ready":
    case "ping":
    case "replaced":
      return { type: fields.type };
    case "microphone":
      return { type: "microphone", open: fields.open === true };
    case "clear":
      return isCount(fields.epoch) ? { type: "clear", epoch: fields.epoch } : undefined;
    case "error":
      return { type: "error", code: text(fields.code), message: text(fields.message) };
    default:
      return undefined;
  }
}

function readState(fields: Fields): State {
  return {
    status: oneOf(STATUSES, fields.status) ?? "idle",
    inSession: fields.in_session === true,
    sessionId: textOrNull(fields.session_id),
    userSpeaking: fields.user_speaking === true,
    assistantSpeaking: fields.assistant_speaking === true,
    muted: fields.muted === true,
    online: fields.online === true,
    agent: readAgent(fields.agent),
  };
}

function readTurn(item: unknown): Turn {
  const fields = record(item);
  return {
    itemId: text(fields.item_id),
    role: fields.role === "user" ? "user" : "assistant",
    text: text(fields.text),
    final: fields.final === true,
    interrupted: fields.interrupted === true,
    after: textOrNull(fields.after),
  };
}

function readTool(item: unknown): Tool {
  const fields = record(item);
  return {
    callId: text(fields.call_id),
    name: text(fields.name),
    status: oneOf(TOOL_STATUSES, fields.status) ?? "running",
    message: textOrNull(fields.message),
  };
}

function readAgent(item: unknown): Agent | null {
  const fields = record(item);
  return typeof fields.name === "string" ? { name: fields.name, entityId: text(fields.entity_id) } : null;
}

type Fields = Record<string, unknown>;

function parsed(json: string): Fields {
  try {
    return record(JSON.parse(json));
  } catch (error) {
    console.warn("rtvoice: the audio socket sent what is no JSON", error);
    return {};
  }
}

export function record(item: unknown): Fields {
  return typeof item === "object" && item !== null && !Array.isArray(item) ? (item as Fields) : {};
}

function list(item: unknown): unknown[] {
  return Array.isArray(item) ? item : [];
}

function isCount(item: unknown): item is number {
  return Number.isSafeInteger(item) && (item as number) >= 0;
}

function text(item: unknown): string {
  return typeof item === "string" ? item : "";
}

function textOrNull(item: unknown): string | null {
  return typeof item === "string" && item !== "" ? item : null;
}

function oneOf<T extends string>(choices: readonly T[], item: unknown): T | undefined {
  return choices.find((choice) => choice === item);
}
