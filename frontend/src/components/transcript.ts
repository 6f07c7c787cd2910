import { mdiAlertCircleOutline, mdiCheck } from "@mdi/js";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Localize } from "../i18n";
import type { Tool, Turn } from "../protocol/messages";
import { keyOf, type Entry } from "../state/session-view";
import { icon } from "./icon";
import { tokens } from "./tokens";

/** So near to its end somebody wants to see what comes next. */
const NEAR_PX = 48;

/** What was said and done, as bubbles and chips. */
export class Transcript extends LitElement {
  @property({ attribute: false }) entries: readonly Entry[] = [];
  @property({ attribute: false }) localize!: Localize;
  private follows = true;

  protected override render(): TemplateResult {
    return html`
      <div
        class="scroll"
        role="group"
        aria-label=${this.localize("transcript")}
        tabindex="0"
        @scroll=${this.onScroll}
        part="scroll"
      >
        <ol>
          ${repeat(this.entries, keyOf, (entry) => (entry.kind === "turn" ? this.turn(entry.turn) : this.tool(entry.tool)))}
        </ol>
      </div>
      <div class="unseen" aria-live="polite" aria-atomic="true">${this.lastSaid()}</div>
    `;
  }

  protected override updated(): void {
    const scroll = this.renderRoot.querySelector(".scroll");
    if (scroll !== null && this.follows) {
      scroll.scrollTop = scroll.scrollHeight;
    }
  }

  private turn(turn: Turn): TemplateResult {
    const who = this.localize(turn.role === "user" ? "you" : "agent");
    return html`
      <li class="turn ${turn.role} ${turn.final ? "" : "partial"}">
        <span class="unseen">${who}:</span>
        <span class="text"
          >${turn.text === "" ? html`<span class="dots"><i></i><i></i><i></i></span>` : turn.text}</span
        >
        ${turn.interrupted ? html`<span class="note">${this.localize("interrupted")}</span>` : nothing}
      </li>
    `;
  }

  private tool(tool: Tool): TemplateResult {
    return html`
      <li class="tool ${tool.status}">
        ${
          tool.status === "running"
            ? html`<span class="spinner"></span>`
            : icon(tool.status === "ok" ? mdiCheck : mdiAlertCircleOutline)
        }
        <span class="name">${tool.name}</span>
        <span class="unseen">${this.localize(`tool_${tool.status}`)}</span>
        ${tool.message === null ? nothing : html`<span class="why">${tool.message}</span>`}
      </li>
    `;
  }

  /** Whole turns only: a screen reader that begins anew with each word says nothing. */
  private lastSaid(): string {
    const turn = this.entries.findLast((entry) => entry.kind === "turn" && entry.turn.final);
    if (turn?.kind !== "turn") {
      return "";
    }
    const who = this.localize(turn.turn.role === "user" ? "you" : "agent");
    return this.localize("said", { who, text: turn.turn.text });
  }

  private readonly onScroll = (event: Event): void => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget as Element;
    this.follows = scrollHeight - scrollTop - clientHeight < NEAR_PX;
  };

  static override styles = [
    tokens,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
      }

      .scroll {
        flex: 1 1 auto;
        min-height: 0;
        overflow-y: auto;
        overscroll-behavior: contain;
        scrollbar-width: thin;
        padding: 4px 16px 16px;
        outline-offset: -3px;
      }

      ol {
        display: flex;
        flex-direction: column;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }

      .turn {
        max-width: min(85%, 36em);
        padding: 10px 14px;
        border-radius: var(--rtv-radius);
        line-height: 1.4;
        overflow-wrap: anywhere;
      }

      .turn.user {
        align-self: flex-end;
        border-end-end-radius: 6px;
        background: var(--rtv-tone);
      }

      .turn.assistant {
        align-self: flex-start;
        border-end-start-radius: 6px;
        background: var(--rtv-neutral-quiet);
      }

      .text {
        white-space: pre-line;
      }

      .turn.partial .text {
        opacity: 0.8;
      }

      .note {
        display: block;
        margin-top: 2px;
        font-size: var(--ha-font-size-s, 12px);
        font-style: italic;
        color: var(--rtv-text-2);
      }

      .tool {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 6px;
        align-self: flex-start;
        max-width: 100%;
        min-height: 32px;
        padding: 4px 12px 4px 8px;
        border: 1px solid var(--rtv-line);
        border-radius: 16px;
        font-size: var(--ha-font-size-s, 12px);
        overflow-wrap: anywhere;
      }

      .tool .icon {
        width: 18px;
        height: 18px;
        color: var(--rtv-good);
      }

      .tool.failed .icon,
      .tool.failed .why {
        color: var(--rtv-danger);
      }

      .name {
        font-weight: var(--ha-font-weight-medium, 500);
      }

      .why {
        color: var(--rtv-text-2);
      }

      .spinner {
        width: 16px;
        height: 16px;
        margin: 1px;
        border-radius: 50%;
        border: 2px solid var(--rtv-line);
        border-top-color: var(--rtv-loud);
        animation: turn 1s linear infinite;
      }

      .dots {
        display: inline-flex;
        gap: 4px;
        padding: 6px 0;
      }

      .dots i {
        width: 6px;
        height: 6px;
        border-radius: 50%;
        background: var(--rtv-text-2);
      }

      @keyframes turn {
        to {
          transform: rotate(1turn);
        }
      }

      @media (prefers-reduced-motion: reduce) {
        .spinner {
          animation: none;
        }
      }
    `,
  ];
}
