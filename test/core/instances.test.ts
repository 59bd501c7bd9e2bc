import { createProxMcp, type AuditEntry, AUDIT, CLOCK, type ProxMcp, type Setup, Signer, SIGNER, STATE, type StateStore } from "proxmcp";
import { CONNECTION, type Connection, defineProvider, facet, forClient, PEERS, type Peers } from "proxmcp/plugin";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { failure, openTapes, stillClock } from "../fixtures/tape-app.js";

describe("several instances in one process", () => {
  it("share nothing: rules, services, secrets, tokens, cursors, and how they end", async () => {
    const cartridges = [{ barcode: "T00001" }, { barcode: "T00002" }];
    const audits: [AuditEntry[], AuditEntry[]] = [[], []];
    const clock = stillClock();
    const [first, second] = await Promise.all([
      openTapes(
        { main: { cartridges, password: "first-secret" } },
        {
          tools: { confirm: "write" },
          services: (container) => {
            container.register(AUDIT, { useValue: { write: (entry: AuditEntry) => void audits[0].push(entry) } });
            container.register(CLOCK, { useValue: clock });
          },
        },
      ),
      openTapes(
        { main: { cartridges, password: "other-secret" } },
        {
          tools: { deny: ["*_exec"] },
          services: (container) => void container.register(AUDIT, { useValue: { write: (entry: AuditEntry) => void audits[1].push(entry) } }),
        },
      ),
    ]);
    const names = ({ app }: { app: ProxMcp }): string[] => app.tools("all").map(({ name }) => name);
    expect(names(first)).toContain("tape_cartridge_exec");
    expect(names(second)).not.toContain("tape_cartridge_exec");
    expect([first.app.mask("first-secret other-secret"), second.app.mask("first-secret other-secret")]).toEqual([
      "[secret] other-secret",
      "first-secret [secret]",
    ]);

    const refusal = await failure(first.call("tape_cartridge_delete", { barcode: "T00001" }));
    const confirmed = { barcode: "T00001", confirm: refusal.data?.["confirm"] };
    expect(await failure(second.call("tape_cartridge_delete", confirmed))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    const { cursor } = await first.call("tape_cartridge_list", { limit: 1 });
    expect(await failure(second.call("tape_cartridge_list", { limit: 1, cursor }))).toMatchObject({ code: "INVALID_INPUT" });
    expect(await first.call("tape_cartridge_stats", { barcode: "T00001" })).toMatchObject({ result: { at: clock.now() } });
    expect(await second.call("tape_cartridge_stats", { barcode: "T00001" })).not.toMatchObject({ result: { at: clock.now() } });
    expect(audits[0].filter(({ call }) => audits[1].some((one) => one.call === call))).toEqual([]);
    expect(audits[0].length).toBeGreaterThan(0);

    await first.app.close();
    expect(await second.call("tape_cartridge_list")).toMatchObject({ total: 2 });
    expect(second.room("main").cartridges).toHaveLength(2);
  });

  it("that are replicas of one another, with one key and one store, believe each other's tokens, each once", async () => {
    const kept = new Map<string, unknown>();
    const state: StateStore = {
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
      add: async (key, value) => !kept.has(key) && Boolean(kept.set(key, value)),
      delete: async (key) => void kept.delete(key),
    };
    const key = Buffer.alloc(32, 7);
    const replica = () =>
      openTapes(
        { main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }] } },
        {
          services: (container) => {
            container.register(SIGNER, { useValue: new Signer(key) });
            container.register(STATE, { useValue: state });
          },
        },
      );
    const [first, second] = [await replica(), await replica()];
    const refusal = await failure(first.call("tape_cartridge_delete", { barcode: "T00001" }));
    const confirmed = { barcode: "T00001", confirm: refusal.data?.["confirm"] };
    expect(await second.call("tape_cartridge_delete", confirmed)).toMatchObject({ deleted: true });
    expect(await failure(first.call("tape_cartridge_delete", confirmed))).toMatchObject({
      code: "CONFIRMATION_INVALID",
      message: expect.stringContaining("used"),
    });
  });

  it("run at once without mixing up their callers", async () => {
    const tapes = await openTapes({ main: { cartridges: [{ barcode: "T00001" }] } }, { roles: { viewer: { readOnly: true }, operator: {} } });
    const roles = ["viewer", "operator", "viewer", "operator"];
    const outcomes = await Promise.all(
      roles.map((role) =>
        tapes.call("tape_cartridge_load", { barcode: "T00001" }, { caller: { id: role, roles: [role] } }).then(
          () => "loaded",
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(outcomes).toEqual(["TOOL_DENIED", "loaded", "TOOL_DENIED", "loaded"]);
  });
});

describe("what goes from one connection to another", () => {
  class Pier {
    static readonly inject = [CONNECTION, PEERS] as const;
    readonly name: string;
    readonly #peers: Peers;
    constructor(connection: Connection, peers: Peers) {
      this.name = connection.name;
      this.#peers = peers;
    }
    ship(to: string): string {
      return (this.#peers.client(to, { name: "piers_box_export", safety: "write" }) as Pier).name;
    }
  }
  const { kind, write } = forClient<Pier>();
  const piers = () =>
    defineProvider({
      name: "piers",
      title: "Piers",
      about: "Piers with boxes",
      connection: { noun: "pier", schema: z.object({}) },
      hosts: [],
      client: Pier,
      test: async () => ({ version: "1" }),
      kinds: [
        kind({
          name: "box",
          about: "A box",
          item: z.object({ name: facet(z.string(), "Name") }),
          key: "name",
          get: async ({ key }) => ({ name: key }),
          actions: {
            export: write({
              about: "Ship it to another pier",
              input: { to: z.string() },
              output: z.object({ at: z.string() }),
              run: async ({ client, input }) => ({ at: client.ship(input.to) }),
            }),
          },
        }),
      ],
    });

  it("is decided for whoever calls, though many call at once: a role that is kept to one reaches no other", async () => {
    const setup: Setup = {
      connections: { east: { provider: "piers" }, west: { provider: "piers" } },
      roles: { easterner: { connections: ["east"] }, all: {} },
    };
    const app = await createProxMcp({ ...setup, plugins: [piers()], env: {}, log: { level: "silent" } });
    onTestFinished(() => app.close());
    const ship = (role: string) => app.call("piers_box_export", { name: "b", pier: "east", to: "west" }, { caller: { id: role, roles: [role] } });
    const [refused, shipped, own] = await Promise.all([
      failure(ship("easterner")),
      ship("all"),
      app.call("piers_box_export", { name: "b", pier: "east", to: "west" }),
    ]);
    expect(refused).toMatchObject({ code: "TOOL_DENIED", message: expect.stringContaining("roles.easterner.connections") });
    expect([shipped.result.at, own.result.at]).toEqual(["west", "west"]);
  });
});
