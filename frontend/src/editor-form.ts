import type { CardConfig, Switch } from "./config";

export type FieldName = "entity" | "title" | "show" | Switch;

export interface FormField {
  name: FieldName;
  [setting: string]: unknown;
}

export type EditorForm = Partial<Record<Switch, boolean>> & { entity?: string; title?: string };

/** The editor, in the language of Home Assistant's forms; only these satellites can be chosen. */
export function editorSchema(satellites: readonly string[]): FormField[] {
  const choice = (name: Switch): FormField => ({ name, selector: { boolean: {} } });
  return [
    { name: "entity", required: true, selector: { entity: { include_entities: satellites } } },
    { name: "title", selector: { text: {} } },
    {
      name: "show",
      type: "expandable",
      flatten: true,
      schema: [
        choice("show_transcript"),
        choice("show_tools"),
        choice("show_level"),
        choice("show_volume"),
        choice("show_input"),
      ],
    },
    choice("auto_connect"),
  ];
}

/** What the form shows: the configuration, and for the rest what holds by itself. */
export function toForm(config: CardConfig, defaults: Readonly<Record<Switch, boolean>>): EditorForm {
  return { ...defaults, ...config };
}

/** The configuration that a filled form stands for: without what is so by itself. */
export function toConfig(
  config: CardConfig,
  form: EditorForm,
  defaults: Readonly<Record<Switch, boolean>>,
): CardConfig {
  const { title, ...changed } = { ...config, ...form };
  const meant = Object.entries(changed).filter(([name, value]) => value !== defaults[name as Switch]);
  const named = title === undefined || title === "" ? {} : { title };
  return { ...Object.fromEntries(meant), ...named, type: config.type, entity: form.entity ?? "" };
}
