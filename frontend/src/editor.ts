import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { SWITCHES, type CardConfig } from "./config";
import { editorSchema, toConfig, toForm, type EditorForm, type FormField } from "./editor-form";
import { likelySatellites, type Hass } from "./hass";
import { localizer } from "./i18n";
import { Commands, refusal } from "./protocol/commands";

/** The card's visual editor, made of Home Assistant's own form. */
export class RtvoiceCardEditor extends LitElement {
  @property({ attribute: false }) hass?: Hass;
  @state() private config: CardConfig | undefined;
  /** Undefined until the integration was asked. */
  @state() private satellites: string[] | undefined;

  setConfig(config: CardConfig): void {
    this.config = config;
  }

  protected override firstUpdated(): void {
    void this.ask();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { hass, config } = this;
    if (hass === undefined || config === undefined) {
      return nothing;
    }
    const localize = localizer(hass.language);
    const label = ({ name }: FormField): string => localize(`editor_${name}`);
    const hint = ({ name }: FormField): string =>
      name === "entity" || name === "title" || name === "auto_connect" ? localize(`editor_${name}_helper`) : "";
    return html`
      ${this.satellites?.length === 0 ? html`<p role="status">${localize("editor_no_satellites")}</p>` : nothing}
      <ha-form
        .hass=${hass}
        .data=${toForm(config, SWITCHES)}
        .schema=${editorSchema(this.satellites ?? likelySatellites(hass))}
        .computeLabel=${label}
        .computeHelper=${hint}
        @value-changed=${this.onChanged}
      ></ha-form>
    `;
  }

  private readonly onChanged = (event: CustomEvent<{ value: EditorForm }>): void => {
    event.stopPropagation();
    if (this.config !== undefined) {
      const config = toConfig(this.config, event.detail.value, SWITCHES);
      this.dispatchEvent(new CustomEvent("config-changed", { detail: { config }, bubbles: true, composed: true }));
    }
  };

  private async ask(): Promise<void> {
    if (this.hass === undefined) {
      return;
    }
    try {
      const satellites = await new Commands(this.hass.connection).satellites();
      this.satellites = satellites.map(({ entityId }) => entityId);
    } catch (error) {
      console.warn("rtvoice: the satellites are not known", refusal(error));
    }
  }

  static override styles = css`
    :host {
      display: block;
    }

    p {
      margin: 0 0 16px;
    }
  `;
}

declare global {
  interface HTMLElementTagNameMap {
    "rtvoice-card-editor": RtvoiceCardEditor;
  }
}
