import { MicrophoneError } from "../audio/microphone";
import type { MicrophoneFailure } from "../protocol/audio-socket";
import type { Equipment, MicrophonePort } from "./equipment";

/** A microphone that is lost again so soon will not stay. */
const LOST_AGAIN_WITHIN_MS = 10_000;

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
    await this.of(context).open();
    this.events.onChanged();
  }

  /** A session listens from now on. */
  async listen(context: AudioContext): Promise<void> {
    this.isWanted = true;
    try {
      await this.of(context).open();
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

  private of(context: AudioContext): MicrophonePort {
    this.microphone ??= this.equipment.microphone(context, {
      onFrame: (frame, level) => {
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
    const isHopeless = now - this.lostAt < LOST_AGAIN_WITHIN_MS || document.hidden;
    this.lostAt = now;
    this.level = 0;
    if (!this.isWanted) {
      this.events.onChanged();
    } else if (isHopeless) {
      this.fail("lost");
    } else {
      await this.replace();
    }
  }

  /** A headset was unplugged: there may be another microphone. */
  private async replace(): Promise<void> {
    try {
      await this.microphone?.open();
      this.events.onChanged();
    } catch (error) {
      console.warn("rtvoice: the microphone is gone, and there is no other", error);
      this.fail("lost");
    }
  }

  private fail(reason: MicrophoneFailure): void {
    this.blame(reason);
    this.events.onFailed(reason);
  }

  private close(): void {
    this.microphone?.close();
    this.level = 0;
    this.events.onChanged();
  }
}
