import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { firstLine, installed, type Installed, root } from "./installed.js";

/** docs/write-a-provider.md, followed from its first line to its last: files are written, commands are run, in the order in which they stand there. */
interface Step {
  /** `sh`, or the name of a file. */
  readonly what: string;
  readonly text: string;
  /** The heading it stands under. */
  readonly under: string;
}

function steps(page: string): readonly Step[] {
  let under = "";
  const found: Step[] = [];
  for (const [, heading, language = "", title, text = ""] of page.matchAll(/^#+ (.*)$|^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) under = heading;
    else if (language === "sh") found.push({ what: "sh", text, under });
    else {
      const [, named = "", rest = ""] = /^(?:\/\/|#) (\S+)\n([\s\S]*)$/.exec(text) ?? [];
      found.push({ what: title ?? named, text: title ? text : rest, under });
    }
  }
  return found;
}

let stranger: Installed;
beforeAll(async () => {
  stranger = await installed();
}, 240_000);
afterAll(() => stranger?.close());

it("docs/write-a-provider.md leads from an empty folder to a provider that is published and used", async () => {
  const all = steps(readFileSync(join(root, "docs/write-a-provider.md"), "utf8"));
  expect(all.map(({ what }) => what)).toEqual(
    expect.arrayContaining(["package.json", "tsconfig.json", "src/client.ts", "proxmcp.config.yaml", "strip.ts", "sh"]),
  );
  const begun = new Set<string>();
  const said: string[] = [];
  let folder = join(stranger.folder, "..");
  let strip = "";
  for (const { what, text, under } of all) {
    const where = `${under}: ${what}`;
    if (what !== "sh") {
      expect(what, where).not.toBe("");
      const path = join(folder, what);
      mkdirSync(dirname(path), { recursive: true });
      // Pieces of one file follow each other.
      if (begun.has(path)) appendFileSync(path, `\n${text}`);
      else writeFileSync(path, text);
      begun.add(path);
      if (what === "strip.ts") strip = await firstLine(stranger.start([what], { cwd: folder }));
      // The page names a machine that nobody has. The sandbox runs already where the second config is written.
      for (const config of begun)
        if (config.endsWith(".yaml") && strip) writeFileSync(config, readFileSync(config, "utf8").replace(/^ {2}rack: .*$/m, strip));
      continue;
    }
    const lines = text
      // Neither of the two is in the registry.
      .replace(/^(npm install .*)\bproxmcp(?= |$)/m, `$1${stranger.tarball}`)
      .replace(/^(npm install .*)\bproxmcp-provider-pdu$/m, "$1../proxmcp-provider-pdu/proxmcp-provider-pdu-0.1.0.tgz");
    if (/^npm install .*pdu-0/m.test(lines)) {
      const packed = await stranger.npm(["pack"], { cwd: folder });
      expect(packed.code, packed.err).toBe(0);
    }
    const { code, out, err } = await stranger.shell(`${lines}\npwd > "$FOLDER"`, { cwd: folder, env: { FOLDER: join(stranger.folder, "pwd") } });
    expect(code, `${where}\n${lines}\n${out}\n${err}`).toBe(0);
    said.push(out);
    folder = readFileSync(join(stranger.folder, "pwd"), "utf8").trim();
  }
  const output = said.join("\n");
  for (const part of ["Test Files  2 passed", "pdu: PDU 2.1.0", "pdu_outlet_restart", "pins 1 plugins", "proxmcp-provider-pdu@0.1.0"])
    expect(output).toContain(part);
  // Switched off in step 6, so the last command of the page lists one outlet less.
  expect(said.at(-1)).toMatch(/^nas +on/m);
  expect(said.at(-1)).not.toContain("pve1");
  expect(existsSync(join(folder, "proxmcp.lock.json"))).toBe(true);
}, 240_000);
