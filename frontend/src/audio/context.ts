import captureCode from "./worklets/capture.ts?worklet";
import playoutCode from "./worklets/playout.ts?worklet";

/** What realtime models speak, so nobody has to resample. */
const PREFERRED_RATE_HZ = 24_000;
/** The most that the audio socket takes. */
const MAX_RATE_HZ = 48_000;

/** A new audio context; only one that is made in a user's gesture may sound at once. */
export function newContext(): AudioContext {
  const context = contextOf(preferredRateHz(navigator.userAgent));
  if (context.sampleRate <= MAX_RATE_HZ) {
    return context;
  }
  void context.close();
  return contextOf(MAX_RATE_HZ);
}

/** Firefox connects a microphone only to a context of the device's own rate, which undefined stands for. */
export function preferredRateHz(userAgent: string): number | undefined {
  return /firefox\//i.test(userAgent) ? undefined : PREFERRED_RATE_HZ;
}

/** Teach a context our worklets. */
export async function addWorklets(context: AudioContext): Promise<void> {
  for (const code of [captureCode, playoutCode]) {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    try {
      await context.audioWorklet.addModule(url);
    } finally {
      URL.revokeObjectURL(url);
    }
  }
}

function contextOf(rateHz: number | undefined): AudioContext {
  const latencyHint = "interactive";
  return new AudioContext(rateHz === undefined ? { latencyHint } : { latencyHint, sampleRate: rateHz });
}
