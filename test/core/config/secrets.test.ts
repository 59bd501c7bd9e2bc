import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProxMcp, type Logger, LOGGER, type Setup } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { Secrets } from "../../../core/config/secrets.js";
import { isProxMcpError } from "../../../core/errors.js";
import { listed } from "../../../core/server/answer.js";
import leaky from "../../fixtures/leaky-provider.js";

describe("masking", () => {
  const knowing = (...values: string[]): Secrets => {
    const secrets = new Secrets();
    for (const value of values) secrets.add(value);
    return secrets;
  };

  it("takes a secret out of texts, keys and everything nested", () => {
    const secrets = knowing("hunter2-x");
    expect(secrets.mask({ a: ["see hunter2-x, hunter2-x"], "hunter2-x": { b: "hunter2-x" }, n: 1, none: null, no: undefined })).toEqual({
      a: ["see [secret], [secret]"],
      "[secret]": { b: "[secret]" },
      n: 1,
      none: null,
      no: undefined,
    });
  });

  it("takes each part of a token out, also behind a second =", () => {
    const secrets = knowing("PVEAPIToken=root@pam!mcp=0b1c2d3e-4f50");
    expect(secrets.maskText("a root@pam!mcp=0b1c2d3e-4f50 b 0b1c2d3e-4f50 c")).toBe("a [secret] b [secret] c");
  });

  it("leaves nothing over of a secret that begins with another", () => {
    for (const order of [
      ["hunter2", "hunter2-and-more"],
      ["hunter2-and-more", "hunter2"],
    ])
      expect(knowing(...order).maskText("hunter2-and-more")).toBe("[secret]");
  });

  it("knows a secret in JSON and in an address, and with the newline that a file ends in", () => {
    expect(knowing('quo"te\\d').maskText(JSON.stringify({ a: 'quo"te\\d' }))).toBe('{"a":"[secret]"}');
    expect(knowing("sla/sh and?").maskText("https://x/?t=sla%2Fsh%20and%3F")).toBe("https://x/?t=[secret]");
    expect(knowing("  padded\n").maskText("is padded!")).toBe("is [secret]!");
  });

  it("takes no pattern for a pattern", () => {
    expect(knowing("a.c$(1|2)[x]*").maskText("a.c$(1|2)[x]* abc")).toBe("[secret] abc");
  });

  it("leaves other PEM texts whole", () => {
    const pem = (body: string): string => `-----BEGIN CERTIFICATE-----\n${body}==\n-----END CERTIFICATE-----\n`;
    expect(knowing(pem("AAAA")).maskText(pem("BBBB"))).toBe(pem("BBBB"));
    expect(knowing(pem("AAAA")).maskText(`x${pem("AAAA")}y`)).not.toContain("AAAA");
  });

  it("does not blot out short words", () => {
    expect(knowing("root", "a=b").maskText("root a=b")).toBe("root a=b");
  });

  it("masks by name what is called a secret, where asked to", () => {
    const secrets = new Secrets();
    const value = {
      root_password: "x",
      apiKey: "y",
      passwords: ["a", { deep: "b" }],
      environment: ["DB_PASSWORD=two words", "PATH=/bin", "TOKEN=a=b"],
      command: ["mysql", "--password=x", "-u", "root"],
      url: "https://h/?access_token=abc&x=1",
      count: { tokens: 300 },
      name: "web",
    };
    expect(secrets.mask(value)).toEqual(value);
    expect(secrets.mask(value, true)).toEqual({
      root_password: "[secret]",
      apiKey: "[secret]",
      passwords: ["[secret]", { deep: "[secret]" }],
      environment: ["DB_PASSWORD=[secret]", "PATH=/bin", "TOKEN=[secret]"],
      command: ["mysql", "--password=[secret]", "-u", "root"],
      url: "https://h/?access_token=[secret]&x=1",
      count: { tokens: 300 },
      name: "web",
    });
  });

  it("survives cycles, errors, dates and long texts", () => {
    const secrets = knowing("hunter2-x");
    const round: Record<string, unknown> = { text: "hunter2-x" };
    round["self"] = round;
    expect(secrets.mask(round)).toEqual({ text: "[secret]", self: "[circular]" });
    const error = Object.assign(new TypeError("hunter2-x"), { code: "E", cause: new Error("hunter2-x") });
    expect(secrets.mask({ error })).toMatchObject({ error: { name: "TypeError", message: "[secret]", code: "E" } });
    expect(secrets.mask({ at: new Date(0), where: new URL("https://hunter2-x/") })).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      where: "https://[secret]/",
    });
    const began = performance.now();
    secrets.mask({ body: "a-_.".repeat(100_000) }, true);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it("is the same for the same thing that stands twice beside itself", () => {
    const one = { a: "hunter2-x" };
    expect(knowing("hunter2-x").mask({ x: one, y: one })).toEqual({ x: { a: "[secret]" }, y: { a: "[secret]" } });
  });
});

