import { addWorklets, newContext } from "../audio/context";

/** How long a context that may sound needs to say so. */
const RESUME_WITHIN_MS = 500;
const GESTURES = ["pointerup", "keydown"] as const;

/** The page's one audio context. It is kept, because only a user's gesture makes one that may sound. */
export class PageAudio {
  private context: AudioContext | undefined;
  private prepared: Promise<void> | undefined;

  /** Make it sound; to be called in the user's gesture. Rejects if this browser has no audio worklets. */
  async unlock(): Promise<AudioContext> {
    const context = this.make();
    // Not awaited alone: without a gesture it stays pending.
    const resumed = context.resume();
    await Promise.all([this.prepared, Promise.race([resumed, delay(RESUME_WITHIN_MS)])]);
    return context;
  }

  /** Call `then` once it may sound: now, or with the user's next touch of the page. Returns how to call that off. */
  whenUnlocked(then: () => void): () => void {
    const calledOff = new AbortController();
    const tryIt = async (): Promise<void> => {
      const context = await this.unlock();
      if (context.state === "running" && !calledOff.signal.aborted) {
        calledOff.abort();
        then();
      }
    };
    const attempt = (): void => {
      tryIt().catch((error: unknown) => {
        console.warn("rtvoice: no audio in this browser", error);
      });
    };
    for (const gesture of GESTURES) {
      document.addEventListener(gesture, attempt, { capture: true, signal: calledOff.signal });
    }
    attempt();
    return () => {
      calledOff.abort();
    };
  }

  private make(): AudioContext {
    if (this.context === undefined || this.context.state === "closed") {
      this.context = newContext();
      this.prepared = addWorklets(this.context);
      const context = this.context;
      // A phone call or another app may have taken the speaker; it comes back by itself, or with the next touch.
      context.onstatechange = () => {
        if (context.state !== "running" && context.state !== "closed") {
          this.whenUnlocked(() => undefined);
        }
      };
    }
    return this.context;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
