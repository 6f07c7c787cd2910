import { de } from "./de";
import { en } from "./en";

export type WordKey = keyof typeof en;
export type Words = Record<WordKey, string>;
export type Localize = (key: WordKey, values?: Record<string, string>) => string;

const LANGUAGES: Record<string, Words> = { en, de };

/** The words of a language such as `de` or `de-CH`; English where there are none. */
export function localizer(language: string): Localize {
  const words = LANGUAGES[language] ?? LANGUAGES[language.split("-")[0] ?? ""] ?? en;
  return (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, () => value), words[key]);
}
