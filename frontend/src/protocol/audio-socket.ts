import { EPOCH_BYTES } from "../audio/worklet-messages";
import { readServerMessage, type ServerMessage } from "./messages";

export const PROTOCOL = 1;
const CLOSED_AS_REPLACED = 4001;
const NORMAL_CLOSURE = 1000;
/** The server pings every 3 s: whoever says nothing for this long is gone. */
const SILENT_FOR_MS = 10_000;
/** Audio that waits to be sent for longer than this is late anyway. */
const LONGEST_QUEUE_S = 0.5;

export type MicrophoneFailure = "denied" | "missing" | "insecure" | "lost" | "silent";

export interface Rates {
  inputHz: number;
  outputHz: number;
}

export interface AudioSocketEvents {
  onReady(): void;
  onMicrophone(open: boolean): void;
  /** Audio to play, as it came: 4 bytes of epoch, then samples. */
  onAudio(message: ArrayBuffer): void;
  onClear(epoch: number): void;
  onError(message: string): void;
  /** The end, told once; never after `close`. */
  onClosed(why: "replaced" | "lost"): void;
}

/** The satellite's ears and mouth, as a websocket. */
export class AudioSocket {
  /** Frames of the microphone that were left out because the network was too slow. */
  dropped = 0;
  private readonly socket: WebSocket;
  private heardAt = Date.now();
  private ended = false;
  private readonly watchdog: ReturnType<typeof setInterval>;

  constructor(
    url: string,
    private readonly rates: Rates,
    private readonly events: AudioSocketEvents,
    open: (url: string) => WebSocket = (address) => new WebSocket(address),
  ) {
    this.socket = open(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.tell({
        type: "hello",
        protocol: PROTOCOL,
        input_rate_hz: this.rates.inputHz,
        output_rate_hz: this.rates.outputHz,
      });
    };
    this.socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.take(data);
    };
    this.socket.onclose = ({ code }) => {
      this.end(code === CLOSED_AS_REPLACED ? "replaced" : "lost");
    };
    this.watchdog = setInterval(() => {
      if (Date.now() - this.heardAt > SILENT_FOR_MS) {
        this.socket.close();
        this.end("lost");
      }
    }, 1000);
  }

  /** Send a frame of the microphone: whole samples, at most 100 ms. */
  sendAudio(frame: ArrayBuffer): void {
    if (this.socket.readyState !== WebSocket.OPEN) {
      return;
    }
    if (this.socket.bufferedAmount > this.rates.inputHz * 2 * LONGEST_QUEUE_S) {
      this.dropped += 1;
      return;
    }
    this.socket.send(frame);
  }

  sendPlayed(epoch: number, samples: number): void {
    this.tell({ type: "played", epoch, samples });
  }

  sendMicrophoneFailed(reason: MicrophoneFailure): void {
    this.tell({ type: "microphone_failed", reason });
  }

  close(): void {
    this.ended = true;
    clearInterval(this.watchdog);
    this.socket.close(NORMAL_CLOSURE);
  }

  private tell(message: Record<string, string | number>): void {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  private take(data: unknown): void {
    if (this.ended) {
      return;
    }
    this.heardAt = Date.now();
    if (data instanceof ArrayBuffer) {
      if (data.byteLength > EPOCH_BYTES && data.byteLength % 2 === 0) {
        this.events.onAudio(data);
      }
    } else if (typeof data === "string") {
      const message = readServerMessage(data);
      if (message !== undefined) {
        this.obey(message);
      }
    }
  }

  private obey(message: ServerMessage): void {
    switch (message.type) {
      case "ready":
        this.events.onReady();
        break;
      case "microphone":
        this.events.onMicrophone(message.open);
        break;
      case "clear":
        this.events.onClear(message.epoch);
        break;
      case "ping":
        this.tell({ type: "pong" });
        break;
      case "replaced":
        this.socket.close();
        this.end("replaced");
        break;
      case "error":
        this.events.onError(message.message);
        break;
    }
  }

  private end(why: "replaced" | "lost"): void {
    if (!this.ended) {
      this.ended = true;
      clearInterval(this.watchdog);
      this.events.onClosed(why);
    }
  }
}
