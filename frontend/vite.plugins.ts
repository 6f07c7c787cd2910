import { build, type Plugin } from "vite";

/** Lets `import code from "./x.ts?worklet"` give the code of an audio worklet, bundled and minified, as a string. */
export function worklets(): Plugin {
  return {
    name: "worklets",
    enforce: "pre",
    async load(id) {
      const [file, query] = id.split("?");
      if (query !== "worklet" || file === undefined) {
        return null;
      }
      this.addWatchFile(file);
      const code = JSON.stringify(await bundled(file));
      return { code: `export default ${code};`, map: null, moduleType: "js" };
    },
  };
}

/** Takes the indentation out of Lit's css`…` and html`…`, which minifiers leave alone as it is text. */
export function tightTemplates(): Plugin {
  return {
    name: "tight-templates",
    apply: "build",
    enforce: "pre",
    transform(code, id) {
      return id.includes("/src/") && /\b(?:css|html)`/.test(code)
        ? { code: code.replace(/\n\s+/g, "\n"), map: null }
        : null;
    },
  };
}

async function bundled(entry: string): Promise<string> {
  const results = await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, target: "es2022", modulePreload: false, rolldownOptions: { input: entry } },
  });
  for (const result of Array.isArray(results) ? results : [results]) {
    if ("output" in result) {
      return result.output[0].code;
    }
  }
  throw new Error(`${entry} could not be bundled`);
}
