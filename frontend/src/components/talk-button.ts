import { mdiMicrophone, mdiMicrophoneOff, mdiStop } from "@mdi/js";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { Presentation } from "../state/presentation";
import { icon } from "./icon";
import { talkButtonStyles } from "./talk-button-styles";
import { tokens } from "./tokens";

/** The one large button: it starts a session, ends it, and shows how it stands. */
export class TalkButton extends LitElement {
  @property({ reflect: true }) status: Presentation["status"] = "idle";
  @property({ reflect: true }) action: Presentation["action"] = "start";
  /** What it does, in words. */
  @property() label = "";
  @property({ type: Boolean, reflect: true }) muted = false;
  /** Whether its halo shows a level, which comes as the style --rtv-level; else it breathes while somebody speaks. */
  @property({ type: Boolean, reflect: true }) metered = false;

  override focus(): void {
    this.renderRoot.querySelector("button")?.focus();
  }

  protected override render(): TemplateResult {
    return html`
      <span class="halo outer"></span>
      <span class="halo"></span>
      <button type="button" aria-label=${this.label} title=${this.label} ?disabled=${this.action === "none"}>
        ${this.face()}
      </button>
      ${this.action === "stop" ? html`<span class="badge">${icon(mdiStop)}</span>` : nothing}
    `;
  }

  private face(): TemplateResult {
    switch (this.status) {
      case "connecting":
      case "reconnecting":
        return html`<span class="ring"></span>${icon(mdiMicrophone)}`;
      case "thinking":
        return html`<span class="dots"><i></i><i></i><i></i></span>`;
      case "speaking":
        return html`<span class="bars"><i></i><i></i><i></i><i></i><i></i></span>`;
      case "offline":
        return icon(mdiMicrophoneOff);
      default:
        return icon(this.muted ? mdiMicrophoneOff : mdiMicrophone);
    }
  }

  static override styles = [tokens, talkButtonStyles];
}
