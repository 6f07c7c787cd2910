import type { Connection, Unsubscribe } from "../hass";
import { backoffMs } from "./backoff";
import { isPassing, refusal, type Refusal } from "./commands";
import { readEvent, type SessionEvent } from "./messages";

/**
 * Follows the sessions of a satellite, from a snapshot on.
 *
 * Home Assistant's own way to subscribe again after a lost connection gives up where the integration is not loaded yet, so
 * this does it: after each reconnection, and again for as long as it is refused for a reason that may pass.
 */
export class SessionWatch {
  private unsubscribe: Unsubscribe | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private generation = 0;

  constructor(
    private readonly connection: Connection,
    private readonly entityId: string,
    private readonly onEvent: (event: SessionEvent) => void,
    private readonly onRefused: (refusal: Refusal) => void,
  ) {}

  start(): void {
    this.connection.addEventListener("ready", this.again);
    void this.subscribe();
  }

  stop(): void {
    this.connection.removeEventListener("ready", this.again);
    this.drop();
  }

  /** Subscribe anew, for instance because the satellite is back. */
  readonly again = (): void => {
    this.drop();
    this.failures = 0;
    void this.subscribe();
  };

  private async subscribe(): Promise<void> {
    const generation = this.generation;
    const command = { type: "rtvoice/session/subscribe", entity_id: this.entityId };
    try {
      const unsubscribe = await this.connection.subscribeMessage(
        (message) => {
          if (generation === this.generation) {
            this.take(message);
          }
        },
        command,
        { resubscribe: false },
      );
      if (generation === this.generation) {
        this.failures = 0;
        this.unsubscribe = unsubscribe;
      } else {
        void leave(unsubscribe);
      }
    } catch (error) {
      if (generation === this.generation) {
        this.refused(refusal(error));
      }
    }
  }

  private refused(why: Refusal): void {
    this.onRefused(why);
    if (isPassing(why)) {
      this.failures += 1;
      this.timer = setTimeout(() => void this.subscribe(), backoffMs(this.failures, Math.random()));
    }
  }

  private take(message: unknown): void {
    const event = readEvent(message);
    if (event !== undefined) {
      this.onEvent(event);
    }
  }

  private drop(): void {
    this.generation += 1;
    clearTimeout(this.timer);
    if (this.unsubscribe !== undefined) {
      void leave(this.unsubscribe);
    }
    this.unsubscribe = undefined;
  }
}

async function leave(unsubscribe: Unsubscribe): Promise<void> {
  try {
    await unsubscribe();
  } catch (error) {
    // The subscription died with its connection or with the integration.
    console.debug("rtvoice: a subscription was gone already", error);
  }
}
