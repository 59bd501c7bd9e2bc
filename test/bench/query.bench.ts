/**
 * Queries: reading a sentence, filtering, sorting and paging 100,000 rows, building the words of 20 providers. Each beside a plain
 * JavaScript baseline of the same run. Times depend on the machine; the ratio is what counts. Run with `npm run bench`.
 */
import { test } from "vitest";
import { z } from "zod";
import { createProxMcp } from "proxmcp";
import { compareBy } from "../../core/query/rows.js";
import { deriveFields } from "../../core/derive/fields.js";
import { matcher } from "../../core/derive/match.js";
import { defineProvider, facet, forClient, type Provider } from "proxmcp/plugin";

const ROWS = 100_000;
const { kind } = forClient<object>();

const statuses = ["running", "stopped", "paused"] as const;
const items = Array.from({ length: ROWS }, (_, at) => ({
  name: `vm-${(at * 7919) % ROWS}`,
  status: statuses[at % 3] ?? "running",
  memory: ((at * 31) % 64) * 1024 ** 3,
  node: `node-${at % 16}`,
}));

function provider(name: string, extra: number): Provider {
  const fields = Object.fromEntries(
    Array.from({ length: extra }, (_, at) => [
      `field_${at}`,
      facet(z.int(), `Field ${at}`, { says: [`${name} word ${at}`], unit: "bytes" }).optional(),
    ]),
  );
  const Machine = z.object({
    ...fields,
    name: facet(z.string(), "Name"),
    status: facet(z.enum(statuses), "State", { values: { running: ["up"], stopped: ["down"] } }),
    memory: facet(z.int(), "Memory", { says: ["ram"], unit: "bytes" }),
    node: facet(z.string(), "Node", { place: true }),
  });
  class Client {
    static readonly inject = [] as const;
  }
  const kinds = ["machine", "disk", "switch", "volume"].map((noun) =>
    kind({ name: noun, about: `A ${noun}`, item: Machine, key: "name", list: async () => (noun === "machine" && name === "p0" ? items : []) }),
  );
  return defineProvider({
    name,
    title: name.toUpperCase(),
    about: "For the bench",
    connection: { noun: "host", schema: z.object({}) },
    hosts: [],
    client: Client,
    test: async () => ({ version: "1" }),
    kinds,
  });
}

function time(rounds: number, work: () => unknown): number[] {
  return Array.from({ length: rounds }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  }).sort((a, b) => a - b);
}
const at = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const line = (what: string, took: number, baseline: number, of: string): boolean =>
  process.stdout.write(`${what}: ${took.toFixed(2)} ms, ${of} ${baseline.toFixed(2)} ms, ratio ${(took / baseline).toFixed(1)}\n`);

test("queries", async () => {
  const one = {
    plugins: [provider("p0", 8)],
    connections: { a: { provider: "p0" } },
    log: { level: "silent" as const },
    limits: { outputBytes: 10_000_000 },
  };
  const app = await createProxMcp(one);

  const sentences = [
    "running machines with more than 4 gb memory on node-3",
    "top 5 machines by memory",
    "count machines by node",
    "names of stopped machines",
    "machines with under 2gb ram or paused",
    "machnes named vm-1* except stopped ones",
  ];
  for (const sentence of sentences) for (let round = 0; round < 50; round += 1) app.interpret(sentence);
  const parses = sentences.flatMap((sentence) => time(200, () => app.interpret(sentence))).sort((a, b) => a - b);
  const splits = sentences.flatMap((sentence) => time(200, () => JSON.parse(JSON.stringify(sentence.split(" "))))).sort((a, b) => a - b);
  line("reading a sentence, p95", at(parses, 0.95), at(splits, 0.95), "JSON of its words");

  const runs: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const began = performance.now();
    await app.query("running machines with more than 4 gb memory sorted by memory descending");
    runs.push(performance.now() - began);
    plain.push(
      ...time(1, () =>
        items
          .filter((row) => row.status === "running" && row.memory > 4 * 1024 ** 3)
          .toSorted((a, b) => b.memory - a.memory)
          .slice(0, 50),
      ),
    );
  }
  const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);
  line(`a query over ${ROWS} rows, checked against their schema, median`, at(sorted(runs), 0.5), at(sorted(plain), 0.5), "plain filter, sort, slice");

  const machine = one.plugins[0]?.kinds[0];
  if (machine) {
    const fields = deriveFields(machine as never);
    const byName = new Map(fields.map((field) => [field.name, field]));
    const work = (): unknown =>
      items
        .filter(matcher(fields, { status: ["running"], memory: { above: 4 * 1024 ** 3 } }))
        .toSorted(compareBy([{ field: "memory", direction: "desc" }], byName))
        .slice(0, 50);
    line(`filter, sort and page ${ROWS} rows, median`, at(time(15, work), 0.5), at(sorted(plain), 0.5), "plain filter, sort, slice");
  }

  const twenty = Array.from({ length: 20 }, (_, index) => provider(`p${index}`, 8));
  const big = await createProxMcp({
    plugins: twenty,
    connections: Object.fromEntries(twenty.map(({ name }) => [`c-${name}`, { provider: name }])),
    log: { level: "silent" as const },
  });
  const words = time(1, () => big.queryHelp());
  const again = time(1, () => JSON.parse(JSON.stringify(twenty.map(({ kinds }) => kinds.map(({ name, about }) => [name, about])))));
  line("the words of 20 providers", at(words, 0.5), Math.max(at(again, 0.5), 0.01), "JSON of their kinds");
  await Promise.all([app.close(), big.close()]);
}, 120_000);
