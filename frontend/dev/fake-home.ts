import type { Command, Connection, Hass, Unsubscribe } from "../src/hass";

export const ENTITY = "assist_satellite.kitchen_tablet";

type Fields = Record<string, unknown>;

/** A Home Assistant with one satellite that does what it is told: for tests and for the development page. */
export class FakeHome implements Connection {
  readonly commands: Command[] = [];
  /** What a command is answered with; a function may reject. */
  readonly answers = new Map<string, (command: Command) => unknown>();
  satellite: Fields = {
    entity_id: ENTITY,
    name: "Kitchen tablet",
    kind: "browser",
    agent: { name: "House", entity_id: "conversation.house" },
    online: false,
    can_control: true,
  };
  state: Fields = {
    status: "idle",
    in_session: false,
    session_id: null,
    user_speaking: false,
    assistant_speaking: false,
    muted: false,
    online: false,
    agent: { name: "House", entity_id: "conversation.house" },
  };
  turns: Fields[] = [];
  tools: Fields[] = [];
  subscriptions = 0;
  private readonly watchers = new Set<(event: unknown) => void>();
  private readonly listeners = new Set<() => void>();

  readonly hass: Hass = {
    connection: this,
    language: "en",
    states: { [ENTITY]: { state: "idle" } },
    entities: { [ENTITY]: { platform: "rtvoice" }, "assist_satellite.other": { platform: "esphome" } },
    hassUrl: (path) => `http://home.test${path}`,
  };

  async sendMessagePromise(command: Command): Promise<unknown> {
    this.commands.push(command);
    const answer = this.answers.get(command.type);
    return answer === undefined ? this.usual(command) : await answer(command);
  }

  async subscribeMessage(callback: (event: unknown) => void, command: Command): Promise<Unsubscribe> {
    this.subscriptions += 1;
    await this.answers.get(command.type)?.(command);
    this.watchers.add(callback);
    callback({ type: "snapshot", ...this.state, turns: this.turns, tools: this.tools });
    return () => {
      this.watchers.delete(callback);
    };
  }

  addEventListener(_type: "ready", listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: "ready", listener: () => void): void {
    this.listeners.delete(listener);
  }

  /** How many follow the satellite. */
  get watched(): number {
    return this.watchers.size;
  }

  tell(event: Fields): void {
    for (const watcher of this.watchers) {
      watcher(event);
    }
  }

  become(change: Fields): void {
    this.state = { ...this.state, ...change };
    this.tell({ type: "state", ...this.state });
  }

  /** The connection was lost and is there again. */
  reconnect(): void {
    this.watchers.clear();
    for (const listener of this.listeners) {
      listener();
    }
  }

  asked(type: string): Command[] {
    return this.commands.filter((command) => command.type === type);
  }

  private usual(command: Command): unknown {
    switch (command.type) {
      case "rtvoice/satellites":
        return { satellites: [this.satellite] };
      case "rtvoice/browser/connect":
        return { url: "/api/rtvoice/audio?sign=1" };
      default:
        return null;
    }
  }
}
