import type { ReactiveController, ReactiveControllerHost } from "lit";
import { MicrophoneError } from "./audio/microphone";
import type { Hass } from "./hass";
import { NO_PAGE, type PageSatellite, type PageView } from "./page/page-satellite";
import { hold, release } from "./page/pages";
import { Commands, refusal, type Refusal } from "./protocol/commands";
import type { Satellite, SessionEvent } from "./protocol/messages";
import { SessionWatch } from "./protocol/session-watch";
import { BROWSER_KIND } from "./state/presentation";
import { forgotten, NOTHING_KNOWN, received, withoutError, type SessionView } from "./state/session-view";

/** As long as the server keeps what was said. */
const FORGET_AFTER_MS = 10 * 60_000;

export interface Wish {
  entityId: string;
  /** Whether this page may become the satellite by itself. */
  autoConnect: boolean;
}

/** Follows one satellite for a card and does what its buttons ask for. */
export class SatelliteController implements ReactiveController {
  session: SessionView = NOTHING_KNOWN;
  satellite: Satellite | undefined;
  /** Why there is nothing to show. */
  refused: Refusal | undefined;
  /** Why what was asked for last did not work. */
  failed: Refusal | undefined;
  /** Whether a session is being started. */
  isBusy = false;
  private hass: Hass | undefined;
  private wish: Wish | undefined;
  private watch: SessionWatch | undefined;
  private held: { page: PageSatellite; unsubscribe: () => void } | undefined;
  private isOnScreen = false;
  private attempt = 0;
  private forgetting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  get page(): PageView {
    return this.held?.page.view ?? NO_PAGE;
  }

  get levels(): { microphone: number; agent: number } {
    return this.held?.page.levels ?? { microphone: 0, agent: 0 };
  }

  get volume(): number {
    return this.held?.page.volume ?? 1;
  }

  set volume(volume: number) {
    if (this.held !== undefined) {
      this.held.page.volume = volume;
      this.host.requestUpdate();
    }
  }

  /** Follow that satellite, through Home Assistant as it is now. */
  follow(hass: Hass, wish: Wish): void {
    const isBack = this.isBack(hass, wish.entityId);
    const isOther = wish.entityId !== this.wish?.entityId || hass.connection !== this.hass?.connection;
    this.hass = hass;
    this.wish = wish;
    this.held?.page.attach(hass);
    if (isOther) {
      this.leave();
      this.session = NOTHING_KNOWN;
      this.satellite = undefined;
      this.refused = undefined;
      this.enter();
    } else if (isBack && this.refused !== undefined) {
      this.watch?.again();
    }
  }

  hostConnected(): void {
    this.isOnScreen = true;
    this.enter();
  }

  hostDisconnected(): void {
    this.isOnScreen = false;
    this.leave();
  }

  /** Start a session; to be called in the user's gesture. */
  async start(): Promise<void> {
    const attempt = ++this.attempt;
    await this.attend(async (commands, entityId) => {
      await this.held?.page.begin();
      if (attempt === this.attempt) {
        await commands.start(entityId);
      }
    }, attempt);
  }

  /** Make this page the satellite, without a session; to be called in the user's gesture. */
  async takeOver(): Promise<void> {
    await this.attend(async () => this.held?.page.begin(), ++this.attempt);
  }

  async stop(): Promise<void> {
    this.attempt += 1;
    this.isBusy = false;
    await this.perform((commands, entityId) => commands.stop(entityId));
  }

  interrupt(): Promise<void> {
    return this.perform((commands, entityId) => commands.interrupt(entityId));
  }

  async setMuted(muted: boolean): Promise<void> {
    // Silence first: the server may be far away.
    this.mute(muted);
    await this.perform((commands, entityId) => commands.setMuted(entityId, muted));
  }

  sendMessage(text: string): Promise<void> {
    return this.perform((commands, entityId) => commands.sendMessage(entityId, text));
  }

  /** The user has read what went wrong. */
  dismiss(): void {
    this.failed = undefined;
    this.session = withoutError(this.session);
    this.held?.page.forgive();
    this.host.requestUpdate();
  }

