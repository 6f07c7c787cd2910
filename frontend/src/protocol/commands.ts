import type { Command, Connection } from "../hass";
import { readSatellites, readUrl, record, type Satellite } from "./messages";

/** The integration's commands over Home Assistant's websocket. They reject with what `refusal` reads. */
export class Commands {
  constructor(private readonly connection: Connection) {}

  async satellites(): Promise<Satellite[]> {
    return readSatellites(await this.send({ type: "rtvoice/satellites" }));
  }

  async start(entityId: string): Promise<void> {
    await this.send({ type: "rtvoice/session/start", entity_id: entityId });
  }

  async stop(entityId: string): Promise<void> {
    await this.send({ type: "rtvoice/session/stop", entity_id: entityId });
  }

  async interrupt(entityId: string): Promise<void> {
    await this.send({ type: "rtvoice/session/interrupt", entity_id: entityId });
  }

  async sendMessage(entityId: string, text: string): Promise<void> {
    await this.send({ type: "rtvoice/session/send_message", entity_id: entityId, text });
  }

  async setMuted(entityId: string, muted: boolean): Promise<void> {
    await this.send({ type: "rtvoice/session/set_muted", entity_id: entityId, muted });
  }

  /** Where this page can open the audio socket, once and soon. */
  async connectBrowser(entityId: string): Promise<string> {
    return readUrl(await this.send({ type: "rtvoice/browser/connect", entity_id: entityId }));
  }

  private send(command: Command): Promise<unknown> {
    return this.connection.sendMessagePromise(command);
  }
}

export interface Refusal {
  code: string;
  message: string;
}

/** A refusal of our own making, in the same form. */
export class Refused extends Error implements Refusal {
  constructor(
    readonly code: string,
    message = "",
  ) {
    super(message);
  }
}

/** What Home Assistant's websocket rejects with when the connection is lost. */
const LOST = 3;

/** Why a command failed; `code` is Home Assistant's, "lost" where the connection was, "failed" where nobody said. */
export function refusal(error: unknown): Refusal {
  if (error === LOST) {
    return { code: "lost", message: "" };
  }
  const { code, message } = record(error);
  return {
    code: typeof code === "string" ? code : "failed",
    message: typeof message === "string" ? message : "",
  };
}

/** Whether it may work if it is tried again later: the integration may be on its way. */
export function isPassing({ code }: Refusal): boolean {
  return !["unauthorized", "not_allowed", "invalid_format"].includes(code);
}
