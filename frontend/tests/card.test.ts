import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ENTITY, FakeHome } from "../dev/fake-home";
import type { RtvoiceCard } from "../src/card";
import { Refused } from "../src/protocol/commands";
import "../src/index";

const REMOTE = { kind: "local", online: true };
const TALKING = { status: "listening", in_session: true, session_id: "s1", online: true };

let home: FakeHome;
let card: RtvoiceCard;

beforeEach(() => {
  localStorage.clear();
  home = new FakeHome();
});
afterEach(() => {
  document.body.replaceChildren();
});

async function shown(config: object = {}): Promise<RtvoiceCard> {
  card = document.createElement("rtvoice-card");
  card.setConfig({ type: "custom:rtvoice-card", entity: ENTITY, ...config });
  card.hass = home.hass;
  document.body.append(card);
  await settled();
  return card;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    await card.updateComplete;
  }
}

function part(selector: string, within: Element = card): HTMLElement {
  const found = within.shadowRoot?.querySelector<HTMLElement>(selector);
  if (found === undefined || found === null) {
    throw new Error(`${selector} is not shown`);
  }
  return found;
}

function has(selector: string): boolean {
  return card.shadowRoot?.querySelector(selector) !== null;
}

function text(selector: string, within: Element = card): string {
  return part(selector, within).textContent.replaceAll(/\s+/g, " ").trim();
}

function button(): HTMLElement {
  return part("button", part("rtvoice-talk-button"));
}

async function tap(element: HTMLElement): Promise<void> {
  element.click();
  await settled();
}

describe("states", () => {
  test("idle: the name, the agent and a button that starts", async () => {
    await shown();
    expect(text("header")).toBe("Kitchen tablet House");
    expect(text(".status")).toBe("Ready");
    expect(text(".hint")).toBe("Tap to talk");
    expect(button().getAttribute("aria-label")).toBe("Start talking with Kitchen tablet");
    expect(has("rtvoice-transcript")).toBe(false);
  });

  test.each([
    ["connecting", "Connecting …"],
    ["listening", "Listening"],
    ["thinking", "Thinking …"],
    ["speaking", "Speaking"],
    ["reconnecting", "Reconnecting …"],
  ])("%s", async (status, words) => {
    Object.assign(home.satellite, REMOTE);
    Object.assign(home.state, TALKING, { status });
    await shown();
    expect(text(".status")).toBe(words);
    expect(part("rtvoice-talk-button").getAttribute("status")).toBe(status);
    expect(button().getAttribute("aria-label")).toBe("End the conversation with Kitchen tablet");
  });

  test("muted", async () => {
    Object.assign(home.satellite, REMOTE);
    Object.assign(home.state, TALKING, { muted: true });
    await shown();
    expect(text(".status")).toBe("Muted");
    expect(part(".pill").getAttribute("aria-pressed")).toBe("true");
  });

  test("offline, and only to be watched", async () => {
    Object.assign(home.satellite, { kind: "wyoming", can_control: false });
    await shown();
    expect(text(".status")).toBe("Offline");
    expect(button().hasAttribute("disabled")).toBe(true);
    expect(text(".hint")).toBe("You may watch, but not control it");
  });

  test("a title instead of the name, in German", async () => {
    home.hass.language = "de-CH";
    await shown({ title: "Küche" });
    expect(text("h2")).toBe("Küche");
    expect(text(".status")).toBe("Bereit");
  });
});

describe("what was said", () => {
  beforeEach(() => {
    Object.assign(home.satellite, REMOTE);
    Object.assign(home.state, TALKING);
    home.turns = [
      { item_id: "1", role: "user", text: "Turn on the light", final: true, interrupted: false, after: null },
    ];
  });

  test("is shown as it comes, with tools", async () => {
    await shown();
    home.tell({ type: "tool", call_id: "c", name: "Turn on", status: "failed", message: "Away." });
    const words = { text: "I turned", final: true, interrupted: true };
    home.tell({ type: "turn", item_id: "2", role: "assistant", ...words, after: "1" });
    await settled();
    const transcript = part("rtvoice-transcript");
    expect(text("ol", transcript)).toBe("You: Turn on the light Turn on failed Away. Agent: I turned interrupted");
    expect(text("[aria-live=polite]", transcript)).toBe("Agent: I turned");
  });

  test("is hidden where the user wants that", async () => {
    home.tools = [{ call_id: "c", name: "Turn on", status: "ok", message: null }];
    await shown({ show_transcript: false });
    expect(text("ol", part("rtvoice-transcript"))).toBe("Turn on done");
    card.setConfig({ type: "custom:rtvoice-card", entity: ENTITY, show_transcript: false, show_tools: false });
    await settled();
    expect(has("rtvoice-transcript")).toBe(false);
  });

  test("is forgotten ten minutes after the end", async () => {
    await shown();
    vi.useFakeTimers();
    home.become({ status: "idle", in_session: false, session_id: null });
    vi.advanceTimersByTime(10 * 60_000);
    vi.useRealTimers();
    await settled();
    expect(has("rtvoice-transcript")).toBe(false);
  });
});

