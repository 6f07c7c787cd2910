import { expect, test } from "vitest";
import { begun, equipment, FRAME, page, pass } from "./page-rig";

test("a microphone that gives nothing is opened once more, then given up", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  await pass(2900);
  expect(equipment.mic?.openings).toBe(1);
  await pass(200);
  expect(equipment.mic?.openings).toBe(2);
  expect(page.view).toMatchObject({ isMicrophoneOpen: true, failure: null });
  expect(equipment.server.sent).toEqual([]);
  await pass(3000);
  expect(equipment.server.sent).toEqual(["silent"]);
  expect(page.view).toMatchObject({ link: "ready", isMicrophoneOpen: false, failure: "silent" });
  await pass(20_000);
  expect(equipment.mic?.openings).toBe(2);
});

test("a microphone that works when it is opened once more is not given up", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  await pass(3100);
  for (let ms = 0; ms < 15_000; ms += 500) {
    equipment.mic?.events.onFrame(FRAME, 0.5);
    await pass(500);
  }
  expect(equipment.mic?.openings).toBe(2);
  expect(page.view).toMatchObject({ isMicrophoneOpen: true, failure: null });
  // Much later it falls silent, and is worth another try.
  await pass(3100);
  expect(equipment.mic?.openings).toBe(3);
  expect(page.view.failure).toBeNull();
});

test("a microphone gives nothing while audio is suspended, which is nobody's fault", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  equipment.context.state = "suspended";
  await pass(10_000);
  expect(equipment.mic?.openings).toBe(1);
  equipment.context.state = "running";
  await pass(2000);
  equipment.mic?.events.onFrame(FRAME, 0.5);
  await pass(2000);
  expect(equipment.mic?.openings).toBe(1);
});

test("a microphone that gives nothing before a session wants it says so too", async () => {
  await begun();
  await pass(6200);
  expect(equipment.server.sent).toEqual([]);
  expect(page.view).toMatchObject({ isMicrophoneOpen: false, failure: "silent" });
  // With the next tap it is tried anew.
  const again = page.begin();
  await pass();
  await again;
  expect(page.view).toMatchObject({ isMicrophoneOpen: true, failure: null });
  await pass(3100);
  expect(page.view).toMatchObject({ isMicrophoneOpen: true, failure: null });
});

test("a silent microphone that cannot be opened again is given up", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  await pass();
  equipment.failure = "missing";
  await pass(3100);
  expect(equipment.server.sent).toEqual(["silent"]);
  expect(page.view).toMatchObject({ isMicrophoneOpen: false, failure: "silent" });
});

test("a microphone that is closed in time is not missed", async () => {
  await begun();
  equipment.server.events.onMicrophone(true);
  await pass(2000);
  equipment.server.events.onMicrophone(false);
  await pass(10_000);
  expect(equipment.mic?.openings).toBe(1);
  expect(page.view.failure).toBeNull();
});
