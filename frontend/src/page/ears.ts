import { MicrophoneError } from "../audio/microphone";
import type { MicrophoneFailure } from "../protocol/audio-socket";
import type { Equipment, MicrophonePort } from "./equipment";
import { FrameWatch } from "./frame-watch";

/** A microphone that is lost again, or gives nothing again, so soon will not do better. */
const AGAIN_WITHIN_MS = 10_000;

export interface EarsEvents {
  /** A frame that the session is to hear. */
  onFrame(frame: ArrayBuffer): void;
  /** A session wants a microphone and there is none. */
  onFailed(reason: MicrophoneFailure): void;
  /** `isOpen` or `failure` may be others now. */
  onChanged(): void;
}

/** The microphone as sessions want it: open while one listens and not a moment longer. */
export class Ears {
  /** From 0 to 1. */
  level = 0;
  failure: MicrophoneFailure | null = null;
  private microphone: MicrophonePort | undefined;
  private isWanted = false;
  private isMuted = false;
  private lostAt = -Infinity;
  private silentAt = -Infinity;
  private context: AudioContext | undefined;
  private readonly watch = new FrameWatch(
    // A context that does not run, or a page that nobody sees, may give nothing for good reasons.
    () => this.context?.state === "running" && !document.hidden,
    () => void this.onSilent(),
  );

  constructor(
    private readonly equipment: Equipment,
    private readonly events: EarsEvents,
  ) {}

  get isOpen(): boolean {
    return this.microphone?.isOpen ?? false;
  }

  /** Muted ears give silence. */
  set muted(muted: boolean) {
    this.isMuted = muted;
    if (this.microphone !== undefined) {
      this.microphone.muted = muted;
    }
  }

  /** Make sure of a microphone before a session wants it, which asks the user; rejects with MicrophoneError. */
  async prepare(context: AudioContext): Promise<void> {
    this.forgive();
    this.silentAt = -Infinity;
    await this.openIn(context);
    this.events.onChanged();
  }

  /** A session listens from now on. */
  async listen(context: AudioContext): Promise<void> {
    this.isWanted = true;
    try {
      await this.openIn(context);
      this.forgive();
    } catch (error) {
      this.fail(error instanceof MicrophoneError ? error.reason : "missing");
    }
  }

  /** Nobody listens any more. */
  stop(): void {
    this.isWanted = false;
    this.close();
  }

  /** Close what was prepared and is not wanted. */
  settle(): void {
    if (!this.isWanted) {
      this.close();
    }
  }

  /** Forget what went wrong. */
  forgive(): void {
    this.failure = null;
    this.events.onChanged();
  }

  /** Remember why there is no microphone. */
  blame(reason: MicrophoneFailure): void {
    this.failure = reason;
    this.events.onChanged();
  }

  private async openIn(context: AudioContext): Promise<void> {
    const wasOpen = this.isOpen;
    await this.of(context).open();
    if (this.isOpen && !wasOpen) {
      this.watch.start();
    }
  }

  private of(context: AudioContext): MicrophonePort {
    this.context = context;
    this.microphone ??= this.equipment.microphone(context, {
      onFrame: (frame, level) => {
        this.watch.heard();
        this.level = level;
        if (this.isWanted) {
          this.events.onFrame(frame);
        }
      },
      onLost: () => void this.onLost(),
    });
    this.microphone.muted = this.isMuted;
    return this.microphone;
  }

  private async onLost(): Promise<void> {
    const now = performance.now();
    const isHopeless = now - this.lostAt < AGAIN_WITHIN_MS || document.hidden;
    this.lostAt = now;
    this.level = 0;
    this.watch.stop();
    if (!this.isWanted) {
      this.events.onChanged();
    } else if (isHopeless) {
      this.fail("lost");
    } else {
      // A headset was unplugged: there may be another microphone.
      await this.openAgain("lost");
    }
  }

  /** Some browsers open a microphone that gives nothing, and the same one works when it is opened again. */
  private async onSilent(): Promise<void> {
    const now = performance.now();
    const isHopeless = now - this.silentAt < AGAIN_WITHIN_MS;
    this.silentAt = now;
    this.close();
    if (isHopeless) {
      this.fail("silent");
    } else {
      await this.openAgain("silent");
    }
  }

  private async openAgain(reason: MicrophoneFailure): Promise<void> {
    try {
      if (this.context !== undefined) {
        await this.openIn(this.context);
      }
      this.events.onChanged();
    } catch (error) {
      console.warn("rtvoice: the microphone cannot be opened again", error);
      this.fail(reason);
    }
  }

  private fail(reason: MicrophoneFailure): void {
    this.blame(reason);
    if (this.isWanted) {
      this.events.onFailed(reason);
    }
  }

  private close(): void {
    this.watch.stop();
    this.microphone?.close();
    this.level = 0;
    this.events.onChanged();
  }
}
