import type { Hass } from "../hass";
import { PageSatellite } from "./page-satellite";

/** Home Assistant takes cards off and makes them anew when it lays out a dashboard. */
const LINGER_MS = 3000;

interface Held {
  satellite: PageSatellite;
  holders: number;
  linger: ReturnType<typeof setTimeout> | undefined;
}

const pages = new Map<string, Held>();

/** This page as that satellite: one and the same for all its cards, kept for as long as one of them is on screen. */
export function hold(entityId: string, hass: Hass): PageSatellite {
  const held = pages.get(entityId) ?? { satellite: new PageSatellite(entityId, hass), holders: 0, linger: undefined };
  pages.set(entityId, held);
  clearTimeout(held.linger);
  held.holders += 1;
  held.satellite.attach(hass);
  return held.satellite;
}

/** The counterpart of `hold`. */
export function release(satellite: PageSatellite): void {
  for (const [entityId, held] of pages) {
    if (held.satellite === satellite) {
      held.holders -= 1;
      if (held.holders === 0) {
        held.linger = setTimeout(() => {
          satellite.leave();
          pages.delete(entityId);
        }, LINGER_MS);
      }
    }
  }
}
