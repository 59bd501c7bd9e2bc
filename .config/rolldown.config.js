// One bundle with shared chunks: a single start-up cost for the CLI, and one copy of every module however it is imported.
import { readdirSync } from "node:fs";
import { defineConfig } from "rolldown";

const plugins = readdirSync(new URL("../plugins", import.meta.url));

export default defineConfig({
  input: {
    cli: "core/cli/main.ts",
    "core/index": "core/index.ts",
    "core/plugin": "core/plugin.ts",
    "core/testing": "core/testing.ts",
    ...Object.fromEntries(plugins.map((name) => [`plugins/${name}/index`, `plugins/${name}/index.ts`])),
  },
  platform: "node",
  // Loaded with the first call, by name; ssh2 can't be bundled.
  external: ["undici", "ssh2", "selfsigned", "pino"],
  resolve: {
    alias: {
      // Its other build asks for its parts in a way that no bundler sees.
      "jsonc-parser": new URL("../node_modules/jsonc-parser/lib/esm/main.js", import.meta.url).pathname,
      "proxmcp/plugin": new URL("../core/plugin.ts", import.meta.url).pathname,
      "proxmcp/testing": new URL("../core/testing.ts", import.meta.url).pathname,
    },
  },
  treeshake: { moduleSideEffects: (id) => /reflect-metadata|cli\/main/.test(id) },
  output: { dir: "dist", format: "esm", entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js", sourcemap: false, minify: false },
});
