const LOOK_EVERY_MS = 500;
/** An open microphone gives a frame every 20 ms; one that gives none for three seconds does not work. */
const SILENT_AFTER_LOOKS = 6;

/** Notices that an open microphone gives nothing. */
export class FrameWatch {
  /** Looks since the last frame; a page that was asleep or busy itself has not looked in that time. */
  private looks = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    /** Whether frames are to be expected at the moment. */
    private readonly isDue: () => boolean,
    private readonly onSilent: () => void,
  ) {}

  /** The microphone is open. */
  start(): void {
    this.stop();
    this.heard();
    this.timer = setInterval(() => {
      this.look();
    }, LOOK_EVERY_MS);
  }

  /** A frame has come. */
  heard(): void {
    this.looks = 0;
  }

  /** The microphone is closed. */
  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    this.looks = this.isDue() ? this.looks + 1 : 0;
    if (this.looks >= SILENT_AFTER_LOOKS) {
      this.stop();
      this.onSilent();
    }
  }
}
