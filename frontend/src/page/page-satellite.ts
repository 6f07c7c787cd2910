import { MicrophoneError } from "../audio/microphone";
import type { Hass } from "../hass";
import type { MicrophoneFailure } from "../protocol/audio-socket";
import { backoffMs } from "../protocol/backoff";
import { Commands, isPassing, refusal, Refused, type Refusal } from "../protocol/commands";
import { Ears } from "./ears";
import { BROWSER, type Equipment } from "./equipment";
import { Link, REPLACED } from "./link";
import { Memory } from "./memory";

/** A link that was lost for longer is not ours any more, if the satellite is online all the same. */
const OURS_FOR_MS = 10_000;
/** A link that lived so long was good. */
const GOOD_AFTER_MS = 10_000;
const ANSWER_WITHIN_MS = 15_000;

export interface PageView {
  /** Whether this page is the satellite: not, about to be, it is, will be again, another page is now. */
  link: "off" | "connecting" | "ready" | "lost" | "replaced";
  isMicrophoneOpen: boolean;
  /** Why there is no microphone. */
  failure: MicrophoneFailure | null;
  /** Why the integration does not want this page, in its words. */
  error: Refusal | null;
}

export const NO_PAGE: PageView = { link: "off", isMicrophoneOpen: false, failure: null, error: null };

/** This page as a satellite's ears and mouth. */
export class PageSatellite {
  private state: Pick<PageView, "link" | "error"> = NO_PAGE;
  private readonly listeners = new Set<() => void>();
  private readonly memory: Memory;
  private readonly ears: Ears;
  private link: Link | undefined;
  private readyAt = 0;
  private lostAt = -Infinity;
  private failures = 0;
  /** Whoever waited for something looks at this to see whether it is still wanted. */
  private generation = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private callOff: (() => void) | undefined;

  constructor(
    private readonly entityId: string,
    private hass: Hass,
    private readonly equipment: Equipment = BROWSER,
  ) {
    this.memory = new Memory(entityId);
    this.ears = new Ears(equipment, {
      onFrame: (frame) => this.link?.sendAudio(frame),
      onFailed: (reason) => this.link?.sendMicrophoneFailed(reason),
      onChanged: () => {
        this.tell();
      },
    });
  }

  get view(): PageView {
    return { ...this.state, isMicrophoneOpen: this.ears.isOpen, failure: this.ears.failure };
  }

  /** How loud it is now at the ears and at the mouth, from 0 to 1. */
  get levels(): { microphone: number; agent: number } {
    return { microphone: this.ears.level, agent: this.link?.level ?? 0 };
  }

  /** Home Assistant as it is now. */
  attach(hass: Hass): void {
    this.hass = hass;
  }

  /** Be told when `view` may be another; returns how to end that. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** From 0 to 1; remembered by this browser. */
  get volume(): number {
    return this.memory.volume;
  }

  set volume(volume: number) {
    this.memory.volume = volume;
    if (this.link !== undefined) {
      this.link.volume = volume;
    }
  }

  /** A muted page sends silence, whatever the server does with what it gets. */
  set muted(muted: boolean) {
    this.ears.muted = muted;
  }

  /**
   * Be the satellite, with a microphone that works; to be called in the user's gesture. Call `settle` when the session
   * has begun or has not. Rejects with MicrophoneError or with what a command rejects with.
   */
  async begin(): Promise<void> {
    const generation = this.supersede();
    try {
      if (!this.equipment.isSecure()) {
        throw new MicrophoneError("insecure");
      }
      const context = await this.equipment.unlock();
      await this.ears.prepare(context);
      if (this.link === undefined) {
        await this.connect(context, generation);
      }
      this.memory.isUsedHere = true;
    } catch (error) {
      if (generation === this.generation) {
        this.fail(error);
      }
      throw error;
    }
  }

  /** Close a microphone that no session wanted. */
  settle(): void {
    this.ears.settle();
  }

