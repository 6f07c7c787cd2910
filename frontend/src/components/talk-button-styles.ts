import { css } from "lit";

export const talkButtonStyles = css`
  :host {
    --size: 104px;
    position: relative;
    display: grid;
    place-items: center;
    width: var(--size);
    height: var(--size);
    margin: 22px;
    flex: none;
  }

  button {
    position: relative;
    display: grid;
    place-items: center;
    width: 100%;
    height: 100%;
    padding: 0;
    border-radius: 50%;
    background: var(--rtv-loud);
    color: var(--rtv-on-loud);
    transition:
      background-color 0.2s,
      color 0.2s,
      transform 0.15s;
  }

  button .icon {
    width: 44px;
    height: 44px;
  }

  @media (hover: hover) {
    button:hover {
      background: var(--rtv-loud-hover);
    }
  }

  button:active {
    transform: scale(0.96);
  }

  button:disabled,
  :host([muted]) button {
    background: var(--rtv-neutral);
    color: var(--rtv-text-2);
  }

  button:disabled {
    cursor: default;
    transform: none;
  }

  :host([status="connecting"]) button,
  :host([status="reconnecting"]) button {
    background: var(--rtv-tone);
    color: var(--rtv-text);
  }

  .halo {
    position: absolute;
    inset: 0;
    border-radius: 50%;
    background: var(--rtv-loud);
    opacity: 0;
    transition:
      opacity 0.3s,
      transform 0.12s ease-out;
  }

  :host([metered]) .halo {
    opacity: 0.2;
    transform: scale(calc(1.05 + var(--rtv-level, 0) * 0.22));
  }

  :host([metered]) .halo.outer {
    opacity: 0.1;
    transform: scale(calc(1.08 + var(--rtv-level, 0) * 0.36));
  }

  :host([status="speaking"]:not([metered])) .halo,
  :host([status="listening"]:not([metered])) .halo {
    animation: breathe 2.4s ease-in-out infinite;
  }

  .badge {
    position: absolute;
    right: -2px;
    bottom: -2px;
    display: grid;
    place-items: center;
    width: 36px;
    height: 36px;
    border-radius: 50%;
    border: 3px solid var(--rtv-surface);
    background: var(--rtv-danger-tone);
    color: var(--rtv-danger);
    pointer-events: none;
  }

  .badge .icon {
    width: 22px;
    height: 22px;
  }

  .ring {
    position: absolute;
    inset: 5px;
    border-radius: 50%;
    border: 4px solid transparent;
    border-top-color: var(--rtv-loud);
    border-right-color: var(--rtv-loud);
    animation: turn 1s linear infinite;
  }

  .dots,
  .bars {
    display: flex;
    align-items: center;
    height: 44px;
    gap: 6px;
  }

  .dots i {
    width: 11px;
    height: 11px;
    border-radius: 50%;
    background: currentColor;
    animation: blink 1.2s ease-in-out infinite;
  }

  .bars {
    gap: 5px;
  }

  .bars i {
    width: 6px;
    height: 40px;
    border-radius: 3px;
    background: currentColor;
    transform: scaleY(0.3);
    animation: sway 0.9s ease-in-out infinite alternate;
  }

  .dots i:nth-child(2),
  .bars i:nth-child(2) {
    animation-delay: -0.7s;
  }

  .dots i:nth-child(3),
  .bars i:nth-child(3) {
    animation-delay: -0.3s;
  }

  .bars i:nth-child(4) {
    animation-delay: -1.1s;
  }

  .bars i:nth-child(5) {
    animation-delay: -0.5s;
  }

  @keyframes turn {
    to {
      transform: rotate(1turn);
    }
  }

  @keyframes blink {
    0%,
    100% {
      opacity: 0.35;
    }
    50% {
      opacity: 1;
    }
  }

  @keyframes sway {
    to {
      transform: scaleY(1);
    }
  }

  @keyframes breathe {
    0%,
    100% {
      opacity: 0.08;
      transform: scale(1.06);
    }
    50% {
      opacity: 0.22;
      transform: scale(1.2);
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    .halo {
      animation: none !important;
      transition: none !important;
    }

    .halo,
    :host([metered]) .halo {
      transform: scale(1.1);
    }

    .bars i:nth-child(odd) {
      transform: scaleY(0.5);
    }

    .bars i:nth-child(3) {
      transform: scaleY(1);
    }
  }
`;
