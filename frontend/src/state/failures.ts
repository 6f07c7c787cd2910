import type { Localize, WordKey } from "../i18n";
import type { MicrophoneFailure } from "../protocol/audio-socket";
import type { Refusal } from "../protocol/commands";

/** Which words tell why there is no microphone. */
export const MICROPHONE_WORDS: Record<MicrophoneFailure, WordKey> = {
  denied: "microphone_denied",
  missing: "microphone_missing",
  insecure: "microphone_insecure",
  lost: "microphone_lost",
  silent: "microphone_silent",
};

const REFUSAL_WORDS: Record<string, WordKey> = {
  lost: "error_lost",
  timeout: "error_timeout",
  unauthorized: "error_unauthorized",
  unknown_command: "error_not_loaded",
  not_found: "error_not_found",
};

/** Why something was refused: in our words where we have some, else in the server's. */
export function inWords({ code, message }: Refusal, localize: Localize): string {
  const key = REFUSAL_WORDS[code];
  if (key !== undefined) {
    return localize(key);
  }
  return message === "" ? localize("error_failed") : message;
}
