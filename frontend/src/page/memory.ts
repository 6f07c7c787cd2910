/** What this browser remembers of a satellite. A browser that may not keep anything forgets, which is no harm. */
export class Memory {
  constructor(private readonly entityId: string) {}

  /** Whether somebody has used this browser as the satellite, and nobody another one since. */
  get isUsedHere(): boolean {
    return this.read("used") === "yes";
  }

  set isUsedHere(used: boolean) {
    this.write("used", used ? "yes" : null);
  }

  /** From 0 to 1. */
  get volume(): number {
    const volume = Number.parseFloat(this.read("volume") ?? "1");
    return volume >= 0 && volume <= 1 ? volume : 1;
  }

  set volume(volume: number) {
    this.write("volume", String(volume));
  }

  private read(what: string): string | null {
    try {
      return localStorage.getItem(this.key(what));
    } catch {
      return null;
    }
  }

  private write(what: string, value: string | null): void {
    try {
      if (value === null) {
        localStorage.removeItem(this.key(what));
      } else {
        localStorage.setItem(this.key(what), value);
      }
    } catch (error) {
      console.debug("rtvoice: this browser keeps nothing", error);
    }
  }

  private key(what: string): string {
    return `rtvoice.${what}.${this.entityId}`;
  }
}
