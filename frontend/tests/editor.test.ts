import { expect, test } from "vitest";
import { ENTITY, FakeHome } from "../dev/fake-home";
import { readConfig, stubConfig, SWITCHES } from "../src/config";
import { editorSchema, toConfig, toForm, type FormField } from "../src/editor-form";
import { de } from "../src/i18n/de";
import { en } from "../src/i18n/en";
import { localizer } from "../src/i18n";
import "../src/index";

const CONFIG = { type: "custom:rtvoice-card", entity: ENTITY };

test("only satellites of the integration can be chosen", () => {
  expect(editorSchema([ENTITY])[0]?.selector).toEqual({ entity: { include_entities: [ENTITY] } });
});

test("the form shows what holds, and the configuration has only what was changed", () => {
  expect(toForm(CONFIG, SWITCHES)).toMatchObject({ entity: ENTITY, show_transcript: true, show_input: false });
  const form = { ...toForm(CONFIG, SWITCHES), title: "", show_level: false };
  expect(toConfig(CONFIG, form, SWITCHES)).toEqual({ ...CONFIG, show_level: false });
  expect(toConfig({ ...CONFIG, show_level: false }, { ...form, show_level: true, title: "K" }, SWITCHES)).toEqual({
    ...CONFIG,
    title: "K",
  });
});

test("what other cards' options a configuration has is kept", () => {
  const config = readConfig({ ...CONFIG, grid_options: { rows: 4 }, visibility: [] });
  expect(toConfig(config, toForm(config, SWITCHES), SWITCHES)).toEqual({
    ...CONFIG,
    grid_options: { rows: 4 },
    visibility: [],
  });
});

test("a new card has the first satellite that is ours", () => {
  expect(stubConfig(new FakeHome().hass)).toEqual({ entity: ENTITY });
  expect(stubConfig({ ...new FakeHome().hass, entities: {} })).toEqual({ entity: "" });
});

test("the editor asks for the satellites and tells what was chosen", async () => {
  const home = new FakeHome();
  const editor = document.createElement("rtvoice-card-editor");
  const told: unknown[] = [];
  editor.addEventListener("config-changed", (event) => told.push((event as CustomEvent).detail));
  editor.setConfig(CONFIG);
  editor.hass = home.hass;
  document.body.append(editor);
  await new Promise((resolve) => setTimeout(resolve));
  const form = editor.shadowRoot?.querySelector<HTMLElement & Record<string, unknown>>("ha-form");
  const label = form?.computeLabel as (field: FormField) => string;
  expect((form?.schema as FormField[]).map(label)).toEqual([
    "Satellite",
    "Title",
    "What is shown",
    "Come online by itself",
  ]);
  form?.dispatchEvent(new CustomEvent("value-changed", { detail: { value: { ...CONFIG, show_tools: false } } }));
  expect(told).toEqual([{ config: { ...CONFIG, show_tools: false } }]);
  editor.remove();
});

test("the card is in Home Assistant's list of cards, once, and suggests itself for our satellites", () => {
  const { hass } = new FakeHome();
  const cards = window.customCards?.filter(({ type }) => type === "rtvoice-card") ?? [];
  expect(cards).toHaveLength(1);
  expect(cards[0]?.getEntitySuggestion(hass, ENTITY)).toEqual({ config: CONFIG });
  expect(cards[0]?.getEntitySuggestion(hass, "assist_satellite.other")).toBeNull();
});

test("all languages have the same gaps to fill", () => {
  const gaps = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, text] of Object.entries(en)) {
    expect(gaps(de[key as keyof typeof en]), key).toEqual(gaps(text));
  }
  expect(localizer("fr")("mute")).toBe("Mute");
  expect(localizer("de")("said", { who: "Du", text: "{who}" })).toBe("Du: {who}");
});
