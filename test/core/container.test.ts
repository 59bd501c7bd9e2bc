import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AUDIT,
  type AuditEntry,
  CLOCK,
  createProxMcp,
  HTTP,
  type Http,
  LOGGER,
  type Logger,
  POLICY,
  type Policy,
  type ProxMcp,
  type Setup,
  STATE,
  type StateStore,
} from "proxmcp";
import { CONNECTION, token } from "proxmcp/plugin";
import { describe, expect, it, onTestFinished } from "vitest";
import { Services } from "../../core/container.js";
import { Robot, ROBOTS, roomOf, stock, tapeLibrary } from "../fixtures/tape-library.js";
import { stillClock } from "../fixtures/tape-app.js";

describe("the container", () => {
  const A = token<{ id: string; close?(): unknown }>("test/a");
  const B = token<{ id: string; close?(): unknown }>("test/b");

  /** Things that note when they are closed. */
  const closing =
    (closed: string[]) =>
    (id: string, fails = false) => ({
      id,
      close: async () => {
        await new Promise((done) => setTimeout(done, 2));
        closed.push(id);
        if (fails) throw new Error(`${id} will not close`);
      },
    });

  it("makes a service when it is first asked for, once, and gives children the same", () => {
    const services = new Services();
    let made = 0;
    services.factory(A, () => ({ id: `a${++made}` }));
    expect(made).toBe(0);
    expect(services.child().child().get(A).id).toBe("a1");
    expect(services.get(A)).toBe(services.child().get(A));
    expect(made).toBe(1);
  });

  it("a child's own registration stays its own", () => {
    const services = new Services();
    services.value(A, { id: "root" });
    const [one, two] = [services.child(), services.child()];
    one.value(A, { id: "one" });
    expect([services.get(A).id, one.get(A).id, two.get(A).id]).toEqual(["root", "one", "root"]);
  });

  it("closes children before parents, and the last made first", async () => {
    const closed: string[] = [];
    const make = closing(closed);
    const root = new Services();
    root.factory(A, () => make("root a"));
    root.factory(B, (all) => make(`root b on ${all.get(A).id}`));
    root.get(B);
    for (const name of ["one", "two"]) {
      const child = root.child();
      child.factory(A, () => make(`${name} a`));
      child.factory(B, () => make(`${name} b`));
      child.get(B);
      child.get(A);
    }
    await root.close();
    expect(closed).toEqual(["two a", "two b", "one a", "one b", "root b on root a", "root a"]);
    await root.close();
    expect(closed).toHaveLength(6);
  });

  it("one that fails to close keeps no other open", async () => {
    const closed: string[] = [];
    const make = closing(closed);
    const root = new Services();
    root.factory(A, () => make("a"));
    root.get(A);
    const child = root.child();
    child.factory(B, () => make("b", true));
    child.get(B);
    child.factory(A, () => ({
      id: "c",
      close() {
        closed.push("c");
        throw new Error("at once");
      },
    }));
    child.get(A);
    await expect(root.close()).resolves.toBeUndefined();
    expect(closed).toEqual(["c", "b", "a"]);
  });

  it("leaves alone what it was given", async () => {
    const closed: string[] = [];
    const root = new Services();
    root.value(A, closing(closed)("given"));
    root.get(A);
    await root.close();
    expect(closed).toEqual([]);
  });

  it("constructs a class from what its inject names, in that order, and closes it", async () => {
    const closed: string[] = [];
    class Client {
      static readonly inject = [B, A] as const;
      readonly got: readonly string[];
      constructor(b: { id: string }, a: { id: string }) {
        this.got = [b.id, a.id];
      }
      close(): void {
        closed.push("client");
      }
    }
    const root = new Services();
    root.value(A, { id: "a" });
    root.value(B, { id: "b" });
    const child = root.child();
    expect(child.construct(Client).got).toEqual(["b", "a"]);
    expect(child.construct(Client)).not.toBe(child.construct(Client));
    await root.close();
    expect(closed).toHaveLength(3);
  });

  it("makes nothing more once it is closed: nobody would close that", async () => {
    const root = new Services();
    const child = root.child();
    await root.close();
    class Client {
      static readonly inject = [] as const;
      static made = 0;
      constructor() {
        Client.made += 1;
      }
    }
    expect(() => child.construct(Client)).toThrow(/closed/);
    expect(Client.made).toBe(0);
  });

  it("names a service that nobody registered", () => {
    expect(() => new Services().get(token("test/nobody"))).toThrow(/proxmcp\/test\/nobody/);
  });
});