  private enter(): void {
    if (!this.isOnScreen || this.watch !== undefined || this.hass === undefined || !this.wish?.entityId) {
      return;
    }
    const onEvent = (event: SessionEvent): void => {
      this.take(event);
    };
    const onRefused = (why: Refusal): void => {
      this.refused = why;
      this.host.requestUpdate();
    };
    this.watch = new SessionWatch(this.hass.connection, this.wish.entityId, onEvent, onRefused);
    this.watch.start();
  }

  private leave(): void {
    this.watch?.stop();
    this.watch = undefined;
    clearTimeout(this.forgetting);
    this.letGo();
  }

  private take(event: SessionEvent): void {
    this.session = received(this.session, event);
    this.refused = undefined;
    if (event.type === "snapshot") {
      void this.meet();
    }
    clearTimeout(this.forgetting);
    if (this.session.state?.inSession === false) {
      this.forgetting = setTimeout(() => {
        this.session = forgotten(this.session);
        this.host.requestUpdate();
      }, FORGET_AFTER_MS);
    }
    this.mute(this.session.state?.muted ?? false);
    this.host.requestUpdate();
  }

  /** Learn what kind of satellite it is, and be it if it is this page. */
  private async meet(): Promise<void> {
    const { watch, hass, wish } = this;
    if (hass === undefined || wish === undefined) {
      return;
    }
    try {
      const satellites = await new Commands(hass.connection).satellites();
      if (watch !== this.watch) {
        return;
      }
      this.satellite = satellites.find(({ entityId }) => entityId === wish.entityId);
      this.refused = this.satellite === undefined ? { code: "not_found", message: "" } : undefined;
    } catch (error) {
      this.refused = refusal(error);
    }
    if (this.satellite?.kind === BROWSER_KIND && this.satellite.canControl) {
      this.takeHold(hass, wish);
    }
    this.host.requestUpdate();
  }

  private takeHold(hass: Hass, wish: Wish): void {
    if (this.held === undefined) {
      const page = hold(wish.entityId, hass);
      const unsubscribe = page.subscribe(() => {
        this.host.requestUpdate();
      });
      this.held = { page, unsubscribe };
      this.mute(this.session.state?.muted ?? false);
    }
    if (wish.autoConnect) {
      void this.held.page.rejoin();
    }
  }

  private letGo(): void {
    if (this.held !== undefined && this.wish !== undefined) {
      this.held.unsubscribe();
      release(this.held.page);
      this.held = undefined;
    }
  }

  private mute(muted: boolean): void {
    if (this.held !== undefined) {
      this.held.page.muted = muted;
    }
  }

  private async attend(work: (commands: Commands, entityId: string) => Promise<void>, attempt: number): Promise<void> {
    this.dismiss();
    this.isBusy = true;
    this.host.requestUpdate();
    await this.perform(async (commands, entityId) => {
      try {
        await work(commands, entityId);
      } catch (error) {
        // Who has called it off does not want to hear of it; a missing microphone is told by the page.
        if (attempt === this.attempt && !(error instanceof MicrophoneError)) {
          throw error;
        }
      }
    });
    this.held?.page.settle();
    if (attempt === this.attempt) {
      this.isBusy = false;
      this.host.requestUpdate();
    }
  }

  private async perform(work: (commands: Commands, entityId: string) => Promise<void>): Promise<void> {
    if (this.hass === undefined || this.wish === undefined) {
      return;
    }
    try {
      await work(new Commands(this.hass.connection), this.wish.entityId);
    } catch (error) {
      this.failed = refusal(error);
    }
    this.host.requestUpdate();
  }

  private isBack(hass: Hass, entityId: string): boolean {
    return !isThere(this.hass, entityId) && isThere(hass, entityId) && this.hass !== undefined;
  }
}

function isThere(hass: Hass | undefined, entityId: string): boolean {
  const state = hass?.states[entityId]?.state;
  return state !== undefined && state !== "unavailable";
}
