/** A page as a satellite, on fake equipment, for each test of the file that imports this. */
import { afterEach, beforeEach, vi } from "vitest";
import { ENTITY, FakeHome } from "../dev/fake-home";
import { PageSatellite } from "../src/page/page-satellite";
import { FakeEquipment } from "./fake-equipment";

export const FRAME = new ArrayBuffer(960);

export let home: FakeHome;
export let equipment: FakeEquipment;
export let page: PageSatellite;

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  home = new FakeHome();
  equipment = new FakeEquipment();
  page = new PageSatellite(ENTITY, home.hass, equipment);
});
afterEach(() => {
  page.leave();
  vi.useRealTimers();
});

export async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Tapped, and the server is ready. */
export async function begun(): Promise<void> {
  const begin = page.begin();
  await pass();
  equipment.server.events.onReady();
  await begin;
}
