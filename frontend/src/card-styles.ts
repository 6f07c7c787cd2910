import { css } from "lit";

export const cardStyles = css`
  :host {
    display: block;
    height: 100%;
    container-type: inline-size;
  }

  ha-card {
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow: hidden;
    color: var(--rtv-text);
    font-size: var(--ha-font-size-m, 14px);
  }

  /* Outside of Home Assistant. */
  ha-card:not(:defined) {
    border: 1px solid var(--rtv-line);
    border-radius: var(--ha-card-border-radius, 12px);
    background: var(--rtv-surface);
    font-family: var(--ha-font-family-body, Roboto, system-ui, sans-serif);
  }

  header {
    padding: 14px 16px 0;
  }

  h2 {
    margin: 0;
    font-size: var(--ha-font-size-l, 16px);
    font-weight: var(--ha-font-weight-medium, 500);
    line-height: 1.4;
    overflow-wrap: anywhere;
  }

  header p,
  .hint {
    margin: 0;
    color: var(--rtv-text-2);
    line-height: 1.4;
  }

  .body {
    display: flex;
    flex: 1 1 auto;
    flex-direction: column;
    min-height: 0;
  }

  .stage {
    display: flex;
    flex: none;
    flex-direction: column;
    align-items: center;
    padding: 4px 16px 16px;
    text-align: center;
  }

  .status {
    font-size: var(--ha-font-size-xl, 20px);
    line-height: 1.3;
  }

  .hint {
    min-height: 1.4em;
  }

  rtvoice-level-meter {
    max-width: 320px;
    margin-top: 12px;
  }

  .controls {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: 8px;
    margin-top: 12px;
  }

  rtvoice-transcript {
    flex: 1 1 auto;
    max-height: 340px;
    border-top: 1px solid var(--rtv-line);
    padding-top: 12px;
  }

  @container (min-width: 600px) {
    .body.talks {
      flex-direction: row;
    }

    .talks .stage {
      flex: 0 0 290px;
      justify-content: center;
    }

    .talks rtvoice-transcript {
      flex: 1 1 0;
      max-height: 420px;
      border-top: none;
      padding-top: 0;
    }
  }

  .fault {
    padding: 16px 0 4px;
  }

  .fault h2 {
    padding: 0 16px 8px;
  }
`;
