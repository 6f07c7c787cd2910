import { css, html, LitElement, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { tokens } from "./tokens";

const HEIGHT_PX = 44;
const COLUMN_PX = 6;
const GAP_PX = 3;
const COLUMN_EVERY_MS = 60;
/** A meter falls slower than it rises, or it would flicker. */
const FALL = 0.82;

export interface Levels {
  microphone: number;
  agent: number;
}

const SILENCE: Levels = { microphone: 0, agent: 0 };

/** What was heard lately: the user upwards from the middle, the agent downwards. Decoration; the status is told in words. */
export class LevelMeter extends LitElement {
  /** Asked for each frame, values from 0 to 1. */
  @property({ attribute: false }) levels: () => Levels = () => SILENCE;
  /** Told each frame how loud the louder of both is. */
  @property({ attribute: false }) onLevel: (level: number) => void = () => undefined;
  @property() user = "";
  @property() agent = "";
  private readonly columns: Levels[] = [];
  private shown = SILENCE;
  private columnAt = 0;
  private frame = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.frame = requestAnimationFrame(this.onFrame);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    cancelAnimationFrame(this.frame);
  }

  protected override render(): TemplateResult {
    return html`
      <div class="meter" aria-hidden="true">
        <span class="user">${this.user}</span>
        <canvas height=${HEIGHT_PX}></canvas>
        <span class="agent">${this.agent}</span>
      </div>
    `;
  }

  protected override firstUpdated(): void {
    this.draw();
  }

  private readonly onFrame = (now: number): void => {
    this.frame = requestAnimationFrame(this.onFrame);
    const { microphone, agent } = this.levels();
    this.shown = {
      microphone: Math.max(microphone, this.shown.microphone * FALL),
      agent: Math.max(agent, this.shown.agent * FALL),
    };
    this.onLevel(Math.max(this.shown.microphone, this.shown.agent));
    if (now - this.columnAt >= COLUMN_EVERY_MS) {
      this.columnAt = now;
      this.columns.push(this.shown);
      this.draw();
    }
  };

  private draw(): void {
    const canvas = this.renderRoot.querySelector("canvas");
    const context = canvas?.getContext("2d") ?? null;
    if (canvas === null || context === null) {
      return;
    }
    const { clientWidth: width } = canvas;
    const scale = window.devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = HEIGHT_PX * scale;
    context.scale(scale, scale);
    const count = Math.max(1, Math.floor((width + GAP_PX) / (COLUMN_PX + GAP_PX)));
    this.columns.splice(0, Math.max(0, this.columns.length - count));
    const style = getComputedStyle(this);
    const [user, agent] = ["--rtv-meter-user", "--rtv-meter-agent"].map((name) => style.getPropertyValue(name));
    for (const [index, column] of this.latest(count).entries()) {
      const x = index * (COLUMN_PX + GAP_PX);
      bar(context, user ?? "", x, column.microphone, -1);
      bar(context, agent ?? "", x, column.agent, 1);
    }
  }

  private latest(count: number): Levels[] {
    // Nothing wanders where motion is not wanted: all columns show what is now.
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const before = isStill ? [] : this.columns;
    const filling = isStill ? this.shown : SILENCE;
    return [...Array<Levels>(count - before.length).fill(filling), ...before];
  }

  static override styles = [
    tokens,
    css`
      :host {
        --rtv-meter-user: var(--rtv-loud);
        --rtv-meter-agent: var(--rtv-text-2);
        display: block;
        width: 100%;
      }

      .meter {
        display: grid;
        grid-template: "user canvas" 1fr "agent canvas" 1fr / auto 1fr;
        column-gap: 10px;
        font-size: var(--ha-font-size-xs, 11px);
        line-height: ${HEIGHT_PX / 2}px;
        color: var(--rtv-text-2);
        text-align: start;
      }

      .user {
        grid-area: user;
      }

      .agent {
        grid-area: agent;
      }

      canvas {
        grid-area: canvas;
        width: 100%;
        height: ${HEIGHT_PX}px;
      }
    `,
  ];
}

function bar(context: CanvasRenderingContext2D, colour: string, x: number, level: number, side: 1 | -1): void {
  const middle = HEIGHT_PX / 2;
  const length = 2 + level * (middle - 3);
  context.fillStyle = colour;
  context.globalAlpha = level > 0.02 ? 1 : 0.3;
  context.beginPath();
  context.roundRect(x, side < 0 ? middle - 1 - length : middle + 1, COLUMN_PX, length, 2);
  context.fill();
}