/** Every kind of secret that a config can hold, each with a word of its own to look for. */
const WORDS = ["planted-env", "planted-file", "planted-plain", "planted-half", "planted-deep", "planted-list", "planted-extra"];

async function planted(): Promise<{ folder: string; env: Record<string, string>; connection: Record<string, unknown> }> {
  const folder = await mkdtemp(join(tmpdir(), "proxmcp-secrets-"));
  await writeFile(join(folder, "key.txt"), "planted-file\n");
  return {
    folder,
    env: { SECRET_KEY: "planted-env", EXTRA: "planted-extra" },
    connection: {
      provider: "leaky",
      token: "root@pam!mcp=planted-half",
      auth: { user: "me", password: "planted-plain-and-deep".replace("-and", "") },
      keys: [{ env: "SECRET_KEY" }, { file: "key.txt" }, "planted-list"],
      extra: { env: "EXTRA" },
    },
  };
}

const found = (text: string): string[] => WORDS.concat("planted").filter((word) => text.includes(word));

describe("planted secrets", () => {
  async function open(setup: Partial<Setup> = {}) {
    const { folder, env, connection } = await planted();
    const app = await createProxMcp({ plugins: [leaky], connections: { a: connection as never }, folder, env, log: { level: "silent" }, ...setup });
    onTestFinished(() => app.close());
    return { app };
  }

  it("reach the client as they are", async () => {
    let options: unknown;
    class Witness extends leaky.client {
      static override readonly inject = leaky.client.inject;
      constructor(...services: never[]) {
        super(...services);
        ({ options } = services[0] as unknown as { options: unknown });
      }
    }
    const { app } = await open({ plugins: [{ ...leaky, client: Witness }] });
    await app.call("leaky_thing_get", { name: "a" });
    expect(options).toEqual({
      token: "root@pam!mcp=planted-half",
      auth: { user: "me", password: "planted-plain-deep" },
      keys: ["planted-env", "planted-file", "planted-list"],
      extra: "planted-extra",
    });
  });

  it("never appear in results, notes and errors of sources", async () => {
    const { app } = await open();
    for (const [tool, args] of [
      ["leaky_thing_list", {}],
      ["leaky_thing_get", { name: "a" }],
      ["leaky_thing_stats", { name: "a" }],
      ["connection_list", {}],
      ["connection_test", {}],
    ] as const) {
      const text = JSON.stringify(await app.call(tool, args));
      expect(found(text), tool).toEqual([]);
      if (tool.startsWith("leaky")) expect(text).toContain("[secret]");
    }
  });

  it.each(["leaky_thing_update", "leaky_thing_start"])("never appear in the error of %s", async (tool) => {
    const { app } = await open();
    const error = await app.call(tool, { name: "a" }).catch((thrown: unknown) => thrown);
    if (!isProxMcpError(error)) throw error;
    expect(found(JSON.stringify(error.report()))).toEqual([]);
    expect(
      found(`${error.message} ${error.stack} ${JSON.stringify(error.details)} ${String(error.details.cause ?? "")} ${String(error.cause ?? "")}`),
    ).toEqual([]);
    expect(error.message).toContain("[secret]");
  });

  it("never appear in progress", async () => {
    const { app } = await open();
    const messages: unknown[] = [];
    await app.call("leaky_thing_stats", { name: "a" }, { progress: ({ message }) => void messages.push(message) });
    expect(messages).toHaveLength(1);
    expect(found(JSON.stringify(messages))).toEqual([]);
  });

  it("never appear in what doctor shows", async () => {
    const { app } = await open();
    const tested = await app.test();
    expect(tested).toHaveLength(1);
    expect(found(JSON.stringify(tested))).toEqual([]);
  });

  it("never appear in tools and their schemas", async () => {
    const { app } = await open({ tools: { surface: "all" } });
    expect(found(JSON.stringify(app.tools().map(listed)))).toEqual([]);
    expect(found(JSON.stringify(app.connections))).toEqual([]);
  });

  it("never appear in the audit, nor do those of the arguments", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "proxmcp-audit-")), "audit.jsonl");
    const audited = await open({ audit: { file } });
    const update = {
      name: "root@pam!mcp=planted-half",
      password: "planted-argument",
      environment: ["DB_PASSWORD=planted-argument", "A=planted-env"],
      pin: 271828,
      door: { code: "31415" },
    };
    await expect(audited.app.call("leaky_thing_update", update)).rejects.toThrow();
    await audited.app.call("leaky_thing_get", { name: "planted-file" });
    await audited.app.close();
    const text = await readFile(file, "utf8");
    expect(found(text)).toEqual([]);
    for (const argument of ["planted-argument", "271828", "31415"]) expect(text).not.toContain(argument);
    expect(text.trim().split("\n")).toHaveLength(2);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("never appear in a config error, whichever option is wrong", async () => {
    const { folder, env, connection } = await planted();
    const wrong: Record<string, unknown>[] = [
      { ...connection, mode: "planted-file" }, // a secret in the wrong place
      { ...connection, mode: { file: "key.txt" } },
      { ...connection, mode: { env: "SECRET_KEY" } },
      { ...connection, token: "abc", nonsense: "planted-list" },
      { ...connection, auth: "planted-plain" },
      { ...connection, auth: { user: 1, password: "planted-plain" } },
      { ...connection, keys: "planted-list" },
      { ...connection, keys: [7, "planted-list"] },
      { ...connection, url: 7, extra: ["planted-extra"] },
      { ...connection, url: { env: "MISSING" } },
    ];
    for (const a of wrong) {
      const error = await createProxMcp({ plugins: [leaky], connections: { a: a as never }, folder, env }).catch((thrown: unknown) => thrown);
      if (!isProxMcpError(error)) throw new Error(`${JSON.stringify(a)} was taken: ${String(error)}`);
      expect(error.code).toBe("CONFIG_INVALID");
      expect(found(JSON.stringify(error.report())), JSON.stringify(a)).toEqual([]);
    }
  });

  it("what a reference leads to in a field that is described as no secret is shown in results", async () => {
    const lines: string[] = [];
    const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: (message) => void lines.push(message) };
    const app = await createProxMcp({
      plugins: [leaky],
      connections: { a: { provider: "leaky", url: { env: "ADDRESS" } } },
      env: { ADDRESS: "https://leaky.example" },
      services: (container) => container.register(LOGGER, { useValue: logger }),
    });
    onTestFinished(() => app.close());
    expect(await app.call("leaky_thing_get", { name: "a" })).toMatchObject({ item: { text: expect.stringContaining("https://leaky.example") } });
    expect(lines).toHaveLength(1);
  });
});