describe("buttons of a satellite elsewhere", () => {
  beforeEach(() => {
    Object.assign(home.satellite, REMOTE);
    Object.assign(home.state, { online: true });
  });

  test("start and stop", async () => {
    await shown();
    await tap(button());
    expect(home.asked("rtvoice/session/start")).toEqual([{ type: "rtvoice/session/start", entity_id: ENTITY }]);
    home.become(TALKING);
    await settled();
    await tap(button());
    expect(home.asked("rtvoice/session/stop")).toHaveLength(1);
    expect(has("rtvoice-level-meter")).toBe(false);
    expect(has(".volume")).toBe(false);
  });

  test("mute, interrupt and write", async () => {
    Object.assign(home.state, TALKING, { assistant_speaking: true });
    await shown({ show_input: true });
    const [mute, interrupt] = card.shadowRoot?.querySelectorAll<HTMLElement>(".pill") ?? [];
    mute?.click();
    interrupt?.click();
    const input = part(".message input") as HTMLInputElement;
    input.value = " hello ";
    part("form").dispatchEvent(new Event("submit", { cancelable: true }));
    await settled();
    expect(home.commands.slice(-3)).toEqual([
      { type: "rtvoice/session/set_muted", entity_id: ENTITY, muted: true },
      { type: "rtvoice/session/interrupt", entity_id: ENTITY },
      { type: "rtvoice/session/send_message", entity_id: ENTITY, text: "hello" },
    ]);
    expect(input.value).toBe("");
  });

  test("a start that is refused says why, and can be put away", async () => {
    home.answers.set("rtvoice/session/start", () => {
      throw new Refused("home_assistant_error", "The account has no credit left.");
    });
    await shown();
    await tap(button());
    expect(text("[aria-live=assertive]")).toBe("The account has no credit left.");
    expect(text(".status")).toBe("Ready");
    await tap(part(".close"));
    expect(text("[aria-live=assertive]")).toBe("");
  });

  test("a start that is called off says nothing", async () => {
    let refuse: (error: Error) => void = () => undefined;
    home.answers.set("rtvoice/session/start", () => new Promise((_resolve, reject) => (refuse = reject)));
    await shown();
    await tap(button());
    expect(text(".status")).toBe("Connecting …");
    await tap(button());
    refuse(new Refused("home_assistant_error", "Stopped."));
    await settled();
    expect(text("[aria-live=assertive]")).toBe("");
    expect(home.asked("rtvoice/session/stop")).toHaveLength(1);
  });
});

describe("the browser as a satellite", () => {
  test("on plain http it says what to do, and starts nothing", async () => {
    await shown();
    await tap(button());
    expect(text("[aria-live=assertive]")).toContain("Open Home Assistant by https");
    expect(home.asked("rtvoice/session/start")).toEqual([]);
  });

  test("in another page it can be taken over", async () => {
    Object.assign(home.state, TALKING);
    await shown();
    expect(text(".notice.info")).toBe("This satellite is open on another page. Use here");
  });
});

describe("faults", () => {
  test.each([
    [{ entity: "light.kitchen" }, "'entity' must be a satellite"],
    [{ title: 5 }, "'title' must be text"],
    [{ show_tools: "yes" }, "'show_tools' must be true or false"],
  ])("%j is refused", async (config, words) => {
    await expect(shown(config)).rejects.toThrow(words);
  });

  test("no entity yet", async () => {
    await shown({ entity: "" });
    expect(text("[role=alert]")).toContain("Choose a satellite");
  });

  test("somebody else's satellite", async () => {
    home.satellite = {};
    await shown();
    expect(text("[role=alert]")).toContain(`${ENTITY} is not a satellite of Realtime Voice`);
  });

  test.each([
    ["unknown_command", "Realtime Voice is not loaded"],
    ["unauthorized", "You may not use this satellite"],
    ["not_found", "is not a satellite of Realtime Voice"],
  ])("%s", async (code, words) => {
    home.answers.set("rtvoice/session/subscribe", () => {
      throw new Refused(code);
    });
    await shown();
    expect(text("[role=alert]")).toContain(words);
  });

  test("a satellite that comes back is followed again", async () => {
    home.answers.set("rtvoice/session/subscribe", () => {
      throw new Refused("not_found");
    });
    await shown();
    card.hass = { ...home.hass, states: {} };
    await settled();
    home.answers.clear();
    card.hass = { ...home.hass };
    await settled();
    expect(home.watched).toBe(1);
    expect(text(".status")).toBe("Ready");
  });

  test("a card that is taken off follows nothing", async () => {
    await shown();
    card.remove();
    await settled();
    expect(home.watched).toBe(0);
  });
});
