import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createProxMcp, isProxMcpError, type ProxMcp, type ProxMcpError } from "proxmcp";
import { CONNECTION, type ConnectionOf, defineProvider, facet, forClient, ProxMcpError as PluginError } from "proxmcp/plugin";

const Schema = z.strictObject({});

class Shed {
  static readonly inject = [CONNECTION] as const;
  readonly name: string;
  readonly asked: string[] = [];
  constructor(connection: ConnectionOf<typeof Schema>) {
    this.name = connection.name;
    sheds.set(this.name, this);
  }
}
const sheds = new Map<string, Shed>();

const { kind, write, destructive } = forClient<Shed>();

const box = kind({
  name: "box",
  about: "A box in the shed",
  item: z.object({ name: facet(z.string(), "Name") }),
  key: "name",
  get: async ({ key }) => {
    if (key === "none") throw new PluginError("NOT_FOUND", `There is no box "${key}".`);
    return { name: key };
  },
  actions: {
    empty: destructive({
      about: "Throw out what a box holds",
      on: "item",
      input: { all: z.boolean().default(false) },
      loses: async ({ client, key, input, note }) => {
        client.asked.push(`loses ${key}`);
        note("a note of a question is no note of the call");
        if (key === "none") throw new PluginError("NOT_FOUND", `There is no box "${key}".`);
        if (key === "deep") await new Promise(() => {});
        return `${input.all ? "7" : "3"} spades in ${key}.`;
      },
      run: async ({ client, key }) => void client.asked.push(`run ${key}`),
    }),
    paint: write({ about: "Paint a box", on: "item", loses: async () => "The old colour.", run: async () => {} }),
  },
});

const provider = defineProvider({
  name: "shed",
  title: "Shed",
  about: "A shed with boxes.",
  connection: { noun: "shed", schema: Schema },
  hosts: [],
  client: Shed,
  test: async () => ({ version: "1" }),
  kinds: [box],
});

async function open(limits?: { readTimeout: number }): Promise<ProxMcp> {
  const app = await createProxMcp({
    plugins: [provider],
    connections: { garden: { provider: "shed" } },
    tools: { surface: "all" },
    log: { level: "silent" },
    ...(limits ? { limits } : {}),
  });
  onTestFinished(() => app.close());
  return app;
}

async function failure(call: Promise<unknown>): Promise<ProxMcpError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isProxMcpError(error)) return error;
  throw new Error(`it should have failed with an error of ours, not ${String(error)}`);
}

it("says in its question what this very call would take, and runs nothing before the answer", async () => {
  const app = await open();
  const error = await failure(app.call("shed_box_empty", { name: "red", all: true }));
  expect(error.code).toBe("CONFIRMATION_REQUIRED");
  expect(error.message).toBe('Empty Shed box "red" on shed garden? 7 spades in red.');
  expect(sheds.get("garden")?.asked).toEqual(["loses red"]);
});

it("looks once: a call with the token is not asked again", async () => {
  const app = await open();
  const { details } = await failure(app.call("shed_box_empty", { name: "red" }));
  const value = await app.call("shed_box_empty", { name: "red" }, { confirmToken: String(details.data?.["confirm"]) });
  expect(value).toEqual({ item: { name: "red" } });
  expect(sheds.get("garden")?.asked).toEqual(["loses red", "run red"]);
});

it("asks nobody about what is not there", async () => {
  const app = await open();
  let questions = 0;
  const confirm = async (): Promise<boolean> => ++questions > 0;
  expect(await failure(app.call("shed_box_empty", { name: "none" }, { confirm }))).toMatchObject({
    code: "NOT_FOUND",
    details: { connection: "garden" },
  });
  expect(questions).toBe(0);
});

it("looks only when the call has to be confirmed", async () => {
  const app = await open();
  expect(await app.call("shed_box_paint", { name: "red" })).toEqual({ item: { name: "red" } });
  expect(sheds.get("garden")?.asked ?? []).toEqual([]);
});

it("does not look for ever", async () => {
  const app = await open({ readTimeout: 0.05 });
  expect(await failure(app.call("shed_box_empty", { name: "deep" }))).toMatchObject({ code: "TIMEOUT" });
});
