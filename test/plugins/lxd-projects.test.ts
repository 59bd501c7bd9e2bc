import { createProxMcp } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Estate, start } from "../../plugins/lxd/sandbox/index.js";

const GIB = 1024 ** 3;
type Sandbox = Awaited<ReturnType<typeof start>>;

/** An app on sandboxes by name, and what each of them was asked since the last look. */
async function open(estates: Readonly<Record<string, Estate>>, options: Readonly<Record<string, unknown>> = {}) {
  const sandboxes: Record<string, Sandbox> = {};
  for (const [name, estate] of Object.entries(estates)) sandboxes[name] = await start({ estate, taskTime: 5 });
  const connections = Object.fromEntries(
    Object.entries(sandboxes).map(([name, { connection }]) => [name, { provider: "lxd", ...connection, ...options }]),
  );
  const app = await createProxMcp({ plugins: ["lxd"], connections, log: { level: "silent" } });
  onTestFinished(async () => {
    await app.close();
    for (const sandbox of Object.values(sandboxes)) await sandbox.close();
  });
  const seen = new Map<string, number>();
  return {
    sandboxes,
    call: async (tool: string, args: Readonly<Record<string, unknown>> = {}) => await app.call(`lxd_${tool}`, args, { confirm: true }),
    asked(name: string): string[] {
      const requests = sandboxes[name]?.requests ?? [];
      const fresh = requests.slice(seen.get(name) ?? 0);
      seen.set(name, requests.length);
      return fresh
        .filter(({ path }) => !path.endsWith("/wait"))
        .map(({ method, path, query }) => `${method} ${path}${query.size ? `?${query}` : ""}`);
    },
  };
}

describe("projects on the wire", () => {
  it("are all listed in one request where the server can, and one by one where it can't", async () => {
    const { call, asked } = await open({ incus: { flavor: "incus" } });
    await call("project_create", { name: "lab", own: ["profiles"] });
    asked("incus");
    await call("instance_list");
    expect(asked("incus")).toEqual(["GET /1.0/instances?all-projects=true&recursion=2"]);
    const { items } = await call("profile_list", { where: { name: "default" } });
    expect(items).toMatchObject([{ project: "default" }, { project: "lab" }]);
    expect(asked("incus").filter((line) => line !== "GET /1.0")).toEqual(["GET /1.0/profiles?all-projects=true&recursion=1"]);

    const older = await open({ pi: {} });
    await older.call("project_create", { name: "lab", own: ["profiles"] });
    await older.call("project_create", { name: "shared", own: [] });
    older.asked("pi");
    const rows = (await older.call("profile_list", { where: { name: "default" } }))["items"];
    expect(rows).toMatchObject([{ project: "default" }, { project: "lab" }]);
    // The project that uses the profiles of default is not asked for them again.
    expect(older.asked("pi").filter((line) => line.includes("profiles"))).toEqual([
      "GET /1.0/profiles?project=default&recursion=1",
      "GET /1.0/profiles?project=lab&recursion=1",
    ]);
  });

  it("go with every request of a call that names one, waits and second looks among them", async () => {
    const { call, asked } = await open({ pi: {} });
    await call("project_create", { name: "lab", own: [] });
    asked("pi");
    await call("instance_create", { name: "inside", image: "alpine", project: "lab", memory: GIB });
    await call("snapshot_create", { instance: "inside", name: "one", project: "lab" });
    await call("instance_delete", { name: "inside", project: "lab", force: true });
    const lines = asked("pi");
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.filter((line) => !line.includes("project=lab") && line !== "GET /1.0")).toEqual([]);
  });

  it("are one where the connection names it, unless a call names another", async () => {
    const { call, asked } = await open({ pi: {} }, { project: "default" });
    await call("project_create", { name: "lab", own: [] });
    asked("pi");
    await call("instance_list");
    await call("instance_list", { project: "lab" });
    expect(asked("pi")).toEqual(["GET /1.0/instances?project=default&recursion=2", "GET /1.0/instances?project=lab&recursion=2"]);
  });

  it("are asked for alone where the filter wants one", async () => {
    const { call, asked } = await open({ pi: {} });
    await call("project_create", { name: "lab", own: ["profiles"] });
    asked("pi");
    const { items } = await call("profile_list", { where: { project: "lab" } });
    expect(items).toMatchObject([{ name: "default", project: "lab" }]);
    expect(asked("pi")).toEqual(["GET /1.0/profiles?project=lab&recursion=1"]);
  });

  it("that can't be read take nothing from the others", async () => {
    const { call, sandboxes } = await open({ pi: {} });
    await call("project_create", { name: "lab", own: ["profiles"] });
    const whole = (await call("profile_list"))["total"] as number;
    sandboxes["pi"]?.fail({ path: "/1.0/profiles", status: 500, reason: "database is locked", times: 1 });
    const part = await call("profile_list");
    expect(part["errors"]).toMatchObject([
      { source: expect.stringMatching(/^(default|lab)$/), message: expect.stringContaining("database is locked") },
    ]);
    expect(part["total"]).toBeGreaterThan(0);
    expect(part["total"]).toBeLessThan(whole);
    // Where all fail there is nothing to show.
    sandboxes["pi"]?.fail({ path: "/1.0/profiles", status: 500, reason: "database is locked" });
    await expect(call("profile_list")).rejects.toMatchObject({ message: expect.stringContaining("database is locked") });
  });
});

