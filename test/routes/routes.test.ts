import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { type Capacity, CONNECTION, type Connection, createProxMcp, type Provider, type ProxMcp } from "proxmcp";
import docker from "proxmcp/plugins/docker";
import lxd from "proxmcp/plugins/lxd";
import proxmox from "proxmcp/plugins/proxmox";
import { aquarium } from "../fixtures/aquarium.js";
import { tapeLibrary } from "../fixtures/tape-library.js";

type Places = Readonly<Record<string, Capacity["places"]>>;

/** A place to run something, in the shape that a capacity has it. Sizes in GiB. */
interface Case {
  readonly ask: string | Readonly<Record<string, unknown>>;
  /** `provider/isolation`, or `connection/isolation` where several connections of one provider compete; null where nothing can take it. */
  readonly first: string | null;
  /** Connections that must be among the excluded. */
  readonly excluded?: readonly string[];
  /** Words of the sentence that are not understood; none otherwise. */
  readonly ignored?: readonly string[];
  /** What the sentence has to be understood as, among other things. */
  readonly means?: Readonly<Record<string, unknown>>;
}

interface File {
  /** Connections: provider, tags, and for each place cores, memory and disk with what is used of them. */
  readonly estate: Readonly<
    Record<
      string,
      { readonly provider: string; readonly tags?: Record<string, string>; readonly options?: object; readonly places: Capacity["places"] }
    >
  >;
  readonly families: readonly { readonly family: string; readonly cases: readonly Case[] }[];
}

/** The declaration as it ships, with a client that connects to nothing and the capacity that the test gives it. */
function stubbed(provider: Provider, places: Places): Provider {
  class Client {
    static readonly inject = [CONNECTION] as const;
    readonly name: string;
    constructor(connection: Connection) {
      this.name = connection.name;
    }
  }
  return { ...provider, client: Client as Provider["client"], capacity: async ({ client }) => ({ places: places[(client as Client).name] ?? [] }) };
}

const scores: string[] = [];
let placements = 0;

for (const name of readdirSync(new URL(".", import.meta.url)).filter((file) => file.endsWith(".json"))) {
  const { estate, families } = JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")) as File;
  describe(name, async () => {
    const places = Object.fromEntries(Object.entries(estate).map(([connection, { places: of }]) => [connection, of]));
    const app: ProxMcp = await createProxMcp({
      plugins: [proxmox, lxd, docker, tapeLibrary(), aquarium()].map((provider) => stubbed(provider as Provider, places)),
      connections: Object.fromEntries(
        Object.entries(estate).map(([connection, { provider, tags, options }]) => [connection, { provider, ...(tags ? { tags } : {}), ...options }]),
      ),
      log: { level: "silent" },
    });
    afterAll(async () => await app.close());
    for (const { family, cases } of families) {
      it(family, async () => {
        const wrong: string[] = [];
        for (const { ask, first, excluded = [], ignored = [], means = {} } of cases) {
          placements += 1;
          const plan = await app.route(ask);
          const [best] = plan.placements;
          const names: (string | null)[] = best
            ? [`${best.provider}/${best.isolation}`, `${best.connection}/${best.isolation}`, `${best.connection}:${best.place}/${best.isolation}`]
            : [null];
          if (!names.includes(first))
            wrong.push(
              `${JSON.stringify(ask)}\n   got ${names.join(" = ")}\n   wanted ${first}; excluded: ${plan.excluded
                .map((one) => `${one.connection ?? one.provider}: ${one.why}`)
                .join(" | ")
                .slice(0, 400)}`,
            );
          for (const out of excluded)
            if (!plan.excluded.some((one) => (one.connection === out || one.provider === out) && one.why.length > 5))
              wrong.push(`${JSON.stringify(ask)}: ${out} is not excluded`);
          if (JSON.stringify(plan.ignored) !== JSON.stringify(ignored))
            wrong.push(`${JSON.stringify(ask)}: not understood: ${plan.ignored.join(", ")}`);
          expect(plan.requirement, JSON.stringify(ask)).toMatchObject(means);
          expect((await app.route(ask)).placements, "the same question gets the same answer").toEqual(plan.placements);
        }
        scores.push(`${String(cases.length - wrong.length).padStart(3)}/${cases.length}  ${family}`);
        expect(wrong.join("\n")).toBe("");
      });
    }
  });
}

afterAll(() => {
  process.stdout.write(`routes by family (${placements} placements):\n${scores.join("\n")}\n`);
});
