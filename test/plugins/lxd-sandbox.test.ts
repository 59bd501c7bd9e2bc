import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpClient, Sandbox } from "proxmcp/plugin";
import { UndiciHttp } from "../../core/transport/http.js";
import { targetOf } from "../../plugins/lxd/options.js";
import { start } from "../../plugins/lxd/sandbox/index.js";

/** What a real LXD 5.0.2 answers to the same requests, word for word. */
const ANSWERS: readonly (readonly [method: string, path: string, body: unknown, status: number, text: string])[] = [
  ["GET", "/1.0/nope", undefined, 404, "not found"],
  ["GET", "/nope", undefined, 404, "not found"],
  ["POST", "/1.0", {}, 501, "not implemented"],
  ["DELETE", "/1.0/instances", undefined, 501, "not implemented"],
  ["GET", "/1.0/instances/zz", undefined, 404, "Instance not found"],
  ["GET", "/1.0/instances/zz/snapshots/s", undefined, 404, "Instance not found"],
  ["GET", "/1.0/instances/db?project=zz", undefined, 404, "Instance not found"],
  [
    "GET",
    "/1.0/instances/db/snapshots/zz",
    undefined,
    404,
    'Failed to fetch snapshot "zz" of instance "db" in project "default": InstanceSnapshot not found',
  ],
  ["GET", "/1.0/instances?filter=status eq", undefined, 500, "Invalid filter: clause has no value"],
  ["GET", '/1.0/instances?filter=status eq "Running"', undefined, 500, "Invalid filter: unterminated quote"],
  ["GET", "/1.0/operations/zz/wait", undefined, 404, "Operation not found"],
  ["GET", "/1.0/images/zz", undefined, 404, "Image not found"],
  ["GET", "/1.0/images/aliases/zz", undefined, 404, "Image alias not found"],
  ["GET", "/1.0/networks/zz", undefined, 404, "Network not found"],
  ["GET", "/1.0/profiles/zz", undefined, 404, "Fetch profile: Profile not found"],
  ["GET", "/1.0/storage-pools/zz", undefined, 404, "Storage pool not found"],
  ["GET", "/1.0/storage-pools/zz/resources", undefined, 500, "Storage pool not found"],
  ["GET", "/1.0/projects/zz", undefined, 404, "Project not found"],
  ["GET", "/1.0/cluster/members", undefined, 500, "Server is not clustered"],
  ["GET", "/1.0/instances/db/logs/nope.log", undefined, 400, "log file name nope.log not valid"],
  ["DELETE", "/1.0/instances/db/logs/lxc.log", undefined, 400, "lxc.log and lxc.conf may not be deleted"],
  ["GET", "/1.0/instances/dev/console", undefined, 500, "open /var/lib/lxd/logs/dev/console.log: no such file or directory"],
  ["GET", "/1.0/instances/db/console", undefined, 500, "open : no such file or directory"],
  ["POST", "/1.0/instances", "{", 400, "unexpected EOF"],
  ["POST", "/1.0/instances", { name: "x", source: { type: "bogus" } }, 400, "Unknown source type bogus"],
  [
    "POST",
    "/1.0/instances",
    { name: "x", source: { type: "image" } },
    500,
    "Must specify one of alias, fingerprint or properties for init from image",
  ],
  ["POST", "/1.0/instances", { name: "x", source: { type: "image", alias: "zz" } }, 404, "Image alias not found"],
  ["POST", "/1.0/instances", { name: "x", type: "zz", source: { type: "image", alias: "alpine" } }, 400, "Invalid instance type"],
  ["POST", "/1.0/instances", named("a_b"), 400, "Invalid instance name: Name can only contain alphanumeric and hyphen characters"],
  ["POST", "/1.0/instances", named("1a"), 400, "Invalid instance name: Name must not start with a number"],
  ["POST", "/1.0/instances", named("-a"), 400, 'Invalid instance name: Name must not start with "-" character'],
  ["POST", "/1.0/instances", named("a-"), 400, 'Invalid instance name: Name must not end with "-" character'],
  ["POST", "/1.0/instances", named("a".repeat(64)), 400, "Invalid instance name: Name must be 1-63 characters long"],
  ["POST", "/1.0/instances", named("a/b"), 400, 'The character "/" is reserved for snapshots'],
  ["POST", "/1.0/instances", { ...named("x"), profiles: ["zz"] }, 500, 'Requested profile "zz" doesn\'t exist'],
  ["POST", "/1.0/instances?target=zz", named("x"), 400, "Target only allowed when clustered"],
  ["PUT", "/1.0/instances/db/state", { action: "bogus" }, 400, "Unknown action: 'bogus'"],
  ["DELETE", "/1.0/instances/db", undefined, 400, "Instance is running"],
  ["POST", "/1.0/instances/dev/exec", { command: ["ls"] }, 400, "Instance is not running"],
  ["POST", "/1.0/instances/ci/exec", { command: ["ls"] }, 400, "Instance is frozen"],
  ["POST", "/1.0/instances/db/snapshots", { name: "a/b" }, 400, 'Invalid snapshot name: Cannot contain "/"'],
  ["POST", "/1.0/instances/dev", { name: "db" }, 409, 'Name "db" already in use'],
  ["PATCH", "/1.0/instances/db", { config: { "limits.memory": "zzz" } }, 500, "Invalid config: Invalid value: zzz"],
  ["PATCH", "/1.0/instances/db", { config: { "limits.memory": "0" } }, 500, "Invalid config: Memory limit can't be 0"],
  ["PATCH", "/1.0/instances/db", { config: { bogus: "1" } }, 500, "Invalid config: Unknown configuration key: bogus"],
  ["PATCH", "/1.0/instances/db", { config: { "limits.memory": "100kB" } }, 500, "setting cgroup item for the container failed"],
  ["PATCH", "/1.0/instances/db", { profiles: ["zz"] }, 404, "Profile not found"],
  [
    "PATCH",
    "/1.0/instances/db",
    { devices: { root: { size: "1GB" } } },
    500,
    'Invalid devices: Device validation failed for "root": Failed loading device "root": Missing device type in config',
  ],
  [
    "PATCH",
    "/1.0/instances/db",
    { devices: { root: { type: "disk", path: "/", pool: "zz" } } },
    500,
    'Cannot update root disk device pool name to "zz"',
  ],
];

