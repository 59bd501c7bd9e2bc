import { afterAll, beforeAll, describe } from "vitest";
import { type CallValue, createProxMcp, type ErrorCode, isProxMcpError, type ProxMcp } from "proxmcp";

/**
 * A platform's own scenario, which holds on its sandbox and on the real engine: where the two differ, the sandbox is wrong. What every provider
 * has to keep to is asked by `testProvider`.
 */
export interface Subject {
  /** "docker sandbox", "real docker". */
  readonly name: string;
  readonly provider: string;
  /** Brings the platform up and says how it is reached. */
  start(): Promise<{ readonly connection: Readonly<Record<string, unknown>>; close(): Promise<void> }>;
}

export type Row = Readonly<Record<string, unknown>>;

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

/** Runs the scenario of a platform on a subject. */
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

    scenario(() => bench);
  });
}

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
