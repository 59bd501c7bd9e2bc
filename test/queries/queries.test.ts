import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { type Clock, CLOCK, createProxMcp, type Interpretation, isProxMcpError, type ProxMcp } from "proxmcp";
import { checkWhere } from "../../core/derive/filter.js";
import { deriveFields } from "../../core/derive/fields.js";
import { aquarium } from "../fixtures/aquarium.js";
import { tapeLibrary } from "../fixtures/tape-library.js";

/** What a family's sentences all have to be understood as. What is not named here must not be there. */
interface Expected {
  readonly kinds?: readonly string[];
  readonly where?: object;
  readonly whereBy?: Readonly<Record<string, object>>;
  readonly order?: readonly object[];
  readonly limit?: number;
  readonly fields?: readonly string[];
  readonly aggregate?: object;
  readonly connections?: readonly string[];
  readonly ignored?: readonly string[];
  readonly error?: string;
}

interface Family {
  readonly family: string;
  readonly expect: Expected;
  readonly queries: readonly string[];
}

/** A Saturday. Weeks begin on Monday, times are UTC. */
const NOW = Date.parse("2026-11-21T12:00:00Z");
const clock: Clock = { now: () => NOW, sleep: async () => {} };
const services = {
  services: (container: { register(token: symbol, provider: object): unknown }): void => void container.register(CLOCK, { useValue: clock }),
};

const apps: Readonly<Record<string, () => Promise<ProxMcp>>> = {
  shipped: () =>
    createProxMcp({
      connections: {
        "pve-prod": {
          provider: "proxmox",
          url: "https://pve.example:8006",
          token: "root@pam!x=00000000-0000-0000-0000-000000000000",
          tags: { region: "eu", tier: "production" },
        },
        "pve-lab": {
          provider: "proxmox",
          url: "https://lab.example:8006",
          token: "root@pam!x=00000000-0000-0000-0000-000000000001",
          tags: { region: "us", tier: "lab" },
        },
        "pi-cluster-01": { provider: "lxd", socket: "/nowhere", tags: { region: "eu" } },
        engine: { provider: "docker", socket: "/nowhere" },
      },
      ...services,
    }),
  invented: () =>
    createProxMcp({
      plugins: [tapeLibrary(), aquarium()],
      connections: { cellar: { provider: "tape", room: "a" }, harbour: { provider: "aqua" } },
      ...services,
    }),
};

const scores: string[] = [];
let sentences = 0;

for (const file of readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".json"))) {
  const { plugins, families } = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as { plugins: string; families: Family[] };
  describe(file, async () => {
    const app = await (apps[plugins] as () => Promise<ProxMcp>)();
    afterAll(async () => await app.close());
    for (const { family, expect: expected, queries } of families) {
      it(family, () => {
        const wrong = queries.flatMap((query) => {
          const got = understood(app, query);
          sentences += 1;
          return same(got, wanted(expected)) ? [] : [`${query}\n   got    ${JSON.stringify(got)}\n   wanted ${JSON.stringify(wanted(expected))}`];
        });
        scores.push(`${String(queries.length - wrong.length).padStart(3)}/${queries.length}  ${family}`);
        expect(queries.length, "a family has at least five paraphrases").toBeGreaterThanOrEqual(5);
        expect(wrong.join("\n")).toBe("");
      });
    }
  });
}

afterAll(() => {
  process.stdout.write(`queries by family (${sentences} sentences):\n${scores.join("\n")}\n`);
});

/** An interpretation in the form that families are written in. */
function understood(app: ProxMcp, query: string): object {
  let read: Interpretation;
  try {
    read = app.interpret(query);
  } catch (error) {
    if (isProxMcpError(error)) return { error: error.code };
    throw error;
  }
  const id = (kind: Interpretation["kinds"][number]): string => `${kind.provider}_${kind.kind}`;
  for (const kind of read.kinds) {
    const declared = app.providers.find((provider) => provider.name === kind.provider)?.kinds.find((one) => one.name === kind.kind);
    expect(declared && checkWhere(deriveFields(declared as never), kind.where ?? read.where ?? {}), query).toEqual([]);
  }
  return wanted({
    kinds: read.kinds.map(id).toSorted(),
    ...(read.where ? { where: read.where } : { whereBy: Object.fromEntries(read.kinds.map((kind) => [id(kind), kind.where ?? {}])) }),
    order: read.order,
    ...(read.limit === undefined ? {} : { limit: read.limit }),
    ...(read.fields ? { fields: read.fields } : {}),
    ...(read.aggregate ? { aggregate: read.aggregate } : {}),
    ...(read.connections ? { connections: read.connections } : {}),
    ignored: read.ignored.map(({ word }) => word),
  });
}

/** Without what is empty, and with one `where` for each kind where they differ. */
function wanted({ where, whereBy, order, ignored, kinds, ...rest }: Expected): object {
  const filter = whereBy ? { whereBy } : where && Object.keys(where).length > 0 ? { where } : {};
  return {
    ...(kinds ? { kinds: kinds.toSorted() } : {}),
    ...filter,
    ...(order?.length ? { order } : {}),
    ...(ignored?.length ? { ignored } : {}),
    ...rest,
  };
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, at) => same(one, b[at]));
  if (typeof a === "object" && a && typeof b === "object" && b && !Array.isArray(a) && !Array.isArray(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...names].every((name) => same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
  }
  return Object.is(a, b);
}
