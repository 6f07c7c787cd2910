import { expect, test } from "vitest";
import { ENTITY } from "../dev/fake-home";
import { PageSatellite } from "../src/page/page-satellite";
import { Refused } from "../src/protocol/commands";
import { begun, equipment, FRAME, home, page, pass } from "./page-rig";

test("a tap opens the microphone, then the audio socket", async () => {
  const begin = page.begin();
  await pass();
  expect(equipment.mic?.isOpen).toBe(true);
  expect(page.view.link).toBe("connecting");
  expect(equipment.server.url).toBe("ws://home.test/api/rtvoice/audio?sign=1");
  expect(equipment.server.rates).toEqual({ inputHz: 24_000, outputHz: 24_000 });
  equipment.server.events.onReady();
  await begin;
  expect(page.view).toEqual({ link: "ready", isMicrophoneOpen: true, failure: null, error: null });
});

test("a microphone that no session wants is closed", async () => {
  await begun();
  page.settle();
  expect(page.view.isMicrophoneOpen).toBe(false);
});

test("audio goes out only while a session listens", async () => {
  await begun();
  equipment.mic?.events.onFrame(FRAME, 0.5);
  expect(equipment.server.sent).toEqual([]);
  equipment.server.events.onMicrophone(true);
  await pass();
  page.settle();
  equipment.mic?.events.onFrame(FRAME, 0.5);
  expect(equipment.server.sent).toEqual([FRAME]);
  expect(page.levels.microphone).toBe(0.5);
  equipment.server.events.onMicrophone(false);
  expect(page.view.isMicrophoneOpen).toBe(false);
  equipment.mic?.events.onFrame(FRAME, 0.5);
  expect(equipment.server.sent).toEqual([FRAME]);
});

test("an automation's session opens the microphone without a tap", async () => {
  await begun();
  page.settle();
  equipment.server.events.onMicrophone(true);
  await pass();
  expect(page.view.isMicrophoneOpen).toBe(true);
});

test("what is played is reported, and cleared when the server says so", async () => {
  await begun();
  const audio = new ArrayBuffer(8);
  equipment.server.events.onAudio(audio);
  equipment.server.events.onClear(1);
  const [speaker] = equipment.speakers;
  speaker?.report({ epoch: 1, samples: 1200, level: 0.3 });
  expect(speaker?.played).toEqual([audio]);
  expect(speaker?.cleared).toEqual([1]);
  expect(equipment.server.sent).toEqual([{ epoch: 1, samples: 1200 }]);
  expect(page.levels.agent).toBe(0.3);
});

test("without a secure page or a microphone nothing is connected", async () => {
  equipment.secure = false;
  await expect(page.begin()).rejects.toThrow("insecure");
  equipment.secure = true;
  equipment.failure = "denied";
  await expect(page.begin()).rejects.toThrow("denied");
  expect(page.view).toMatchObject({ link: "off", failure: "denied" });
  expect(equipment.sockets).toEqual([]);
  page.forgive();
  expect(page.view.failure).toBeNull();
});

test("a microphone that fails when it is wanted is told to the server", async () => {
  await begun();
  page.settle();
  equipment.failure = "denied";
  equipment.server.events.onMicrophone(true);
  await pass();
  expect(equipment.server.sent).toEqual(["denied"]);
  expect(page.view).toMatchObject({ link: "ready", failure: "denied" });
});

test("a microphone that is lost is replaced once, then given up", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  await pass();
  equipment.mic?.lose();
  await pass();
  expect(page.view.isMicrophoneOpen).toBe(true);
  equipment.mic?.lose();
  await pass();
  expect(equipment.server.sent).toEqual(["lost"]);
  expect(page.view).toMatchObject({ isMicrophoneOpen: false, failure: "lost" });
});

test("where there is no other microphone it is lost at once", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  await pass();
  equipment.failure = "missing";
  equipment.mic?.lose();
  await pass();
  expect(equipment.server.sent).toEqual(["lost"]);
});

test("a lost link closes the microphone and is made again", async () => {
  await begun();
  const [first] = equipment.sockets;
  first?.events.onMicrophone(true);
  await pass();
  first?.events.onClosed("lost");
  expect(page.view).toMatchObject({ link: "lost", isMicrophoneOpen: false });
  expect(equipment.speakers[0]?.isClosed).toBe(true);
  await pass(600);
  equipment.server.events.onReady();
  await pass();
  expect(equipment.sockets).toHaveLength(2);
  expect(page.view.link).toBe("ready");
});

