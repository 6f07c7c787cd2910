import { html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { cardStyles } from "./card-styles";
import { isOn, readConfig, stubConfig, type CardConfig } from "./config";
import { controlStyles, interruptButton, messageForm, muteButton, volumeSlider } from "./components/controls";
import { notice, noticeStyles } from "./components/notice";
import { tokens } from "./components/tokens";
import type { Hass } from "./hass";
import { localizer, type Localize } from "./i18n";
import { notices } from "./notices";
import type { Satellite, State } from "./protocol/messages";
import { SatelliteController } from "./satellite-controller";
import { inWords } from "./state/failures";
import { present, type Presentation } from "./state/presentation";

/** The dashboard card: talk here, or follow and control another satellite. */
export class RtvoiceCard extends LitElement {
  @property({ attribute: false }) hass?: Hass;
  /** Whether this is a preview in an editor, which connects nothing by itself. */
  @property({ type: Boolean }) preview = false;
  @state() private config: CardConfig | undefined;
  private readonly controller = new SatelliteController(this);

  static getConfigElement(): HTMLElement {
    return document.createElement("rtvoice-card-editor");
  }

  static getStubConfig(hass: Hass): Omit<CardConfig, "type"> {
    return stubConfig(hass);
  }

  /** Called by Home Assistant; throws what it then shows. */
  setConfig(config: unknown): void {
    this.config = readConfig(config);
  }

  /** In rows of about 50 px, for the masonry layout. */
  getCardSize(): number {
    return this.config !== undefined && isOn(this.config, "show_transcript") ? 9 : 5;
  }

  /** For the sections layout; the height is what the card needs unless the user sets another. */
  getGridOptions(): Record<string, number | string> {
    return { columns: 12, min_columns: 6, rows: "auto", min_rows: 4 };
  }

  protected override willUpdate(): void {
    if (this.hass !== undefined && this.config !== undefined) {
      const autoConnect = !this.preview && isOn(this.config, "auto_connect");
      this.controller.follow(this.hass, { entityId: this.config.entity, autoConnect });
    }
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.hass === undefined || this.config === undefined) {
      return nothing;
    }
    const localize = localizer(this.hass.language);
    const { session, satellite } = this.controller;
    const fault = this.fault(this.config, localize);
    if (fault !== undefined) {
      return html`<ha-card
        ><div class="fault" role="alert">
          <h2>${localize("error_title")}</h2>
          ${notice({ kind: "error", text: fault })}
        </div></ha-card
      >`;
    }
    if (session.state === null || satellite === undefined) {
      return html`<ha-card>
        <header>
          <h2>${this.config.title ?? ""}</h2>
          <p role="status">${localize("status_loading")}</p>
        </header>
      </ha-card>`;
    }
    return this.satellite(this.config, satellite, session.state, localize);
  }

  private fault(config: CardConfig, localize: Localize): string | undefined {
    const { refused, session } = this.controller;
    if (config.entity === "") {
      return localize("error_entity_missing");
    }
    if (refused === undefined || (refused.code === "lost" && session.state !== null)) {
      return undefined;
    }
    if (refused.code === "not_found") {
      return localize("error_entity_unknown", { entity: config.entity });
    }
    return inWords(refused, localize);
  }

  private satellite(config: CardConfig, satellite: Satellite, now: State, localize: Localize): TemplateResult {
    const shown = present(now, satellite, this.controller.page, this.controller.isBusy);
    const name = config.title ?? satellite.name;
    const entries = this.controller.session.entries.filter(({ kind }) =>
      isOn(config, kind === "turn" ? "show_transcript" : "show_tools"),
    );
    const agent = now.agent ?? satellite.agent;
    return html`
      <ha-card>
        <header>
          <h2>${name}</h2>
          ${agent === null ? nothing : html`<p>${agent.name}</p>`}
        </header>
        <div class="body ${entries.length > 0 ? "talks" : ""}">
          ${this.stage(config, shown, name, now, localize)}
          ${
            entries.length === 0
              ? nothing
              : html`<rtvoice-transcript .entries=${entries} .localize=${localize}></rtvoice-transcript>`
          }
        </div>
        ${this.notices(shown, localize)}
        ${
          isOn(config, "show_input") && shown.action === "stop"
            ? messageForm(localize, (text) => void this.controller.sendMessage(text))
            : nothing
        }
      </ha-card>
    `;
  }

  private stage(config: CardConfig, shown: Presentation, name: string, now: State, localize: Localize): TemplateResult {
    const isMuted = now.inSession && now.muted;
    const isMetered = shown.isHere && now.inSession && isOn(config, "show_level");
    const status = isMuted && shown.status === "listening" ? "status_muted" : (`status_${shown.status}` as const);
    return html`
      <div class="stage">
        <rtvoice-talk-button
          .status=${shown.status}
          .action=${shown.action}
          .label=${localize(shown.action === "stop" ? "button_stop" : "button_start", { name })}
          .muted=${isMuted}
          .metered=${isMetered}
          @click=${() => {
            this.onTap(shown);
          }}
        ></rtvoice-talk-button>
        <div class="status" role="status">${localize(status)}</div>
        <p class="hint">${shown.hint === null ? nothing : localize(shown.hint)}</p>
        ${isMetered ? this.meter(localize) : nothing} ${this.controls(config, shown, now, localize)}
      </div>
    `;
  }

  private meter(localize: Localize): TemplateResult {
    return html`<rtvoice-level-meter
      .user=${localize("level_you")}
      .agent=${localize("level_agent")}
      .levels=${() => this.controller.levels}
      .onLevel=${this.onLevel}
    ></rtvoice-level-meter>`;
  }

  private controls(config: CardConfig, shown: Presentation, now: State, localize: Localize): TemplateResult {
    const { controller } = this;
    return html`
      ${
        now.inSession && shown.action === "stop"
          ? html`<div class="controls">
              ${muteButton(localize, now.muted, () => void controller.setMuted(!now.muted))}
              ${interruptButton(localize, now.assistantSpeaking, () => void controller.interrupt())}
            </div>`
          : nothing
      }
      ${
        shown.isHere && isOn(config, "show_volume")
          ? html`<div class="controls">
              ${volumeSlider(localize, controller.volume, (volume) => {
                controller.volume = volume;
              })}
            </div>`
          : nothing
      }
    `;
  }

  private notices(shown: Presentation, localize: Localize): TemplateResult {
    const { errors, infos } = notices(this.controller, shown, localize);
    return html`
      <div role="alert" aria-live="assertive">${errors.map(notice)}</div>
      <div role="status">${infos.map(notice)}</div>
    `;
  }

  private onTap({ action }: Presentation): void {
    if (action === "start") {
      void this.controller.start();
    } else if (action === "stop") {
      void this.controller.stop();
    }
  }

  private readonly onLevel = (level: number): void => {
    const button = this.renderRoot.querySelector<HTMLElement>("rtvoice-talk-button");
    button?.style.setProperty("--rtv-level", level.toFixed(2));
  };

  static override styles = [tokens, controlStyles, noticeStyles, cardStyles];
}

declare global {
  interface HTMLElementTagNameMap {
    "rtvoice-card": RtvoiceCard;
  }
}
