import { css } from "lit";

/** Colours and shapes of Home Assistant's theme; older themes and other pages get what comes closest. */
export const tokens = css`
  :host {
    --rtv-text: var(--primary-text-color, #141414);
    --rtv-text-2: var(--ha-color-text-secondary, var(--secondary-text-color, #5e5e5e));
    --rtv-surface: var(--ha-card-background, var(--card-background-color, #fff));
    --rtv-line: var(--ha-color-border-neutral-quiet, var(--divider-color, #e0e0e0));
    --rtv-loud: var(--ha-color-fill-primary-loud-resting, var(--primary-color, #009ac7));
    --rtv-loud-hover: var(--ha-color-fill-primary-loud-hover, var(--primary-color, #007ea5));
    --rtv-on-loud: var(--ha-color-on-primary-loud, var(--text-primary-color, #fff));
    --rtv-tone: var(--ha-color-fill-primary-normal-resting, #dff3fc);
    --rtv-tone-hover: var(--ha-color-fill-primary-normal-hover, #c3e8f8);
    --rtv-neutral: var(--ha-color-fill-neutral-normal-resting, #e6e6e6);
    --rtv-neutral-quiet: var(--ha-color-fill-neutral-quiet-resting, #f3f3f3);
    --rtv-danger: var(--ha-color-on-danger-normal, var(--error-color, #c82f2f));
    --rtv-danger-tone: var(--ha-color-fill-danger-normal-resting, #ffe0e0);
    --rtv-good: var(--ha-color-on-success-normal, var(--success-color, #2e7d32));
    --rtv-focus: var(--primary-color, #009ac7);
    --rtv-radius: var(--ha-border-radius-2xl, 20px);
    box-sizing: border-box;
    color: var(--rtv-text);
  }

  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }

  .icon {
    display: block;
    width: 24px;
    height: 24px;
    flex: none;
  }

  button {
    font: inherit;
    color: inherit;
    border: none;
    background: none;
    cursor: pointer;
    -webkit-tap-highlight-color: transparent;
  }

  :focus-visible {
    outline: 3px solid var(--rtv-focus);
    outline-offset: 3px;
  }

  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;
