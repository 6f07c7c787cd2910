/** The server's side of an audio socket, for the development page: it wants the microphone and hums an answer. */
export class FakeSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  static speaks = false;
  binaryType = "arraybuffer";
  readyState = FakeSocket.CONNECTING;
  readonly bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  private humming: ReturnType<typeof setInterval> | undefined;
  private rate = 24_000;
  private phase = 0;

  constructor() {
    super();
    setTimeout(() => {
      this.readyState = FakeSocket.OPEN;
      this.onopen?.();
    });
  }

  send(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      return;
    }
    const message = JSON.parse(data) as { type: string; output_rate_hz?: number };
    if (message.type === "hello") {
      this.rate = message.output_rate_hz ?? this.rate;
      this.tell({ type: "ready" });
      this.tell({ type: "microphone", open: true });
      this.humming = setInterval(() => {
        this.hum();
      }, 100);
    }
  }

  close(): void {
    clearInterval(this.humming);
    this.readyState = FakeSocket.CLOSED;
  }

  tell(message: object): void {
    setTimeout(() => this.onmessage?.({ data: JSON.stringify(message) }));
  }

  /** 100 ms of something that sounds from far like speech. */
  private hum(): void {
    const message = new ArrayBuffer(4 + this.rate / 5);
    const samples = new Int16Array(message, 4);
    for (let index = 0; index < samples.length; index += 1) {
      this.phase += 1 / this.rate;
      const loudness = Math.abs(Math.sin(this.phase * 9)) ** 3 * (FakeSocket.speaks ? 12_000 : 0);
      samples[index] = loudness * Math.sin(this.phase * 2 * Math.PI * 180);
    }
    this.onmessage?.({ data: message });
  }
}
