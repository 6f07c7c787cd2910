import { RtvoiceCard } from "./card";
import { LevelMeter } from "./components/level-meter";
import { TalkButton } from "./components/talk-button";
import { Transcript } from "./components/transcript";
import { CARD_TYPE } from "./config";
import { RtvoiceCardEditor } from "./editor";
import { likelySatellites, type Hass } from "./hass";
import { localizer } from "./i18n";

/** What Home Assistant's list of cards shows of ours. */
interface CustomCard {
  type: string;
  name: string;
  description: string;
  preview: boolean;
  documentationURL: string;
  getEntitySuggestion: (hass: Hass, entityId: string) => { config: { type: string; entity: string } } | null;
}

declare global {
  interface Window {
    customCards?: CustomCard[];
  }
}

/** A page may load the card twice, for instance where somebody also added it as a resource by hand. */
function define(name: string, element: CustomElementConstructor): boolean {
  if (customElements.get(name) !== undefined) {
    return false;
  }
  customElements.define(name, element);
  return true;
}

define("rtvoice-talk-button", TalkButton);
define("rtvoice-level-meter", LevelMeter);
define("rtvoice-transcript", Transcript);
define("rtvoice-card-editor", RtvoiceCardEditor);
if (define(CARD_TYPE, RtvoiceCard)) {
  const localize = localizer(navigator.language);
  window.customCards ??= [];
  window.customCards.push({
    type: CARD_TYPE,
    name: localize("card_name"),
    description: localize("card_description"),
    preview: true,
    documentationURL: "https://github.com/rtvoice/rtvoice/blob/main/docs/card.md",
    getEntitySuggestion: (hass, entityId) =>
      likelySatellites(hass).includes(entityId) ? { config: { type: `custom:${CARD_TYPE}`, entity: entityId } } : null,
  });
}
