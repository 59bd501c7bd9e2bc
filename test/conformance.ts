import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CallValue, createProxMcp, type ErrorCode, isProxMcpError, type ProxMcp, type Tool } from "proxmcp";

/**
 * The suite that every provider has to pass, against its sandbox and against the real engine. Where the two differ, the sandbox is wrong.
 */
export interface Subject {
  /** "docker sandbox", "real docker". */
  readonly name: string;
  readonly provider: string;
  /** Brings the platform up and says how it is reached. */
  start(): Promise<{ readonly connection: Readonly<Record<string, unknown>>; close(): Promise<void> }>;
}

export type Row = Readonly<Record<string, unknown>>;

/** Lists whose rows come and go by themselves between two calls. */
const PASSING = new Set(["lxd_operation_list"]);

/** A connected app with shortcuts for tests. */
export interface Bench {
  readonly app: ProxMcp;
  /** Calls a tool of the provider, confirmed: `call("container_start", { name })`. */
  call(tool: string, args?: Row): Promise<CallValue>;
  /** The one item of a call's result. */
  item(tool: string, args?: Row): Promise<Row>;
  /** The result of an action that has an output of its own. */
  result(tool: string, args?: Row): Promise<Row>;
  rows(tool: string, args?: Row): Promise<readonly Row[]>;
  /** The code that a call fails with. Fails the test when it does not. */
  refusal(tool: string, args?: Row): Promise<ErrorCode>;
}

/** Runs the general suite on a subject, then the scenario of its platform. */
export function conformance(subject: Subject, scenario: (bench: () => Bench) => void): void {
  describe(subject.name, () => {
    let bench: Bench;
    let close: () => Promise<void>;

    beforeAll(async () => {
      const platform = await subject.start();
      const app = await createProxMcp({
        plugins: [subject.provider],
        connections: { subject: { provider: subject.provider, ...platform.connection } },
        log: { level: "silent" },
      });
      bench = benchOf(app, subject.provider);
      close = async () => {
        await app.close();
        await platform.close();
      };
    }, 60_000);

    afterAll(async () => await close?.());

    it("answers its connection test", async () => {
      const [report] = await bench.app.test();
      expect(report).toMatchObject({ name: "subject", ok: true });
      expect(report?.version).toMatch(/\d/);
    });

    it("keeps every list to its schema, and list and get agree", async () => {
      for (const tool of toolsFor(bench.app, "list")) {
        if (tool.operation?.kind.listRequires?.length) continue;
        const { items, total, errors } = await bench.app.call(tool.name, { limit: 1000 });
        expect(errors, tool.name).toBeUndefined();
        expect(total, tool.name).toBe((items as Row[]).length);
        const [first] = items as Row[];
        if (first && !PASSING.has(tool.name)) await agrees(bench.app, tool, first);
      }
    });

    it("pages a list so that each row comes once", async () => {
      for (const tool of toolsFor(bench.app, "list")) {
        if (tool.operation?.kind.listRequires?.length || PASSING.has(tool.name)) continue;
        const whole = (await bench.app.call(tool.name, { limit: 1000 }))["items"] as Row[];
        const walked: Row[] = [];
        let cursor: unknown;
        for (let page = 0; page < Math.min(whole.length, 30); page += 1) {
          const answer = await bench.app.call(tool.name, { limit: Math.ceil(whole.length / 3) || 1, ...(cursor ? { cursor } : {}) });
          walked.push(...(answer["items"] as Row[]));
          cursor = answer["cursor"];
          if (!cursor) break;
        }
        const keyOf = (row: Row): string =>
          JSON.stringify([row[tool.operation?.kind.key ?? ""], ...Object.keys(tool.operation?.kind.within ?? {}).map((name) => row[name])]);
        expect(walked.map(keyOf), tool.name).toEqual(whole.map(keyOf));
      }
    });

    it("honours every filter that a row's own values make", async () => {
      for (const tool of toolsFor(bench.app, "list")) {
        const { operation } = tool;
        if (!operation || operation.kind.listRequires?.length || PASSING.has(tool.name)) continue;
        const whole = (await bench.app.call(tool.name, { limit: 1000 }))["items"] as Row[];
        const [sample] = whole;
        if (!sample) continue;
        for (const field of operation.fields) {
          const value = sample[field.name];
          if (value === undefined || field.type === "object" || (field.type === "list" && (value as unknown[]).length === 0)) continue;
          // Measurements move between two calls; identity and settings do not.
          if (/^(uptime|cpu_usage|memory_used|disk_used|processes|latency)$/.test(field.name)) continue;
          const first = field.type === "list" ? (value as string[])[0] : undefined;
          const condition =
            field.type === "number"
              ? { min: value, max: value }
              : field.type === "enum"
                ? [value]
                : field.type === "list"
                  ? [first]
                  : field.type === "time"
                    ? { after: value }
                    : value;
          if (field.type === "text" && String(value).includes("*")) continue;
          const filtered = (await bench.app.call(tool.name, { where: { [field.name]: condition }, limit: 1000 }))["items"] as Row[];
          const expected = whole.filter((row) => {
            const own = row[field.name];
            if (field.type === "list") return (own as string[] | undefined)?.includes(first ?? "");
            return field.type === "time" ? Date.parse(String(own)) >= Date.parse(String(value)) : same(own, value);
          });
          const { key } = operation.kind;
          expect(
            filtered.map((row) => row[key]),
            `${tool.name} where ${field.name}`,
          ).toEqual(expected.map((row) => row[key]));
        }
      }
    });

    it("says NOT_FOUND for what is not there", async () => {
      for (const tool of toolsFor(bench.app, "get")) {
        const { kind } = tool.operation ?? {};
        if (!kind || Object.keys(kind.within ?? {}).some((name) => name !== "project")) continue;
        const error: unknown = await bench.app.call(tool.name, { [kind.key]: "nothere" }).catch((failure: unknown) => failure);
        expect(isProxMcpError(error) ? error.code : error, tool.name).toBe("NOT_FOUND");
        expect((error as Error).message, tool.name).toContain("nothere");
      }
    });

    scenario(() => bench);
  });
}

