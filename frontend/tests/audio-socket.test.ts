import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AudioSocket, type AudioSocketEvents } from "../src/protocol/audio-socket";
import { FakeWebSocket } from "./fake-web-socket";

const RATES = { inputHz: 24_000, outputHz: 48_000 };

let server: FakeWebSocket;
let told: unknown[][];

function events(): AudioSocketEvents {
  const note =
    (name: string) =>
    (...values: unknown[]): void => {
      told.push([name, ...values]);
    };
  return {
    onReady: note("ready"),
    onMicrophone: note("microphone"),
    onAudio: note("audio"),
    onClear: note("clear"),
    onError: note("error"),
    onClosed: note("closed"),
  };
}

function opened(): AudioSocket {
  const socket = new AudioSocket("ws://home.test/audio", RATES, events(), (url) => {
    server = new FakeWebSocket(url);
    return server as unknown as WebSocket;
  });
  server.accept();
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
});

test("it says hello first of all, with its rates", () => {
  opened();
  expect(server.url).toBe("ws://home.test/audio");
  expect(server.binaryType).toBe("arraybuffer");
  expect(server.sent).toEqual([{ type: "hello", protocol: 1, input_rate_hz: 24_000, output_rate_hz: 48_000 }]);
});

test("what the server says is passed on", () => {
  opened();
  const audio = new ArrayBuffer(8);
  server.tell({ type: "ready" });
  server.tell({ type: "microphone", open: true });
  server.tell(audio);
  server.tell({ type: "clear", epoch: 2 });
  server.tell({ type: "error", code: "bad_hello", message: "No." });
  server.tell({ type: "something new" });
  expect(told).toEqual([["ready"], ["microphone", true], ["audio", audio], ["clear", 2], ["error", "No."]]);
});

test("audio that is no whole samples is not played", () => {
  opened();
  server.tell(new ArrayBuffer(7));
  server.tell(new ArrayBuffer(4));
  expect(told).toEqual([]);
});

test("a ping is answered", () => {
  opened();
  server.tell({ type: "ping" });
  expect(server.sent.at(-1)).toEqual({ type: "pong" });
});

test("the microphone, what was played and what failed are told", () => {
  const socket = opened();
  const frame = new ArrayBuffer(960);
  socket.sendAudio(frame);
  socket.sendPlayed(1, 4800);
  socket.sendMicrophoneFailed("denied");
  expect(server.sent.slice(1)).toEqual([
    frame,
    { type: "played", epoch: 1, samples: 4800 },
    { type: "microphone_failed", reason: "denied" },
  ]);
});

test("frames are left out when the network is half a second behind", () => {
  const socket = opened();
  server.bufferedAmount = 24_001;
  socket.sendAudio(new ArrayBuffer(960));
  expect(server.sent).toHaveLength(1);
  expect(socket.dropped).toBe(1);
});

test("being replaced is an end, told once", () => {
  opened();
  server.tell({ type: "replaced" });
  server.break(4001);
  expect(told).toEqual([["closed", "replaced"]]);
});

test("the close code alone says so too", () => {
  opened();
  server.break(4001);
  expect(told).toEqual([["closed", "replaced"]]);
});

test("a server that is silent for more than ten seconds is lost", () => {
  opened();
  vi.advanceTimersByTime(9000);
  server.tell({ type: "ping" });
  vi.advanceTimersByTime(9000);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(3000);
  expect(told).toEqual([["closed", "lost"]]);
  expect(server.readyState).toBe(WebSocket.CLOSED);
});

test("after close nothing is told any more", () => {
  const socket = opened();
  socket.close();
  server.tell({ type: "ready" });
  server.break();
  vi.advanceTimersByTime(20_000);
  expect(server.closedWith).toBe(1000);
  expect(told).toEqual([]);
});