let rooms = 0;
async function open(setup: Partial<Setup> & { libraries?: readonly string[] } = {}): Promise<{ app: ProxMcp; names: readonly string[] }> {
  const { libraries = ["main"], ...rest } = setup;
  const run = ++rooms;
  const names = libraries.map((name) => `${name}-${run}`);
  for (const name of names) stock(name, [{ barcode: "T00001" }]);
  const connections = Object.fromEntries(names.map((name) => [name, { provider: "tape", room: name }]));
  const app = await createProxMcp({ plugins: [tapeLibrary()], connections, env: {}, log: { level: "silent" }, ...rest });
  onTestFinished(() => app.close());
  return { app, names };
}

describe("an app", () => {
  it("makes a client for each connection, when it is first used, once", async () => {
    const before = Robot.made;
    const { app, names } = await open({ libraries: ["a", "b"] });
    const [a = "", b = ""] = names;
    app.tools("all").map((tool) => [tool.inputSchema, tool.outputSchema]);
    app.vocabulary();
    app.routes();
    await app.call("connection_list");
    expect(Robot.made - before).toBe(0);
    await Promise.all([1, 2, 3].map(() => app.call("tape_cartridge_get", { barcode: "T00001", library: a })));
    expect(Robot.made - before).toBe(1);
    await app.call("tape_cartridge_list");
    expect(Robot.made - before).toBe(2);
    expect(ROBOTS.get(a)).not.toBe(ROBOTS.get(b));
    await app.test();
    expect(Robot.made - before).toBe(2);
  });

  it("closes its clients, the last made first, and no other app's", async () => {
    const one = await open({ libraries: ["a", "b"] });
    const two = await open({ libraries: ["c"] });
    await one.app.call("tape_cartridge_get", { barcode: "T00001", library: one.names[0] });
    await one.app.call("tape_cartridge_get", { barcode: "T00001", library: one.names[1] });
    await two.app.call("tape_cartridge_list");
    Robot.closed.length = 0;
    await one.app.close();
    expect(Robot.closed).toEqual([one.names[1], one.names[0]]);
    await expect(two.app.call("tape_cartridge_list")).resolves.toMatchObject({ total: 1 });
    await one.app.close();
    expect(Robot.closed).toHaveLength(2);
  });

  it("that is closed makes no client any more", async () => {
    const { app } = await open();
    await app.close();
    const before = Robot.made;
    await expect(app.call("tape_cartridge_list")).rejects.toMatchObject({ name: "ProxMcpError" });
    expect(Robot.made).toBe(before);
  });

  it("shares nothing with another in the same process", async () => {
    const audited: [AuditEntry[], AuditEntry[]] = [[], []];
    const apps = await Promise.all(
      [0, 1].map((at) =>
        open({
          tools: at === 0 ? { readOnly: true } : {},
          services: (container) => container.register(AUDIT, { useValue: { write: (entry: AuditEntry) => void audited[at as 0].push(entry) } }),
        }),
      ),
    );
    const [one, two] = apps as [(typeof apps)[0], (typeof apps)[0]];
    // A policy of one, a confirmation of one.
    await expect(one.app.call("tape_cartridge_load", { barcode: "T00001" })).rejects.toMatchObject({ code: "TOOL_DENIED" });
    await expect(two.app.call("tape_cartridge_load", { barcode: "T00001" })).resolves.toBeTruthy();
    const third = await open();
    const refused = await two.app.call("tape_cartridge_delete", { barcode: "T00001" }).catch((error: unknown) => error);
    const token = (refused as { details: { data: { confirm: string } } }).details.data.confirm;
    await expect(third.app.call("tape_cartridge_delete", { barcode: "T00001", confirm: token })).rejects.toMatchObject({
      code: "CONFIRMATION_INVALID",
    });
    await expect(two.app.call("tape_cartridge_delete", { barcode: "T00001", confirm: token })).resolves.toMatchObject({ deleted: true });
    expect(audited[0].every((entry) => entry.connections.every((name) => one.names.includes(name)))).toBe(true);
    expect(audited[1].length).toBeGreaterThan(0);
  });

  it("a secret of one is not masked in another", async () => {
    const room = "shared-word-room";
    stock(room, [{ barcode: "T00001", label: "hunter2-label" }]);
    const connections = { a: { provider: "tape", room, password: "hunter2-label" } };
    const one = await open({ connections });
    const two = await open({ connections: { a: { provider: "tape", room } } });
    expect(await one.app.call("tape_cartridge_get", { barcode: "T00001" })).toMatchObject({ item: { label: "[secret]" } });
    expect(await two.app.call("tape_cartridge_get", { barcode: "T00001" })).toMatchObject({ item: { label: "hunter2-label" } });
  });
});

