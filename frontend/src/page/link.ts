import type { MicrophoneFailure } from "../protocol/audio-socket";
import { Refused } from "../protocol/commands";
import type { AudioSocketPort, Equipment, SpeakerPort } from "./equipment";

export interface LinkEvents {
  onMicrophone(open: boolean): void;
  /** The end of a link that was ready; never after `close`. */
  onEnd(why: "replaced" | "lost", error: Refused): void;
}

export const REPLACED = "replaced";

/** An open audio socket and the speaker that plays what it brings. */
export class Link {
  /** How loud it speaks, from 0 to 1. */
  level = 0;
  private readonly speaker: SpeakerPort;
  private readonly socket: AudioSocketPort;
  private error = new Refused("lost");
  private isReady = false;

  /** Resolves when the server is ready; rejects with Refused if it closes instead. */
  static open(
    equipment: Equipment,
    url: string,
    context: AudioContext,
    volume: number,
    events: LinkEvents,
  ): Promise<Link> {
    return new Promise((resolve, reject) => {
      new Link(equipment, url, context, volume, events, resolve, reject);
    });
  }

  private constructor(
    equipment: Equipment,
    url: string,
    context: AudioContext,
    volume: number,
    private readonly events: LinkEvents,
    private readonly onReady: (link: Link) => void,
    private readonly onRefused: (why: Refused) => void,
  ) {
    const rate = context.sampleRate;
    this.speaker = equipment.speaker(context, ({ epoch, samples, level }) => {
      this.level = level;
      this.socket.sendPlayed(epoch, samples);
    });
    this.speaker.volume = volume;
    this.socket = equipment.socket(
      url,
      { inputHz: rate, outputHz: rate },
      {
        onReady: () => {
          this.isReady = true;
          this.onReady(this);
        },
        onMicrophone: (open) => {
          this.events.onMicrophone(open);
        },
        onAudio: (message) => {
          this.speaker.play(message);
        },
        onClear: (epoch) => {
          this.level = 0;
          this.speaker.clear(epoch);
        },
        onError: (message) => {
          this.error = new Refused("refused", message);
        },
        onClosed: (why) => {
          this.onClosed(why);
        },
      },
    );
  }

  set volume(volume: number) {
    this.speaker.volume = volume;
  }

  sendAudio(frame: ArrayBuffer): void {
    this.socket.sendAudio(frame);
  }

  sendMicrophoneFailed(reason: MicrophoneFailure): void {
    this.socket.sendMicrophoneFailed(reason);
  }

  close(): void {
    this.level = 0;
    this.socket.close();
    this.speaker.close();
  }

  private onClosed(why: "replaced" | "lost"): void {
    this.level = 0;
    this.speaker.close();
    if (this.isReady) {
      this.events.onEnd(why, this.error);
    } else {
      this.onRefused(why === "replaced" ? new Refused(REPLACED) : this.error);
    }
  }
}
