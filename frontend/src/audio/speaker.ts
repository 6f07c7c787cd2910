import { PLAYOUT, type Played, type ToPlayout } from "./worklet-messages";

/** So that a change of volume does not crackle. */
const VOLUME_RAMP_S = 0.02;

/** This device's speaker. */
export class Speaker {
  private readonly node: AudioWorkletNode;
  private readonly gain: GainNode;

  /** `onPlayed` is told what was played every 50 ms while something is. */
  constructor(
    private readonly context: AudioContext,
    onPlayed: (played: Played) => void,
  ) {
    this.node = new AudioWorkletNode(context, PLAYOUT, { numberOfInputs: 0, outputChannelCount: [1] });
    this.gain = context.createGain();
    this.node.port.onmessage = ({ data }: MessageEvent<Played>) => {
      onPlayed(data);
    };
    this.node.connect(this.gain).connect(context.destination);
  }

  /** From 0 to 1. */
  set volume(volume: number) {
    // The square sounds like half where the slider is at half.
    this.gain.gain.setTargetAtTime(volume * volume, this.context.currentTime, VOLUME_RAMP_S);
  }

  /** Play a message of the audio socket after what is queued already; the message is given away. */
  play(audio: ArrayBuffer): void {
    this.post({ audio }, [audio]);
  }

  /** Fall silent; drop all that is older than `epoch`. */
  clear(epoch: number): void {
    this.post({ clear: epoch }, []);
  }

  close(): void {
    this.node.port.onmessage = null;
    this.post({ end: true }, []);
    this.node.disconnect();
    this.gain.disconnect();
  }

  private post(message: ToPlayout, given: Transferable[]): void {
    this.node.port.postMessage(message, given);
  }
}
