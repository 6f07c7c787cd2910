import type { MicrophoneFailure } from "../protocol/audio-socket";
import { CAPTURE, type Captured } from "./worklet-messages";

/** A microphone that gives nothing for longer than this was taken away (a phone call, a locked screen). */
const SILENCED_FOR_MS = 3000;
const PROCESSING = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

export interface MicrophoneEvents {
  /** 20 ms of 16-bit samples at the context's rate, and their level from 0 to 1. */
  onFrame(frame: ArrayBuffer, level: number): void;
  /** The device is gone; the microphone has closed itself. */
  onLost(): void;
}

export class MicrophoneError extends Error {
  constructor(
    readonly reason: MicrophoneFailure,
    cause?: unknown,
  ) {
    super(`No microphone: ${reason}`, { cause });
  }
}

/** Whether the browser lets pages of this address have a microphone at all. */
export function isSecure(): boolean {
  // Old browsers have no worklets, and on plain http there is nothing of all this.
  return window.isSecureContext && "mediaDevices" in navigator && "AudioWorkletNode" in window;
}

/** This device's microphone. While it is closed the browser shows that nobody listens. */
export class Microphone {
  private stream: MediaStream | undefined;
  private nodes: AudioNode[] = [];
  private opening: Promise<void> | undefined;
  private generation = 0;
  private silenced: ReturnType<typeof setTimeout> | undefined;
  private isMuted = false;

  constructor(
    private readonly context: AudioContext,
    private readonly events: MicrophoneEvents,
  ) {}

  get isOpen(): boolean {
    return this.stream !== undefined;
  }

  /** A muted microphone gives silence. */
  set muted(muted: boolean) {
    this.isMuted = muted;
    for (const track of this.stream?.getTracks() ?? []) {
      track.enabled = !muted;
    }
  }

  /** Listen, after asking the user if need be. Rejects with MicrophoneError; without a word if it was closed meanwhile. */
  open(): Promise<void> {
    this.opening ??= this.listen();
    return this.opening;
  }

  close(): void {
    this.generation += 1;
    this.opening = undefined;
    clearTimeout(this.silenced);
    release(this.stream);
    this.stream = undefined;
    for (const node of this.nodes) {
      node.disconnect();
    }
    this.nodes = [];
  }

  private async listen(): Promise<void> {
    const generation = this.generation;
    try {
      const stream = await askForMicrophone();
      if (generation === this.generation) {
        this.connect(stream);
      } else {
        release(stream);
      }
    } catch (error) {
      if (generation === this.generation) {
        this.opening = undefined;
        throw error;
      }
    }
  }

  private connect(stream: MediaStream): void {
    this.stream = stream;
    const source = this.context.createMediaStreamSource(stream);
    const capture = new AudioWorkletNode(this.context, CAPTURE, {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    capture.port.onmessage = ({ data }: MessageEvent<Captured>) => {
      if (this.stream === stream) {
        this.events.onFrame(data.frame, data.level);
      }
    };
    source.connect(capture);
    this.nodes = [source, capture];
    for (const track of stream.getTracks()) {
      track.enabled = !this.isMuted;
      track.onended = this.lose;
      track.onmute = () => {
        this.silenced = setTimeout(this.lose, SILENCED_FOR_MS);
      };
      track.onunmute = () => {
        clearTimeout(this.silenced);
      };
    }
  }

  private readonly lose = (): void => {
    if (this.isOpen) {
      this.close();
      this.events.onLost();
    }
  };
}

async function askForMicrophone(): Promise<MediaStream> {
  if (!isSecure()) {
    throw new MicrophoneError("insecure");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: PROCESSING });
  } catch (error) {
    throw new MicrophoneError(failure(error), error);
  }
}

/** What the name of a browser's error means. */
export function failure(error: unknown): MicrophoneFailure {
  switch (error instanceof Error || error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotReadableError":
    case "AbortError":
      return "lost";
    default:
      return "missing";
  }
}

function release(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
}
