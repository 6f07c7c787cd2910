import { defineConfig } from "vitest/config";
import { tightTemplates, worklets } from "./vite.plugins.ts";

export default defineConfig({
  plugins: [worklets(), tightTemplates()],
  root: import.meta.dirname,
  build: {
    outDir: "../custom_components/rtvoice/www",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    license: { fileName: "licenses.md" },
    rolldownOptions: { input: "src/index.ts", output: { entryFileNames: "rtvoice-card.js" } },
  },
  test: { environment: "happy-dom", pool: "vmThreads", silent: "passed-only", include: ["tests/**/*.test.ts"] },
});