async function agrees(app: ProxMcp, list: Tool, row: Row): Promise<void> {
  const { kind } = list.operation ?? {};
  if (!kind) return;
  const within = Object.fromEntries(Object.keys(kind.within ?? {}).map((name) => [name, row[name]]));
  const { item } = (await app.call(list.name.replace(/_list$/, "_get"), { [kind.key]: String(row[kind.key]), ...within })) as { item: Row };
  expect(item[kind.key], list.name).toEqual(row[kind.key]);
  for (const name of ["name", "id", "status", "type", "image", "node"])
    if (row[name] !== undefined && item[name] !== undefined) expect(item[name], `${list.name} ${name}`).toEqual(row[name]);
}

const same = (a: unknown, b: unknown): boolean => (typeof a === "string" && typeof b === "string" ? a.toLowerCase() === b.toLowerCase() : a === b);

const toolsFor = (app: ProxMcp, verb: string): readonly Tool[] => app.tools("all").filter((tool) => tool.operation?.verb === verb);

export function benchOf(app: ProxMcp, provider: string): Bench {
  const call: Bench["call"] = async (tool, args = {}) => await app.call(`${provider}_${tool}`, args, { confirm: true });
  return {
    app,
    call,
    item: async (tool, args) => (await call(tool, args))["item"] as Row,
    result: async (tool, args) => (await call(tool, args))["result"] as Row,
    rows: async (tool, args) => (await call(tool, args))["items"] as Row[],
    refusal: async (tool, args) => {
      try {
        await call(tool, args);
      } catch (error) {
        if (isProxMcpError(error)) return error.code;
        throw error;
      }
      throw new Error(`${tool} was expected to fail, and did not`);
    },
  };
}
