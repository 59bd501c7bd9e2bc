import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

describe("an older Node", () => {
  it("is told the version that is needed, before anything fails to load", async () => {
    const text = await readFile(cli, "utf8");
    // Names that an older Node lacks would fail before the first line runs.
    expect(text.match(/^import \{.*$/gm) ?? []).toEqual([]);
    const said: string[] = [];
    const process = {
      versions: { node: "20.20.2" },
      stderr: { write: (line: string) => said.push(line) },
      exit: (code: number) => {
        throw new Error(`exit ${code}`);
      },
    };
    const script = text.replace(/^#!.*\n/, "").replaceAll(/^import .*$/gm, "");
    const [beginning = ""] = script.split("await import(");
    expect(() => runInNewContext(beginning.slice(0, beginning.lastIndexOf("\n")), { process, Number })).toThrow("exit 1");
    expect(said).toEqual(["proxmcp needs Node 22.19 or newer; this is 20.20.2.\n"]);
  });
});
