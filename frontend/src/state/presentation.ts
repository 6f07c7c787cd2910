import type { Satellite, State, Status } from "../protocol/messages";
import type { PageView } from "../page/page-satellite";
import type { WordKey } from "../i18n";

export const BROWSER_KIND = "browser";

/** What the card shows of a satellite, and what its button does. */
export interface Presentation {
  status: Status | "offline";
  /** What can be done now, in words. */
  hint: WordKey | null;
  /** Who taps the button starts a session, ends it, or nothing happens. */
  action: "start" | "stop" | "none";
  /** Whether a session would speak and listen here, in this page. */
  isHere: boolean;
  /** Whether another page is the satellite, and this one could take over. */
  canTakeOver: boolean;
}

/** `isBusy`: a start of this card is under way. */
export function present(state: State, satellite: Satellite, page: PageView, isBusy: boolean): Presentation {
  const isBrowser = satellite.kind === BROWSER_KIND;
  const isHere = isBrowser && HERE.includes(page.link);
  const isElsewhere = isBrowser && !isHere && state.online;
  const isReachable = state.online || isBrowser;
  return {
    status: statusOf(state, page, isBusy, isReachable),
    hint: isBusy && !state.inSession ? "hint_cancel" : hintOf(state, satellite, page, isElsewhere, isReachable),
    action: actionOf(state, satellite, isBusy, isReachable),
    isHere,
    canTakeOver: isElsewhere && satellite.canControl,
  };
}

const HERE: readonly PageView["link"][] = ["ready", "connecting", "lost"];

function statusOf(state: State, page: PageView, isBusy: boolean, isReachable: boolean): Presentation["status"] {
  if (state.inSession) {
    return page.link === "lost" ? "reconnecting" : state.status;
  }
  if (isBusy) {
    return "connecting";
  }
  return isReachable ? "idle" : "offline";
}

function actionOf(state: State, satellite: Satellite, isBusy: boolean, isReachable: boolean): Presentation["action"] {
  if (!satellite.canControl) {
    return "none";
  }
  if (state.inSession || isBusy) {
    return "stop";
  }
  return isReachable ? "start" : "none";
}

function hintOf(
  state: State,
  satellite: Satellite,
  page: PageView,
  isElsewhere: boolean,
  isReachable: boolean,
): WordKey | null {
  if (!satellite.canControl) {
    return "hint_watch_only";
  }
  if (state.inSession) {
    return isElsewhere ? "hint_stop_elsewhere" : "hint_stop";
  }
  if (page.link === "lost") {
    return "hint_lost";
  }
  if (isElsewhere) {
    return "hint_elsewhere";
  }
  return isReachable ? "hint_start" : "hint_offline";
}
