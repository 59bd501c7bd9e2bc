import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createProxMcp, isProxMcpError, type ProxMcp } from "proxmcp";
import { CONNECTION, type ConnectionOf, defineProvider, facet, forClient, type Kind } from "proxmcp/plugin";
import { listed } from "../../../core/server/answer.js";

const Schema = z.strictObject({});

class Pond {
  static readonly inject = [CONNECTION] as const;
  readonly name: string;
  constructor(connection: ConnectionOf<typeof Schema>) {
    this.name = connection.name;
  }
}

const { kind, write, destructive } = forClient<Pond>();
const run: string[] = [];

const pump = kind({
  name: "pump",
  about: "A pump in a pond",
  item: z.object({ name: facet(z.string(), "Name") }),
  key: "name",
  get: async ({ key }) => ({ name: key }),
  actions: {
    stop: write({
      about: "Stop a pump",
      input: { dry: z.boolean().default(false) },
      destructiveWhen: ({ dry }) => (dry ? "The fish would not like that." : undefined),
      run: async ({ key, input }) => void run.push(`${key} ${input.dry}`),
    }),
    start: write({ about: "Start a pump", run: async () => {} }),
  },
});

const provider = (kinds: readonly Kind<Pond>[] = [pump]) =>
  defineProvider({
    name: "pond",
    title: "Pond",
    about: "A pond with pumps.",
    connection: { noun: "pond", schema: Schema },
    hosts: [],
    client: Pond,
    test: async () => ({ version: "1" }),
    kinds,
  });

async function open(tools: object = {}): Promise<ProxMcp> {
  const app = await createProxMcp({ plugins: [provider()], connections: { garden: { provider: "pond" } }, tools, log: { level: "silent" } });
  onTestFinished(() => app.close());
  run.length = 0;
  return app;
}

const refusal = async (call: Promise<unknown>): Promise<{ code: string; message: string; data?: Readonly<Record<string, unknown>> | undefined }> => {
  const error: unknown = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!isProxMcpError(error)) throw new Error("it was expected to be refused");
  return error.report();
};

it("has a call confirmed that its arguments make destructive, and no other", async () => {
  const app = await open();
  await app.call("pond_pump_stop", { name: "small" });
  const { code, message, data } = await refusal(app.call("pond_pump_stop", { name: "small", dry: true }));
  expect([code, message]).toEqual(["CONFIRMATION_REQUIRED", expect.stringContaining("The fish would not like that.")]);
  expect(run).toEqual(["small false"]);
  await app.call("pond_pump_stop", { name: "small", dry: true, confirm: data?.["confirm"] });
  expect(run).toEqual(["small false", "small true"]);
});

it("does not take a token for the harmless call as one for the grave", async () => {
  const app = await open({ confirm: "write" });
  const { data } = await refusal(app.call("pond_pump_stop", { name: "small" }));
  expect((await refusal(app.call("pond_pump_stop", { name: "small", dry: true, confirm: data?.["confirm"] }))).code).toBe("CONFIRMATION_INVALID");
  expect(run).toEqual([]);
});

it("never asks where confirmations are off", async () => {
  const app = await open({ confirm: "never" });
  await app.call("pond_pump_stop", { name: "small", dry: true });
  expect(run).toEqual(["small true"]);
});

it("tells clients the worst that a call can be", async () => {
  const app = await open();
  const [stop, start] = ["pond_pump_stop", "pond_pump_start"].map((name) => listed(app.tool(name)));
  expect(stop?.annotations).toMatchObject({ destructiveHint: true, readOnlyHint: false });
  expect(stop?.inputSchema.properties).toHaveProperty("confirm");
  expect(start?.annotations).toMatchObject({ destructiveHint: false });
  expect(start?.inputSchema.properties).not.toHaveProperty("confirm");
});

it("is of writes only", async () => {
  const grave = kind({
    name: "pump",
    about: "A pump in a pond",
    get: async ({ key }) => ({ name: key }),
    item: z.object({ name: facet(z.string(), "Name") }),
    key: "name",
    actions: { delete: destructive({ about: "Delete", destructiveWhen: () => undefined, run: async () => {} }) },
  });
  const error = await createProxMcp({ plugins: [provider([grave])], connections: {}, log: { level: "silent" } }).catch((failure: unknown) => failure);
  expect(String((error as Error).message)).toContain("only a write can be graver");
});
