import { MicrophoneError, type MicrophoneEvents } from "../src/audio/microphone";
import type { Played } from "../src/audio/worklet-messages";
import type { Equipment, MicrophonePort, SpeakerPort } from "../src/page/equipment";
import type { AudioSocketEvents, MicrophoneFailure, Rates } from "../src/protocol/audio-socket";

/** The browser's end of a page that is a satellite. */
export class FakeEquipment implements Equipment {
  secure = true;
  allowed = true;
  unlocked = true;
  readonly context = { sampleRate: 24_000, state: "running" };
  /** Why a microphone cannot be opened. */
  failure: MicrophoneFailure | null = null;
  readonly sockets: FakeAudioSocket[] = [];
  readonly speakers: FakeSpeaker[] = [];
  mic: FakeMicrophone | undefined;
  waiting: (() => void) | undefined;

  isSecure(): boolean {
    return this.secure;
  }

  mayListen(): Promise<boolean> {
    return Promise.resolve(this.allowed);
  }

  unlock(): Promise<AudioContext> {
    return Promise.resolve(this.context as unknown as AudioContext);
  }

  whenUnlocked(then: () => void): () => void {
    if (this.unlocked) {
      then();
    } else {
      this.waiting = then;
    }
    return () => {
      this.waiting = undefined;
    };
  }

  microphone(_context: AudioContext, events: MicrophoneEvents): MicrophonePort {
    this.mic = new FakeMicrophone(this, events);
    return this.mic;
  }

  speaker(_context: AudioContext, onPlayed: (played: Played) => void): SpeakerPort {
    const speaker = new FakeSpeaker(onPlayed);
    this.speakers.push(speaker);
    return speaker;
  }

  socket(url: string, rates: Rates, events: AudioSocketEvents): FakeAudioSocket {
    const socket = new FakeAudioSocket(url, rates, events);
    this.sockets.push(socket);
    return socket;
  }

  /** The newest socket. */
  get server(): FakeAudioSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) {
      throw new Error("no socket was opened");
    }
    return socket;
  }
}

export class FakeMicrophone implements MicrophonePort {
  isOpen = false;
  muted = false;
  /** How often it was opened. */
  openings = 0;

  constructor(
    private readonly equipment: FakeEquipment,
    readonly events: MicrophoneEvents,
  ) {}

  open(): Promise<void> {
    const { failure } = this.equipment;
    if (failure !== null) {
      return Promise.reject(new MicrophoneError(failure));
    }
    this.openings += this.isOpen ? 0 : 1;
    this.isOpen = true;
    return Promise.resolve();
  }

  close(): void {
    this.isOpen = false;
  }

  lose(): void {
    this.isOpen = false;
    this.events.onLost();
  }
}

export class FakeSpeaker implements SpeakerPort {
  readonly played: ArrayBuffer[] = [];
  readonly cleared: number[] = [];
  volume = 0;
  isClosed = false;

  constructor(readonly report: (played: Played) => void) {}

  play(audio: ArrayBuffer): void {
    this.played.push(audio);
  }

  clear(epoch: number): void {
    this.cleared.push(epoch);
  }

  close(): void {
    this.isClosed = true;
  }
}

export class FakeAudioSocket {
  readonly sent: unknown[] = [];
  isClosed = false;

  constructor(
    readonly url: string,
    readonly rates: Rates,
    readonly events: AudioSocketEvents,
  ) {}

  sendAudio(frame: ArrayBuffer): void {
    this.sent.push(frame);
  }

  sendPlayed(epoch: number, samples: number): void {
    this.sent.push({ epoch, samples });
  }

  sendMicrophoneFailed(reason: MicrophoneFailure): void {
    this.sent.push(reason);
  }

  close(): void {
    this.isClosed = true;
  }
}