describe("each service can be replaced by an embedder", () => {
  it("the clock: for clients, for the audit, for what expires", async () => {
    const clock = stillClock();
    const entries: AuditEntry[] = [];
    const { app } = await open({
      services: (container) => {
        container.register(CLOCK, { useValue: clock });
        container.register(AUDIT, { useValue: { write: (entry: AuditEntry) => void entries.push(entry) } });
      },
    });
    expect(await app.call("tape_cartridge_stats", { barcode: "T00001" })).toMatchObject({ result: { at: clock.now() } });
    expect(entries).toMatchObject([{ time: new Date(clock.now()).toISOString(), milliseconds: 0 }]);
    const refused = await app.call("tape_cartridge_delete", { barcode: "T00001" }).catch((error: unknown) => error);
    clock.advance(601);
    const confirm = (refused as { details: { data: { confirm: string } } }).details.data.confirm;
    await expect(app.call("tape_cartridge_delete", { barcode: "T00001", confirm })).rejects.toMatchObject({ code: "CONFIRMATION_INVALID" });
  });

  it("the logger: for the core, for plugins and for the audit that goes to the log", async () => {
    const lines: { level: string; message: string; facts: Record<string, unknown> | undefined }[] = [];
    const at =
      (level: string): Logger["info"] =>
      (message, facts) =>
        void lines.push({ level, message, facts });
    const logger: Logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    const { app, names } = await open({ services: (container) => container.register(LOGGER, { useValue: logger }) });
    expect(app.logger).toBe(logger);
    await app.call("tape_cartridge_load", { barcode: "T00001" });
    expect(lines).toContainEqual({
      level: "info",
      message: "audit",
      facts: expect.objectContaining({ tool: "tape_cartridge_load", connections: names }),
    });
  });

  it("the http service: what a client opens its connections with", async () => {
    const opened: string[] = [];
    const http: Http = {
      open: ({ url }) => {
        opened.push(url);
        return {
          request: async () => {
            throw new Error("no network here");
          },
          close: async () => {},
        } as unknown as ReturnType<Http["open"]>;
      },
    };
    const app = await createProxMcp({
      plugins: ["docker"],
      connections: { d: { provider: "docker", url: "tcp://docker.example:2375" } },
      log: { level: "silent" },
      services: (container) => container.register(HTTP, { useValue: http }),
    });
    onTestFinished(() => app.close());
    await expect(app.call("docker_container_list")).rejects.toMatchObject({ name: "ProxMcpError" });
    expect(opened).toEqual(["http://docker.example:2375"]);
  });

  it("the state store: where used tokens are kept, so that two replicas can share it", async () => {
    const kept = new Map<string, unknown>();
    const state: StateStore = {
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
      add: async (key, value) => !kept.has(key) && Boolean(kept.set(key, value)),
      delete: async (key) => void kept.delete(key),
    };
    const { app } = await open({ services: (container) => container.register(STATE, { useValue: state }) });
    const refused = await app.call("tape_cartridge_delete", { barcode: "T00001" }).catch((error: unknown) => error);
    const confirm = (refused as { details: { data: { confirm: string } } }).details.data.confirm;
    await app.call("tape_cartridge_delete", { barcode: "T00001", confirm });
    expect([...kept.keys()]).toEqual([expect.stringMatching(/^confirm\//)]);
  });

  it("the policy: the only one that is asked", async () => {
    const asked: string[] = [];
    const policy: Policy = {
      decide: (caller, tool, connection) => {
        asked.push(`${caller.id} ${tool.name} ${connection}`);
        return tool.name.endsWith("_list") ? { allowed: true, confirm: false } : { allowed: false, why: "only lists here" };
      },
    };
    const { app, names } = await open({ services: (container) => container.register(POLICY, { useValue: policy }), tools: { allow: ["nothing"] } });
    expect(app.tools("all").map((tool) => tool.name)).toEqual(["connection_list", "tape_cartridge_list", "tape_track_list"]);
    await expect(app.call("tape_cartridge_list", {}, { caller: { id: "jo" } })).resolves.toBeTruthy();
    await expect(app.call("tape_cartridge_load", { barcode: "T00001" })).rejects.toThrow("tape_cartridge_load is not allowed: only lists here.");
    expect(asked).toContain(`jo tape_cartridge_list ${names[0]}`);
  });

  it("the audit: one entry for each call, failed or not", async () => {
    const entries: AuditEntry[] = [];
    const { app } = await open({
      services: (container) => container.register(AUDIT, { useValue: { write: async (entry: AuditEntry) => void entries.push(entry) } }),
    });
    await app.call("tape_cartridge_list");
    await app.call("tape_cartridge_get", { barcode: "none" }).catch(() => {});
    await app.call("tape_cartridge_load", { barcode: "T00001" });
    expect(entries.map(({ tool, outcome, safety }) => `${tool} ${outcome} ${safety}`)).toEqual([
      "tape_cartridge_list ok read",
      "tape_cartridge_get NOT_FOUND read",
      "tape_cartridge_load ok write",
    ]);
    expect(new Set(entries.map((entry) => entry.call)).size).toBe(3);
  });

  it("a service of the embedder's own, for a client of its own", async () => {
    const PRINTER = token<{ print(text: string): void }>("test/printer");
    const printed: string[] = [];
    class Printing extends Robot {
      static override readonly inject = [CONNECTION, CLOCK, PRINTER] as never;
      constructor(connection: never, clock: never, printer?: { print(text: string): void }) {
        super(connection, clock);
        printer?.print("made");
      }
    }
    const { app } = await open({
      plugins: [{ ...tapeLibrary(), client: Printing }],
      services: (container) => container.register(PRINTER, { useValue: { print: (text: string) => void printed.push(text) } }),
    });
    await app.call("tape_cartridge_list");
    expect(printed).toEqual(["made"]);
  });
});

describe("closing", () => {
  it("leaves no connection open", async () => {
    const server = createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      response.setHeader("api-version", "1.41");
      response.end(request.url?.includes("version") ? '{"ApiVersion":"1.41","Version":"20.10.24"}' : "[]");
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    onTestFinished(() => void server.close());
    const count = (): Promise<number> => new Promise((done) => server.getConnections((_, open) => done(open)));
    const app = await createProxMcp({
      plugins: ["docker"],
      connections: { d: { provider: "docker", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } },
      log: { level: "silent" },
    });
    expect(await app.call("docker_container_list")).toEqual({ items: [], total: 0 });
    expect(await count()).toBeGreaterThan(0);
    await app.close();
    for (let tries = 0; tries < 100 && (await count()) > 0; tries += 1) await new Promise((done) => setTimeout(done, 5));
    expect(await count()).toBe(0);
  });

  it("waits for nobody: a call under way ends", async () => {
    const { app, names } = await open();
    const room = roomOf(names[0] ?? "");
    const { promise, resolve } = Promise.withResolvers<void>();
    room.gate = promise;
    const call = app.call("tape_cartridge_list").catch((error: unknown) => error);
    await app.close();
    resolve();
    await call;
  });
});
