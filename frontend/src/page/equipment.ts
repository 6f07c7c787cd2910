import { isSecure, Microphone, type MicrophoneEvents } from "../audio/microphone";
import { Speaker } from "../audio/speaker";
import type { Played } from "../audio/worklet-messages";
import { AudioSocket, type AudioSocketEvents, type Rates } from "../protocol/audio-socket";
import { PageAudio } from "./page-audio";

/** What the browser lends to a page that is a satellite. */
export interface Equipment {
  isSecure(): boolean;
  /** Whether the user has let this page use the microphone, so that it can be opened without a question. */
  mayListen(): Promise<boolean>;
  unlock(): Promise<AudioContext>;
  whenUnlocked(then: () => void): () => void;
  microphone(context: AudioContext, events: MicrophoneEvents): MicrophonePort;
  speaker(context: AudioContext, onPlayed: (played: Played) => void): SpeakerPort;
  socket(url: string, rates: Rates, events: AudioSocketEvents): AudioSocketPort;
}

export type MicrophonePort = Pick<Microphone, "open" | "close" | "isOpen" | "muted">;
export type SpeakerPort = Pick<Speaker, "play" | "clear" | "close" | "volume">;
export type AudioSocketPort = Pick<AudioSocket, "sendAudio" | "sendPlayed" | "sendMicrophoneFailed" | "close">;

const audio = new PageAudio();

export const BROWSER: Equipment = {
  isSecure,
  mayListen: async () => {
    try {
      const { state } = await navigator.permissions.query({ name: "microphone" });
      return state === "granted";
    } catch {
      // A browser that does not tell.
      return false;
    }
  },
  unlock: () => audio.unlock(),
  whenUnlocked: (then) => audio.whenUnlocked(then),
  microphone: (context, events) => new Microphone(context, events),
  speaker: (context, onPlayed) => new Speaker(context, onPlayed),
  socket: (url, rates, events) => new AudioSocket(url, rates, events),
};
