import { likelySatellites, SATELLITE_DOMAIN, type Hass } from "./hass";

export const CARD_TYPE = "rtvoice-card";

/** The card as it stands in a dashboard. */
export interface CardConfig {
  type: string;
  /** Empty while none was chosen. */
  entity: string;
  title?: string;
  show_transcript?: boolean;
  show_tools?: boolean;
  show_level?: boolean;
  show_volume?: boolean;
  show_input?: boolean;
  auto_connect?: boolean;
}

export const SWITCHES = {
  show_transcript: true,
  show_tools: true,
  show_level: true,
  show_volume: true,
  show_input: false,
  auto_connect: true,
} as const;

export type Switch = keyof typeof SWITCHES;

/** Whether something is switched on, by the user or because it is so by itself. */
export function isOn(config: CardConfig, name: Switch): boolean {
  return config[name] ?? SWITCHES[name];
}

/** The configuration, if it can be one; throws what Home Assistant then shows instead of the card. */
export function readConfig(config: unknown): CardConfig {
  if (typeof config !== "object" || config === null) {
    throw new Error("The card has no configuration.");
  }
  const fields: Record<string, unknown> = { ...config };
  check(fields);
  return { ...fields, entity: fields.entity ?? "" } as CardConfig;
}

/** What the card is like when it is added. */
export function stubConfig(hass: Hass): Omit<CardConfig, "type"> {
  return { entity: likelySatellites(hass)[0] ?? "" };
}

function check({ entity = "", title, ...others }: Record<string, unknown>): void {
  if (typeof entity !== "string" || (entity !== "" && !entity.startsWith(`${SATELLITE_DOMAIN}.`))) {
    throw new Error("'entity' must be a satellite of Realtime Voice, such as assist_satellite.kitchen_tablet.");
  }
  if (title !== undefined && typeof title !== "string") {
    throw new Error("'title' must be text.");
  }
  for (const name of Object.keys(SWITCHES)) {
    if (!["undefined", "boolean"].includes(typeof others[name])) {
      throw new Error(`'${name}' must be true or false.`);
    }
  }
}
