/** The card without Home Assistant: `npm run dev`, then /dev/?scene=speaking&theme=dark&language=de&wide */
import "../src/index";
import "../src/card";
import { Refused } from "../src/protocol/commands";
import { ENTITY, FakeHome } from "./fake-home";
import { FakeSocket } from "./fake-socket";

const query = new URLSearchParams(location.search);
const scene = query.get("scene") ?? "idle";
document.body.classList.toggle("dark", query.get("theme") === "dark");
document.body.classList.toggle("wide", query.has("wide"));
Object.defineProperty(window, "WebSocket", { value: FakeSocket });

const home = new FakeHome();
home.hass.language = query.get("language") ?? "en";
const session = { in_session: true, session_id: "1", online: true };
const turns = [
  { item_id: "1", role: "user", text: "Is the garage door still open?", final: true, after: null },
  {
    item_id: "2",
    role: "assistant",
    text: "Yes, it has been open since half past six, when you came",
    final: true,
    interrupted: true,
  },
  {
    item_id: "3",
    role: "user",
    text: "Close it, please, and turn on the light in the hall.",
    final: true,
    interrupted: false,
  },
];
const answer = {
  item_id: "4",
  role: "assistant",
  text: "The hall light is on. The garage door does not answer, you may have to look after it.",
  final: false,
  interrupted: false,
};
const tools = [
  { call_id: "1", name: "Close garage door", status: "failed", message: "The door did not answer." },
  { call_id: "2", name: "Turn on hall light", status: "ok", message: null },
];

const SCENES: Record<string, () => void> = {
  listening: () => {
    begin(
      { status: "listening", user_speaking: true },
      [{ ...turns[0], text: "Is the garage door", final: false }],
      [],
    );
  },
  thinking: () => {
    begin({ status: "thinking" }, turns, [{ ...tools[0], status: "running", message: null }]);
  },
  speaking: () => {
    FakeSocket.speaks = true;
    begin({ status: "speaking", assistant_speaking: true }, turns, tools, [answer]);
  },
  connecting: () => home.answers.set("rtvoice/session/start", () => new Promise(() => undefined)),
  remote: () => {
    home.satellite = { ...home.satellite, name: "Living room", kind: "local", online: true };
    home.state = { ...home.state, ...session, status: "speaking", assistant_speaking: true };
    home.turns = [...turns, answer];
    home.tools = tools;
  },
  watching: () => {
    home.satellite = { ...home.satellite, can_control: false };
  },
  offline: () => {
    home.satellite = { ...home.satellite, name: "Bedroom", kind: "wyoming" };
  },
  elsewhere: () => {
    home.state = { ...home.state, ...session, status: "listening" };
    home.turns = turns.slice(0, 2);
  },
  denied: () => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  },
  insecure: () => Object.defineProperty(window, "isSecureContext", { value: false }),
  refused: () => {
    home.answers.set("rtvoice/session/start", () => {
      throw new Refused("home_assistant_error", "The account at OpenAI has no credit left.");
    });
  },
  wrong: () => {
    home.satellite = { ...home.satellite, entity_id: "assist_satellite.other" };
  },
};

/** What is told once a session was started. */
function begin(state: object, said: object[], done: object[], saidThen: object[] = []): void {
  home.answers.set("rtvoice/session/start", () => {
    home.become({ ...session, ...state });
    for (const turn of said) home.tell({ type: "turn", ...turn });
    for (const tool of done) home.tell({ type: "tool", ...tool });
    for (const turn of saidThen) home.tell({ type: "turn", ...turn });
  });
}

begin({ status: "listening" }, [], []);
SCENES[scene]?.();
const card = document.createElement("rtvoice-card");
card.setConfig({ type: "custom:rtvoice-card", entity: ENTITY, show_input: query.has("input") });
card.hass = home.hass;
document.querySelector("#place")?.append(card);
