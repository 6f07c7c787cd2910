import { html, type TemplateResult } from "lit";

/** A symbol of Material Design; what it means is said elsewhere. */
export function icon(path: string): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d=${path} fill="currentColor"></path>
  </svg>`;
}
