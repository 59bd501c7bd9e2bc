import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

interface Tls {
  readonly url: string;
  readonly cert: string;
  readonly key: string;
}

type Lxd = Tls & {
  readonly socket: string;
  readonly serverCert: string;
  readonly fingerprint: string;
  readonly image: string;
  readonly instance: string;
};

/** What `up.sh` started: see test/engines/README.md. Paths, not contents. */
export interface Engines {
  readonly lxd: Lxd;
  readonly lxd2: Lxd;
  readonly cluster: {
    readonly members: readonly { readonly name: string; readonly url: string; readonly socket: string; readonly instance: string }[];
    readonly cert: string;
    readonly key: string;
    readonly fingerprint: string;
    readonly image: string;
  };
  readonly docker: { readonly socket: string; readonly url: string; readonly image: string; readonly container: string };
  readonly dockerTls: Tls & { readonly socket: string; readonly ca: string; readonly image: string; readonly container: string };
  readonly registry: { readonly url: string };
  readonly sshd: {
    readonly port: number;
    readonly user: string;
    readonly key: string;
    /** The public half; the private one is beside it. */
    readonly hostKey: string;
    readonly hostKeySha256: string;
    readonly knownHosts: string;
  };
}

const folder = process.env["ENGINES_DIR"] ?? join(process.env["TMPDIR"] ?? tmpdir(), "proxmcp-engines");

function readEngines(): Partial<Record<keyof Engines, unknown>> {
  try {
    return JSON.parse(readFileSync(join(folder, "engines.json"), "utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/**
 * Runs a suite against a real engine. Where the engine can't run, the suite is counted as skipped and says why; on a CI machine it fails,
 * because there an engine that was not tried is a hole and not a detail.
 */
export function withEngine<Name extends keyof Engines>(name: Name, suite: (engine: Engines[Name]) => void): void {
  const engine = readEngines()[name] as Engines[Name] | { readonly skipped: string } | undefined;
  const why = engine === undefined ? `${name} was not started: run test/engines/up.sh` : "skipped" in engine ? engine.skipped : undefined;
  if (why === undefined) return suite(engine as Engines[Name]);
  describe(`real ${name}`, () => {
    if (process.env["CI"] === "true") it("runs on this machine", () => expect.fail(why));
    else it.skip(`is not here: ${why}`, () => {});
  });
}

/** A config's way to name a file. */
export const file = (path: string): { readonly file: string } => ({ file: path });