  /** Forget what went wrong. */
  forgive(): void {
    this.ears.forgive();
    this.show(this.state.link === "replaced" ? "off" : this.state.link);
  }

  /** Be the satellite without being asked, if this browser was before and nobody else is now. */
  async rejoin(): Promise<void> {
    if (this.state.link !== "off" || !this.memory.isUsedHere || !this.equipment.isSecure()) {
      return;
    }
    const generation = this.supersede();
    if ((await this.equipment.mayListen()) && generation === this.generation) {
      this.lostAt = -Infinity;
      this.callOff = this.equipment.whenUnlocked(() => void this.reconnect());
    }
  }

  /** Be the satellite no longer. */
  leave(): void {
    this.supersede();
    this.drop();
    this.show("off");
  }

  private async connect(context: AudioContext, generation: number): Promise<void> {
    this.show("connecting");
    const path = await within(ANSWER_WITHIN_MS, new Commands(this.hass.connection).connectBrowser(this.entityId));
    const url = this.hass.hassUrl(path).replace(/^http/, "ws");
    const link = await Link.open(this.equipment, url, context, this.volume, {
      onMicrophone: (open) => {
        if (open) {
          void this.ears.listen(context);
        } else {
          this.ears.stop();
        }
      },
      onEnd: (why, error) => {
        this.onEnd(why, error);
      },
    });
    if (generation !== this.generation) {
      link.close();
      throw new Refused("called_off");
    }
    this.link = link;
    this.readyAt = Date.now();
    this.show("ready");
  }

  private onEnd(why: "replaced" | "lost", error: Refusal): void {
    this.supersede();
    this.drop();
    if (why === "replaced") {
      this.onReplaced();
    } else {
      this.lostAt = Date.now();
      this.failures = this.lostAt - this.readyAt > GOOD_AFTER_MS ? 0 : this.failures;
      this.reconnectLater(error);
    }
  }

  private onReplaced(): void {
    this.memory.isUsedHere = false;
    this.show("replaced");
  }

  private reconnectLater(error: Refusal): void {
    this.failures += 1;
    this.show("lost", error.message === "" ? null : error);
    this.retry = setTimeout(() => void this.reconnect(), backoffMs(this.failures, Math.random()));
  }

  private async reconnect(): Promise<void> {
    const generation = this.supersede();
    try {
      if (Date.now() - this.lostAt > OURS_FOR_MS && (await this.isOnline())) {
        throw new Refused(REPLACED);
      }
      await this.connect(await this.equipment.unlock(), generation);
    } catch (error) {
      if (generation === this.generation) {
        this.drop();
        this.giveUpOrWait(error);
      }
    }
  }

  private giveUpOrWait(error: unknown): void {
    const why = refusal(error);
    if (why.code === REPLACED) {
      this.onReplaced();
    } else if (isPassing(why)) {
      this.reconnectLater(why);
    } else {
      this.show("off", why);
    }
  }

  private async isOnline(): Promise<boolean> {
    const satellites = await within(ANSWER_WITHIN_MS, new Commands(this.hass.connection).satellites());
    return satellites.some(({ entityId, online }) => entityId === this.entityId && online);
  }

  private fail(error: unknown): void {
    if (error instanceof MicrophoneError) {
      // A page that is connected already still has a mouth.
      this.show(this.link === undefined ? "off" : "ready");
      this.ears.blame(error.reason);
      return;
    }
    const why = refusal(error);
    this.drop();
    if (why.code === REPLACED) {
      this.onReplaced();
    } else {
      this.show("off", why);
    }
  }

  private drop(): void {
    this.link?.close();
    this.link = undefined;
    this.ears.stop();
  }

  /** Call off whatever is under way. */
  private supersede(): number {
    clearTimeout(this.retry);
    this.callOff?.();
    this.callOff = undefined;
    this.generation += 1;
    return this.generation;
  }

  private show(link: PageView["link"], error: Refusal | null = null): void {
    this.state = { link, error };
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Refused("timeout"));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
