/** What the card uses of Home Assistant's frontend, as far as it uses it. */

export interface Command {
  type: string;
  [field: string]: unknown;
}

export type Unsubscribe = () => Promise<void> | void;

/** Home Assistant's websocket. */
export interface Connection {
  sendMessagePromise(command: Command): Promise<unknown>;
  subscribeMessage(
    callback: (event: unknown) => void,
    command: Command,
    options: { resubscribe: boolean },
  ): Promise<Unsubscribe>;
  addEventListener(type: "ready", listener: () => void): void;
  removeEventListener(type: "ready", listener: () => void): void;
}

export interface EntityState {
  state: string;
}

export interface EntityRegistryEntry {
  platform?: string;
}

export interface Hass {
  connection: Connection;
  language: string;
  states: Record<string, EntityState | undefined>;
  entities?: Record<string, EntityRegistryEntry | undefined>;
  hassUrl(path: string): string;
}

export const INTEGRATION = "rtvoice";
export const SATELLITE_DOMAIN = "assist_satellite";

/** The satellites of this integration that the frontend knows of, before the integration itself was asked. */
export function likelySatellites(hass: Hass): string[] {
  const registry = hass.entities ?? {};
  return Object.keys(registry).filter(
    (id) => id.startsWith(`${SATELLITE_DOMAIN}.`) && registry[id]?.platform === INTEGRATION,
  );
}
