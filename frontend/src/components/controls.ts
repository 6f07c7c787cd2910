import { mdiMicrophone, mdiMicrophoneOff, mdiSend, mdiStopCircleOutline, mdiVolumeHigh } from "@mdi/js";
import { css, html, type TemplateResult } from "lit";
import type { Localize } from "../i18n";
import { icon } from "./icon";

export function muteButton(localize: Localize, muted: boolean, onClick: () => void): TemplateResult {
  return html`
    <button class="pill" type="button" aria-pressed=${muted} @click=${onClick}>
      ${icon(muted ? mdiMicrophoneOff : mdiMicrophone)} ${localize("mute")}
    </button>
  `;
}

export function interruptButton(localize: Localize, enabled: boolean, onClick: () => void): TemplateResult {
  return html`
    <button class="pill" type="button" ?disabled=${!enabled} @click=${onClick}>
      ${icon(mdiStopCircleOutline)} ${localize("interrupt")}
    </button>
  `;
}

/** From 0 to 1. */
export function volumeSlider(localize: Localize, volume: number, onChange: (volume: number) => void): TemplateResult {
  const changed = (event: Event): void => {
    onChange((event.target as HTMLInputElement).valueAsNumber / 100);
  };
  return html`
    <label class="volume">
      ${icon(mdiVolumeHigh)}
      <input
        type="range"
        min="0"
        max="100"
        aria-label=${localize("volume")}
        .value=${String(Math.round(volume * 100))}
        @input=${changed}
      />
    </label>
  `;
}

export function messageForm(localize: Localize, onSend: (text: string) => void): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = (event.target as HTMLFormElement).querySelector("input");
    const text = input?.value.trim() ?? "";
    if (input !== null && text !== "") {
      onSend(text);
      input.value = "";
    }
  };
  return html`
    <form class="message" @submit=${submit}>
      <input
        type="text"
        aria-label=${localize("message")}
        placeholder=${localize("message_placeholder")}
        autocomplete="off"
        maxlength="4000"
      />
      <button type="submit" aria-label=${localize("send")}>${icon(mdiSend)}</button>
    </form>
  `;
}

export const controlStyles = css`
  .pill {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    min-height: 44px;
    padding: 0 18px 0 14px;
    border-radius: 22px;
    background: var(--rtv-neutral-quiet);
    font-weight: 500;
    transition: background-color 0.2s;
  }

  .pill:hover {
    background: var(--rtv-neutral);
  }

  .pill[aria-pressed="true"] {
    background: var(--rtv-danger-tone);
  }

  .pill:disabled {
    cursor: default;
    opacity: 0.5;
    background: var(--rtv-neutral-quiet);
  }

  .pill .icon,
  .volume .icon {
    width: 20px;
    height: 20px;
  }

  .volume {
    display: flex;
    align-items: center;
    gap: 10px;
    width: min(100%, 240px);
    color: var(--rtv-text-2);
  }

  .volume input {
    flex: 1;
    min-width: 0;
    height: 44px;
    margin: 0;
    cursor: pointer;
    accent-color: var(--rtv-loud);
  }

  .message {
    display: flex;
    gap: 8px;
    padding: 0 16px 16px;
  }

  .message input {
    flex: 1;
    min-width: 0;
    min-height: 44px;
    padding: 0 18px;
    border: 1px solid var(--rtv-line);
    border-radius: 22px;
    font: inherit;
    color: inherit;
    background: transparent;
  }

  .message input::placeholder {
    color: var(--rtv-text-2);
    opacity: 1;
  }

  .message button {
    display: grid;
    place-items: center;
    width: 44px;
    height: 44px;
    flex: none;
    padding: 0;
    border-radius: 50%;
    background: var(--rtv-tone);
  }
`;