describe("a thing in a project", () => {
  it("that is not found is said to be looked for in project default alone", async () => {
    const { call } = await open({ pi: {} });
    await expect(call("instance_get", { name: "nothere" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      details: { next: expect.stringContaining("pass `project`") },
    });
    await call("project_create", { name: "lab", own: [] });
    const error: unknown = await call("instance_get", { name: "nothere", project: "lab" }).catch((failure: unknown) => failure);
    expect((error as { details: { next?: string } }).details.next ?? "").not.toContain("pass `project`");
  });

  it("is found on the host that has it, by its name within its project", async () => {
    const { call, asked } = await open({ one: {}, two: { flavor: "incus" } });
    // A project of this name is on both hosts: it says nothing about which is meant.
    for (const host of ["one", "two"]) await call("project_create", { host, name: "lab", own: [] });
    await call("instance_create", { host: "two", name: "inside", image: "alpine", project: "lab", start: false });
    expect(await call("instance_get", { name: "inside", project: "lab" })).toMatchObject({ host: "two", item: { project: "lab" } });
    await call("snapshot_create", { instance: "inside", name: "one", project: "lab" });
    expect(await call("snapshot_get", { instance: "inside", name: "one", project: "lab" })).toMatchObject({ host: "two" });
    asked("one");
    expect(((await call("instance_list", { project: "lab" }))["items"] as { host: string }[]).map(({ host }) => host)).toEqual(["two"]);
    expect(asked("one")).toEqual(["GET /1.0/instances?project=lab&recursion=2"]);
  });

  it("may have the name of one in another project, and pages show each once", async () => {
    const { call } = await open({ pi: { empty: true } });
    await call("project_create", { name: "lab", own: [] });
    for (const project of ["default", "lab"]) await call("instance_create", { name: "twin", image: "alpine", project, start: false });
    const first = await call("instance_list", { limit: 1 });
    const second = await call("instance_list", { limit: 1, cursor: first["cursor"] });
    expect([first, second].flatMap(({ items }) => items)).toMatchObject([
      { name: "twin", project: "default" },
      { name: "twin", project: "lab" },
    ]);
  });

  it("is read back where it was moved to", async () => {
    const { call } = await open({ pi: {} });
    await call("project_create", { name: "lab", own: [] });
    const moved = await call("instance_migrate", { name: "dev", to_project: "lab" });
    expect(moved).toMatchObject({ item: { name: "dev", project: "lab" } });
    expect(moved).not.toHaveProperty("notes");
  });
});