test("tries become rarer while it stays lost", async () => {
  await begun();
  home.answers.set("rtvoice/browser/connect", () => {
    throw new Refused("not_found");
  });
  home.satellite = { ...home.satellite, online: false };
  equipment.server.events.onClosed("lost");
  await pass(60_000);
  const tries = home.asked("rtvoice/browser/connect").length;
  expect(tries).toBeGreaterThan(4);
  expect(tries).toBeLessThan(10);
  expect(page.view.link).toBe("lost");
});

test("who may not any more is told so and does not try again", async () => {
  await begun();
  home.answers.set("rtvoice/browser/connect", () => {
    throw new Refused("unauthorized", "You may not.");
  });
  equipment.server.events.onClosed("lost");
  await pass(60_000);
  expect(page.view).toMatchObject({ link: "off", error: { code: "unauthorized" } });
  expect(home.asked("rtvoice/browser/connect")).toHaveLength(2);
});

test("a page that was replaced stays away until it is tapped", async () => {
  await begun();
  equipment.server.events.onClosed("replaced");
  await pass(60_000);
  expect(page.view.link).toBe("replaced");
  expect(equipment.sockets).toHaveLength(1);
  await page.rejoin();
  await pass(60_000);
  expect(equipment.sockets).toHaveLength(1);
  await begun();
  expect(page.view.link).toBe("ready");
});

test("after a long time away it does not take over from another page", async () => {
  await begun();
  home.answers.set("rtvoice/browser/connect", () => {
    throw new Refused("lost");
  });
  equipment.server.events.onClosed("lost");
  await pass(9000);
  home.satellite = { ...home.satellite, online: true };
  home.answers.clear();
  await pass(20_000);
  expect(page.view.link).toBe("replaced");
});

test("the server's words are shown when it closes with an error", async () => {
  const begin = page.begin();
  await pass();
  equipment.server.events.onError("Too much audio.");
  equipment.server.events.onClosed("lost");
  await expect(begin).rejects.toMatchObject({ code: "refused", message: "Too much audio." });
  expect(page.view).toMatchObject({ link: "off", error: { message: "Too much audio." } });
});

test("a browser that was the satellite is it again when it comes back", async () => {
  await begun();
  page.leave();
  const again = new PageSatellite(ENTITY, home.hass, equipment);
  await again.rejoin();
  await pass();
  equipment.server.events.onReady();
  await pass();
  expect(again.view).toMatchObject({ link: "ready", isMicrophoneOpen: false });
  again.leave();
});

interface Circumstances {
  used?: boolean;
  allowed?: boolean;
  secure?: boolean;
  unlocked?: boolean;
  online?: boolean;
}

test.each<[string, Circumstances]>([
  ["nobody used it", { used: false }],
  ["the microphone would have to be asked for", { allowed: false }],
  ["the page is not secure", { secure: false }],
  ["nobody has touched the page", { unlocked: false }],
  ["another page is it", { online: true }],
])("it does not become one by itself if %s", async (_why, { used = true, online = false, ...browser }) => {
  Object.assign(equipment, browser);
  localStorage.setItem(`rtvoice.used.${ENTITY}`, used ? "yes" : "no");
  home.satellite = { ...home.satellite, online };
  await page.rejoin();
  await pass(1000);
  expect(equipment.sockets).toEqual([]);
});

test("the volume is remembered", async () => {
  page.volume = 0.25;
  await begun();
  expect(equipment.speakers[0]?.volume).toBe(0.25);
  page.volume = 0.5;
  expect(equipment.speakers[0]?.volume).toBe(0.5);
  expect(new PageSatellite(ENTITY, home.hass, equipment).volume).toBe(0.5);
  localStorage.setItem(`rtvoice.volume.${ENTITY}`, "loud");
  expect(page.volume).toBe(1);
});

test("leaving while it connects leaves no link behind", async () => {
  const begin = page.begin();
  await pass();
  page.leave();
  equipment.server.events.onReady();
  await expect(begin).rejects.toMatchObject({ code: "called_off" });
  expect(equipment.server.isClosed).toBe(true);
  expect(page.view).toMatchObject({ link: "off", error: null });
});

test("muted ears are muted for good", async () => {
  page.muted = true;
  await begun();
  expect(equipment.mic?.muted).toBe(true);
  page.muted = false;
  expect(equipment.mic?.muted).toBe(false);
});
