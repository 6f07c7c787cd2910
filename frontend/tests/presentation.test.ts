import { expect, test } from "vitest";
import { NO_PAGE, type PageView } from "../src/page/page-satellite";
import type { Satellite, State } from "../src/protocol/messages";
import { present, type Presentation } from "../src/state/presentation";

const STATE: State = {
  status: "idle",
  inSession: false,
  sessionId: null,
  userSpeaking: false,
  assistantSpeaking: false,
  muted: false,
  online: false,
  agent: null,
};
const BROWSER: Satellite = {
  entityId: "assist_satellite.tablet",
  name: "Tablet",
  kind: "browser",
  agent: null,
  online: false,
  canControl: true,
};
const LOCAL: Satellite = { ...BROWSER, kind: "local" };
const TALKING: Partial<State> = { status: "listening", inSession: true, online: true };

interface Case {
  state?: Partial<State>;
  satellite?: Satellite;
  link?: PageView["link"];
  busy?: boolean;
  shown: Partial<Presentation>;
}

const CASES: Record<string, Case> = {
  "a browser that nobody uses": { shown: { status: "idle", action: "start", hint: "hint_start", isHere: false } },
  "a start under way": {
    busy: true,
    link: "connecting",
    shown: { status: "connecting", action: "stop", hint: "hint_cancel" },
  },
  "a session here": {
    state: TALKING,
    link: "ready",
    shown: { status: "listening", action: "stop", hint: "hint_stop", isHere: true, canTakeOver: false },
  },
  "a session here whose link was lost": {
    state: TALKING,
    link: "lost",
    shown: { status: "reconnecting", action: "stop", isHere: true },
  },
  "a lost link without a session": { link: "lost", shown: { status: "idle", action: "start", hint: "hint_lost" } },
  "a session in another page": {
    state: TALKING,
    shown: { action: "stop", hint: "hint_stop_elsewhere", isHere: false, canTakeOver: true },
  },
  "a browser that is open in another page": {
    state: { online: true },
    link: "replaced",
    shown: { action: "start", hint: "hint_elsewhere", canTakeOver: true },
  },
  "a sound card": {
    satellite: LOCAL,
    state: { online: true },
    shown: { status: "idle", action: "start", isHere: false },
  },
  "a sound card that is gone": {
    satellite: LOCAL,
    shown: { status: "offline", action: "none", hint: "hint_offline", canTakeOver: false },
  },
  "somebody who may only watch": {
    satellite: { ...BROWSER, canControl: false },
    state: TALKING,
    shown: { status: "listening", action: "none", hint: "hint_watch_only", canTakeOver: false },
  },
};

test.each(Object.entries(CASES))("%s", (_name, { state, satellite = BROWSER, link = "off", busy = false, shown }) => {
  expect(present({ ...STATE, ...state }, satellite, { ...NO_PAGE, link }, busy)).toMatchObject(shown);
});
