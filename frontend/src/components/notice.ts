import { mdiAlertCircleOutline, mdiClose, mdiInformationOutline } from "@mdi/js";
import { css, html, nothing, type TemplateResult } from "lit";
import { icon } from "./icon";

export interface Notice {
  kind: "error" | "info";
  text: string;
  /** What can be done about it. */
  action?: { label: string; run: () => void };
  /** How it is put away, if it can be. */
  dismiss?: { label: string; run: () => void };
}

/** Something the user should know; what went wrong is told by screen readers at once. */
export function notice({ kind, text, action, dismiss }: Notice): TemplateResult {
  return html`
    <div class="notice ${kind}">
      ${icon(kind === "error" ? mdiAlertCircleOutline : mdiInformationOutline)}
      <span>${text}</span>
      ${action === undefined ? nothing : html`<button class="text" type="button" @click=${action.run}>${action.label}</button>`}
      ${
        dismiss === undefined
          ? nothing
          : html`<button class="close" type="button" aria-label=${dismiss.label} @click=${dismiss.run}>
              ${icon(mdiClose)}
            </button>`
      }
    </div>
  `;
}

export const noticeStyles = css`
  .notice {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 12px;
    margin: 0 16px 12px;
    padding: 4px 4px 4px 14px;
    min-height: 52px;
    border-radius: 16px;
    background: var(--rtv-neutral-quiet);
    line-height: 1.35;
  }

  .notice > span {
    flex: 1 1 0;
    min-width: 10em;
    padding: 8px 10px 8px 0;
    overflow-wrap: anywhere;
  }

  .notice.error {
    background: var(--rtv-danger-tone);
  }

  .notice.error > .icon {
    color: var(--rtv-danger);
  }

  .notice button {
    min-width: 44px;
    min-height: 44px;
    border-radius: 22px;
  }

  .notice .close {
    display: grid;
    place-items: center;
    padding: 0;
  }

  .notice .text {
    padding: 0 16px;
    font-weight: 500;
    background: var(--rtv-tone);
  }
`;
