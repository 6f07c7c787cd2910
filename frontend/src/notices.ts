import type { Notice } from "./components/notice";
import type { Localize } from "./i18n";
import type { SatelliteController } from "./satellite-controller";
import { inWords, MICROPHONE_WORDS } from "./state/failures";
import type { Presentation } from "./state/presentation";

type Told = Pick<SatelliteController, "page" | "session" | "failed" | "dismiss" | "takeOver">;

/** What the user should know now, each thing once. */
export function notices(
  controller: Told,
  shown: Presentation,
  localize: Localize,
): { errors: Notice[]; infos: Notice[] } {
  const dismiss = {
    label: localize("dismiss"),
    run: () => {
      controller.dismiss();
    },
  };
  const errors = [...wrongs(controller, localize)].map((text): Notice => ({ kind: "error", text, dismiss }));
  return { errors, infos: elsewhere(controller, shown, localize) };
}

function wrongs({ page, session, failed }: Told, localize: Localize): Set<string> {
  const texts = new Set<string>();
  if (page.failure !== null) {
    texts.add(localize(MICROPHONE_WORDS[page.failure]));
  }
  for (const why of [failed ?? null, page.error]) {
    if (why !== null) {
      texts.add(inWords(why, localize));
    }
  }
  if (session.error !== null && session.error !== "") {
    texts.add(session.error);
  }
  return texts;
}

function elsewhere(controller: Told, shown: Presentation, localize: Localize): Notice[] {
  const isReplaced = controller.page.link === "replaced";
  if (!isReplaced && !(shown.canTakeOver && shown.action === "stop")) {
    return [];
  }
  const action = { label: localize("use_here"), run: () => void controller.takeOver() };
  return [{ kind: "info", text: localize(isReplaced ? "replaced" : "elsewhere"), action }];
}
