import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
/** The source stands in for the built package. */
const alias = [
  { find: /^proxmcp$/, replacement: source("core/index.ts") },
  { find: /^proxmcp\/(plugin|testing)$/, replacement: `${source("core")}/$1.ts` },
  { find: /^proxmcp\/plugins\/([a-z]+)$/, replacement: `${source("plugins")}/$1/index.ts` },
];

export default defineConfig({
  root: source("."),
  test: {
    // Its transform cache is not keyed on tsconfig, and gives false passes.
    fsModuleCache: false,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        resolve: { alias },
        test: { name: "source", include: ["test/**/*.test.ts"], exclude: ["test/dist/**", "test/engines/**", "test/packed/**"], testTimeout: 20_000 },
      },
      { extends: true, resolve: { alias }, test: { name: "bench", include: ["test/bench/**/*.bench.ts"] } },
      { extends: true, test: { name: "dist", include: ["test/dist/**/*.test.ts"], testTimeout: 60_000 } },
      { extends: true, test: { name: "packed", include: ["test/packed/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        resolve: { alias },
        test: { name: "engines", include: ["test/engines/**/*.test.ts"], testTimeout: 120_000, fileParallelism: false },
      },
    ],
  },
});