/** What fails later, in the operation. */
const FAILURES: readonly (readonly [method: string, path: string, body: unknown, text: string])[] = [
  ["PUT", "/1.0/instances/db/state", { action: "start" }, "The instance is already running"],
  ["PUT", "/1.0/instances/ci/state", { action: "start" }, "The instance is already running"],
  ["PUT", "/1.0/instances/dev/state", { action: "stop" }, "The instance is already stopped"],
  ["PUT", "/1.0/instances/dev/state", { action: "restart" }, "The instance is already stopped"],
  ["PUT", "/1.0/instances/ci/state", { action: "restart" }, "Instance is not running"],
  ["PUT", "/1.0/instances/dev/state", { action: "freeze" }, "The container isn't running"],
  ["PUT", "/1.0/instances/ci/state", { action: "freeze" }, "The container is already frozen"],
  ["PUT", "/1.0/instances/db/state", { action: "unfreeze" }, "The container is already running"],
  ["PUT", "/1.0/instances/db", { restore: "zz" }, "Snapshot db/zz does not exist"],
  ["POST", "/1.0/instances/db", { name: "db2" }, "Renaming of running container not allowed"],
  [
    "POST",
    "/1.0/instances",
    named("db"),
    'Failed creating instance record: Add instance info to the database: This "instances" entry already exists',
  ],
  ["POST", "/1.0/instances", { ...named("x"), config: { "limits.cpu": "abc" } }, "Failed creating instance record: Invalid CPU limit syntax"],
  [
    "POST",
    "/1.0/instances",
    { ...named("x"), config: { "bogus.key": "1" } },
    "Failed creating instance record: Unknown configuration key: bogus.key",
  ],
  [
    "POST",
    "/1.0/instances",
    { ...named("x"), profiles: [] },
    "Failed creating instance record: Failed initialising instance: Failed getting root disk: No root device could be found",
  ],
  [
    "POST",
    "/1.0/instances",
    { ...named("x"), type: "virtual-machine" },
    'Requested image\'s type "container" doesn\'t match instance type "virtual-machine"',
  ],
  ["POST", "/1.0/instances", { name: "x", source: { type: "image", fingerprint: "abcdef" } }, "Image not provided for instance creation"],
  ["POST", "/1.0/instances/db/snapshots", { name: "t", stateful: true }, "Unable to create a stateful snapshot. CRIU isn't installed"],
  ["POST", "/1.0/instances/db/exec", { command: [] }, "Failed to retrieve PID of executing child process"],
  ["POST", "/1.0/instances/db/exec", { command: ["nonexistent"] }, "Command not found"],
];

