import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProxMcp, isProxMcpError, type ProxMcp } from "proxmcp";
import type { Row } from "../conformance.js";

export interface Hosts {
  /** Connections by name: `one` and `two`. */
  readonly connections: Readonly<Record<"one" | "two", Row>>;
  close(): Promise<void>;
}

/** Copies and moves between two hosts. `image`: the alias of one that the first has. */
export function hostsScenario(title: string, open: () => Promise<Hosts>, { image, roads }: { image: string; roads: readonly string[] }): void {
  describe(`between two hosts: ${title}`, () => {
    const name = `cross-${process.pid}`;
    let app: ProxMcp;
    let hosts: Hosts;
    const call = async (tool: string, args: Row): Promise<Row> => await app.call(`lxd_${tool}`, args, { confirm: true });
    const code = async (tool: string, args: Row): Promise<string> =>
      await call(tool, args).then(
        () => "done",
        (error: unknown) => (isProxMcpError(error) ? error.code : String(error)),
      );
    const gone = async (host: string, instance: string): Promise<void> => {
      await call("instance_delete", { host, name: instance, force: true }).catch(() => {}); // it may be gone already
    };

    beforeAll(async () => {
      hosts = await open();
      const connections = Object.fromEntries(Object.entries(hosts.connections).map(([host, options]) => [host, { provider: "lxd", ...options }]));
      app = await createProxMcp({ plugins: ["lxd"], connections, log: { level: "silent" } });
      await call("instance_create", { host: "one", name, image, start: false, config: { "user.mark": "kept" } });
      await call("instance_files_write", { host: "one", name, path: "/tmp/mark", content: "carried" });
      await call("snapshot_create", { host: "one", instance: name, name: "before" });
    }, 60_000);

    afterAll(async () => {
      for (const host of ["one", "two"]) for (const instance of [name, `${name}-copy`]) await gone(host, instance);
      await app.close();
      await hosts.close();
    });

    it.each(roads)("copies an instance by the road %s", async (road) => {
      const copy = `${name}-copy`;
      const { result } = await call("instance_clone_host", {
        host: "one",
        name,
        to_host: "two",
        new_name: copy,
        road,
        with_snapshots: true,
        start: true,
      });
      expect(result).toMatchObject({ to_host: "two", name: copy, started: true, source_deleted: false, snapshots: 1 });
      if (road !== "auto") expect(result).toMatchObject({ road });
      expect(await call("instance_files_read", { host: "two", name: copy, path: "/tmp/mark" })).toMatchObject({ result: { content: "carried" } });
      expect(await call("instance_get", { host: "two", name: copy })).toMatchObject({ item: { status: "running", snapshots: 1 } });
      expect(await call("instance_get", { host: "one", name })).toMatchObject({ item: { status: "stopped" } });
      expect(await code("instance_clone_host", { host: "one", name, to_host: "two", new_name: copy, road })).toBe("ALREADY_EXISTS");
      await gone("two", copy);
    });

    it("copies a snapshot alone", async () => {
      const copy = `${name}-copy`;
      const { result } = await call("instance_clone_host", { host: "one", name, to_host: "two", new_name: copy, snapshot: "before" });
      expect(result).toMatchObject({ name: copy, snapshots: 0 });
      await gone("two", copy);
    });

    it("moves an instance there and back, running again where it ran", async () => {
      expect(await call("instance_migrate_host", { host: "one", name, to_host: "two" })).toMatchObject({
        result: { snapshots: 1, started: false, source_deleted: true },
      });
      expect(await code("instance_get", { host: "one", name })).toBe("NOT_FOUND");
      await call("instance_start", { host: "two", name });
      expect(await code("instance_migrate_host", { host: "two", name, to_host: "one" })).toBe("WRONG_STATE");
      expect(await call("instance_migrate_host", { host: "two", name, to_host: "one", stop: true })).toMatchObject({
        result: { started: true, source_deleted: true, snapshots: 1 },
      });
      expect(await call("instance_get", { host: "one", name })).toMatchObject({ item: { status: "running" } });
      expect(await call("instance_files_read", { host: "one", name, path: "/tmp/mark" })).toMatchObject({ result: { content: "carried" } });
      expect(await code("instance_get", { host: "two", name })).toBe("NOT_FOUND");
      await call("instance_stop", { host: "one", name, force: true });
    });

    it("copies an image that no stranger may see, with its aliases", async () => {
      const alias = `${name}-image`;
      await call("instance_publish", { host: "one", name, aliases: [alias], description: "of one" });
      try {
        const { result } = await call("image_clone_host", { host: "one", name: alias, to_host: "two" });
        expect(result).toMatchObject({ to_host: "two", aliases: [alias] });
        expect(await call("image_get", { host: "two", name: alias })).toMatchObject({ item: { description: "of one", public: false } });
        expect(await code("image_clone_host", { host: "one", name: alias, to_host: "one" })).toBe("INVALID_INPUT");
      } finally {
        for (const host of ["one", "two"]) await call("image_delete", { host, name: alias }).catch(() => {}); // it may not have got there
      }
    });

    it("keeps the source, and leaves nothing there, when it can't be received", async () => {
      const there = { host: "one", name, to_host: "two" };
      expect(await code("instance_migrate_host", { ...there, profiles: ["no-such-profile"] })).toBe("NOT_FOUND");
      expect(await code("instance_migrate_host", { ...there, to_host: "one" })).toBe("INVALID_INPUT");
      expect(await code("instance_migrate_host", { ...there, to_host: "three" })).toBe("CONNECTION_UNKNOWN");
      expect(await call("instance_get", { host: "one", name })).toMatchObject({ item: { status: "stopped", snapshots: 1 } });
      expect(await code("instance_get", { host: "two", name })).toBe("NOT_FOUND");
    });

    it("asks before it moves, and says what goes", async () => {
      await expect(app.call("lxd_instance_migrate_host", { host: "one", name, to_host: "two" })).rejects.toMatchObject({
        code: "CONFIRMATION_REQUIRED",
        message: expect.stringContaining("with 1 snapshots"),
      });
    });
  });
}
