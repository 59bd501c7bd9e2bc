import { it } from "vitest";
import { writeFileSync } from "node:fs";
import { moduleReference } from "./typedoc/reference.js";
it("x", async () => {
  writeFileSync("/tmp/lock/plugin.md", await moduleReference("core/plugin.ts", "proxmcp/plugin"));
  writeFileSync("/tmp/lock/testing.md", await moduleReference("core/testing.ts", "proxmcp/testing"));
});