function named(name: string) {
  return { name, source: { type: "image", alias: "alpine" } };
}

const signal = new AbortController().signal;

describe("the sandbox", () => {
  let sandbox: Sandbox;
  let http: HttpClient;
  const ask = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const url = new URL(path, "http://x");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await http.request({
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      signal,
      ...(text === undefined ? {} : { body: text }),
      ...(headers ? { headers } : {}),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  beforeAll(async () => {
    sandbox = await start({ taskTime: 2 });
    http = new UndiciHttp().open(targetOf(sandbox.connection as { url: string }));
  });
  afterAll(async () => {
    await http.close();
    await sandbox.close();
  });

  it.each(ANSWERS)("answers %s %s %j with %i %s", async (method, path, body, status, text) => {
    const answer = await ask(method, path, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({
      type: "error",
      status: "",
      status_code: 0,
      operation: "",
      error_code: status,
      error: text,
      metadata: null,
    });
  });

  it.each(FAILURES)("lets the operation of %s %s %j fail with %s", async (method, path, body, text) => {
    const answer = await ask(method, path, body);
    expect(answer.status).toBe(202);
    const { operation, metadata } = JSON.parse(answer.text) as { operation: string; metadata: object };
    expect(answer.headers["location"]).toBe(operation);
    expect(metadata).toMatchObject({ class: "task", status: "Running", status_code: 103, may_cancel: false, err: "", location: "none" });
    const waited = JSON.parse((await ask("GET", `${operation}/wait?timeout=5`)).text) as { metadata: object };
    expect(waited.metadata).toMatchObject({ status: "Failure", status_code: 400, err: text });
  });

  it("filters as the server does: patterns, case ignored, from left to right", async () => {
    const names = async (filter: string) =>
      (JSON.parse((await ask("GET", `/1.0/instances?filter=${encodeURIComponent(filter)}`)).text) as { metadata: string[] }).metadata.map((path) =>
        path.slice("/1.0/instances/".length),
      );
    expect(await names("status eq running and type eq container")).toEqual(["web-server", "db", "cache"]);
    expect(await names("name eq DB or name eq ci")).toEqual(["db", "ci"]);
    expect(await names("name eq d.*")).toEqual(["db", "dev"]);
    expect(await names("not status eq Running")).toEqual(["dev", "ci"]);
    expect(await names("bogus eq x")).toEqual([]);
  });

  it("serves parts of files", async () => {
    const whole = (await ask("GET", "/1.0/instances/db/logs/lxc.log")).text;
    const end = await ask("GET", "/1.0/instances/db/logs/lxc.log", undefined, { range: "bytes=-10" });
    expect([end.status, end.text, end.headers["content-range"]]).toEqual([
      206,
      whole.slice(-10),
      `bytes ${whole.length - 10}-${whole.length - 1}/${whole.length}`,
    ]);
    const begin = await ask("GET", "/1.0/instances/db/logs/lxc.log", undefined, { range: "bytes=0-4" });
    expect([begin.status, begin.text]).toEqual([206, whole.slice(0, 5)]);
  });

  it("refuses a change that was decided on an older state", async () => {
    const etag = String((await ask("GET", "/1.0/instances/cache")).headers["etag"]);
    expect((await ask("PATCH", "/1.0/instances/cache", { description: "a" }, { "if-match": etag })).status).toBe(200);
    expect((await ask("PATCH", "/1.0/instances/cache", { description: "b" }, { "if-match": etag })).status).toBe(412);
  });

  it("lets strangers see only that it is there", async () => {
    const { url, fingerprint } = sandbox.connection as { url: string; fingerprint: string };
    const stranger = new UndiciHttp().open({ url, tls: { fingerprint } });
    const see = async (path: string) => {
      const answer = await stranger.request({ method: "GET", path, signal });
      return { status: answer.status, body: await answer.json<{ error: string; metadata: Record<string, unknown> | null }>() };
    };
    const open = await see("/1.0");
    expect(open.status).toBe(200);
    expect(open.body.metadata).toMatchObject({ auth: "untrusted", api_version: "1.0" });
    expect(open.body.metadata).not.toHaveProperty("environment");
    expect(await see("/1.0/instances")).toMatchObject({ status: 403, body: { error: "not authorized" } });
    expect((await see("/1.0/nope")).status).toBe(404);
    await stranger.close();
  });
});
