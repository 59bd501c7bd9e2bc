import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SandboxReply, serveSandbox } from "proxmcp/testing";
import { checkProvider } from "../../core/declare/check.js";
import docker from "../../plugins/docker/index.js";
import { engineCapacity, testEngine } from "../../plugins/docker/engine.js";
import { readLogs } from "../../plugins/docker/logs.js";
import { clientOf, dock, failure } from "./docker-harness.js";

let host: Awaited<ReturnType<typeof dock>>;
const signal = new AbortController().signal;

/** An engine of another version, that answers everything but the ping in one way. */
async function engineOf(version: string, answer: () => SandboxReply) {
  const server = await serveSandbox(({ path }) => (path === "/_ping" ? { status: 200, headers: { "api-version": version }, body: "OK" } : answer()));
  const client = clientOf({ url: server.url });
  const close = async (): Promise<void> => {
    await client.close();
    await server.close();
  };
  return { server, client, close };
}

beforeEach(async () => {
  host = await dock();
});
afterEach(() => host.close());

describe("the declaration", () => {
  it("is sound, with ten everyday tools", () => {
    expect(checkProvider(docker)).toEqual([]);
    expect(docker.kinds.flatMap((kind) => kind.everyday ?? [])).toHaveLength(10);
  });
});

describe("the API version", () => {
  it("is asked once for all calls at the same time", async () => {
    await Promise.all([host.list("container"), host.list("image"), host.list("network")]);
    expect(host.asked().filter((request) => request === "GET /_ping")).toHaveLength(1);
    expect(host.asked()).toContain("GET /v1.41/containers/json");
  });

  it("is asked again after a failure, and a caller who leaves takes nobody along", async () => {
    host.sandbox.fail({ path: "/_ping", status: 500, reason: "starting up", times: 1 });
    expect(await failure(host.list("image"))).toMatchObject({ code: "UPSTREAM" });
    host.sandbox.fail({ path: "/_ping", hang: true, times: 1 });
    const leaving = new AbortController();
    const left = failure(host.list("image", {}, leaving.signal));
    leaving.abort();
    expect((await left).code).toBe("CANCELLED");
  });

  it("is never above our own", async () => {
    const newer = await engineOf("1.99", () => ({ status: 200, body: [] }));
    await newer.client.json({ what: "list images", path: "/images/json", signal });
    expect(newer.server.requests.at(-1)?.path).toBe("/v1.55/images/json");
    await newer.close();
  });

  it("is what tells an engine from something else", async () => {
    host.sandbox.fail({ path: "/_ping", status: 200, body: "<html>" });
    expect((await failure(host.list("image"))).message).toMatch(/is no Docker Engine/);
  });

  it("guards what an older engine can't do", async () => {
    await expect(host.client.requires("1.35", "`cwd`", signal)).resolves.toBeUndefined();
    expect((await failure(host.client.requires("1.44", "`x`", signal))).message).toMatch(/`x` needs API version 1.44 or newer; .* has 1.41/);
  });
});

describe("listing containers", () => {
  it("shows all of them with one request", async () => {
    await host.client.apiVersion(signal);
    const before = host.asked().length;
    const rows = await host.list("container");
    expect(rows).toHaveLength(9);
    expect(host.asked().slice(before)).toEqual(["GET /v1.41/containers/json"]);
    expect(rows.find(({ name }) => name === "shop-api")).toMatchObject({
      status: "running",
      health: "unhealthy",
      compose_project: "shop",
      compose_service: "api",
      ports: ["127.0.0.1:3000:3000/tcp"],
      networks: ["shop_back"],
      tags: ["team=shop", "env=prod"],
    });
    expect(rows.find(({ name }) => name === "ci-runner-7")).toMatchObject({ status: "exited", exit_code: 1, ports: [] });
    expect(rows.find(({ name }) => name === "ci-runner-7")).not.toHaveProperty("uptime");
  });

  it("hands down what the engine can filter, and loses no row by its case", async () => {
    expect((await host.list("container", { status: ["exited", "created"] })).map(({ name }) => name).sort()).toEqual(["ci-runner-7", "migrate-once"]);
    expect((await host.list("container", { name: "SHOP-*" })).map(({ name }) => name).sort()).toEqual([
      "shop-api",
      "shop-cache",
      "shop-db",
      "shop-web",
    ]);
    expect((await host.list("container", { name: "shop" })).map(({ name }) => name)).toEqual([]);
    expect(await host.list("container", { compose_project: "Shop" })).toHaveLength(4);
    expect(await host.list("container", { health: ["unhealthy"] })).toHaveLength(1);
    // Labels are compared without case here and with it there, so they stay here.
    expect(await host.list("container", { tags: ["ENV=prod"] })).toHaveLength(9);
    expect(host.sandbox.requests.at(-1)?.query.get("filters")).toBeNull();
  });
});

describe("one container", () => {
  it("has its limits, and its variables without what looks secret", async () => {
    const found = await host.get("container", "shop-api");
    expect(found).toMatchObject({ cpu: 2, memory: 536_870_912, restart: "unless-stopped" });
    expect(found["settings"]).toMatchObject({ env: ["NODE_ENV=production", "DATABASE_PASSWORD=[secret]"] });
    expect(JSON.stringify(found)).not.toContain("hunter2");
  });

  it("is found by its id, short or long", async () => {
    const [row] = await host.list("container", { name: "shop-db" });
    expect(await host.get("container", String(row?.id))).toMatchObject({ name: "shop-db" });
  });

  it("is never taken for another whose id begins with its name", async () => {
    const [row] = await host.list("container", { name: "shop-db" });
    const beginning = String(row?.id).slice(0, 6);
    for (const attempt of [host.get("container", beginning), host.run("container", "delete", beginning, { force: true })])
      expect((await failure(attempt)).code).toBe("NOT_FOUND");
    expect(await host.get("container", "shop-db")).toMatchObject({ status: "running" });
  });

  it("that could be an id by its name is still found by it", async () => {
    await host.run("container", "create", "", { name: "cafe", image: "busybox:1.36", command: ["sleep", "99"] });
    expect(await host.get("container", "cafe")).toMatchObject({ name: "cafe" });
  });

  it("cannot be used to leave its path", async () => {
    expect((await failure(host.get("container", "../info"))).code).toBe("NOT_FOUND");
    expect(host.asked().join()).not.toContain("info");
  });
});

describe("creating a container", () => {
  const make = (input: Record<string, unknown>) =>
    host.run("container", "create", "", { name: "new", image: "busybox:1.36", command: ["sleep", "99"], ...input });

  it("makes what was asked for and starts it", async () => {
    expect(
      await make({ ports: ["9090:80"], volumes: ["dd:/data:ro"], memory: 7e6, cpu: 0.5, env: { A: "b" }, labels: { env: "t" }, restart: "always" }),
    ).toEqual({ key: "new" });
    expect(await host.get("container", "new")).toMatchObject({
      status: "running",
      ports: ["9090:80/tcp"],
      volumes: ["dd:/data:ro"],
      memory: 7e6,
      cpu: 0.5,
      settings: { env: ["A=b"] },
      tags: ["env=t"],
      restart: "always",
    });
  });

  it("leaves it when asked not to start it", async () => {
    await make({ start: false });
    expect(await host.get("container", "new")).toMatchObject({ status: "created" });
  });

  it("pulls an image that is missing, and says how far it is", async () => {
    await make({ image: "alpine:3.20" });
    expect(await host.get("container", "new")).toMatchObject({ image: "alpine:3.20", status: "running" });
    const steps = host.progressed.map(({ progress }) => progress);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(host.progressed.at(-1)).toMatchObject({ progress: 8_000_000, total: 8_000_000 });
  });

  it("does not pull when told not to, and pulls one that is there when told to", async () => {
    expect(await failure(make({ image: "alpine:3.20", pull: "never" }))).toMatchObject({
      code: "NOT_FOUND",
      message: 'Unable to create container "new": No such image: alpine:3.20',
    });
    await make({ pull: "always" });
    expect(host.asked()).toContain("POST /v1.41/images/create");
  });

  it("says when the registry has no such image", async () => {
    const error = await failure(make({ image: "nobody/nothing:1" }));
    expect(error).toMatchObject({ code: "FORBIDDEN" });
    expect(error.message).toMatch(/^Unable to pull image "nobody\/nothing:1": pull access denied/);
  });

  it("refuses a taken name", async () => {
    expect(await failure(make({ name: "shop-web" }))).toMatchObject({ code: "ALREADY_EXISTS" });
  });

  it("takes a container back that does not start", async () => {
    const error = await failure(make({ ports: ["8080:80"] }));
    expect(error).toMatchObject({ code: "WRONG_STATE" });
    expect(error.message).toMatch(
      /^Unable to start container "new": .*0\.0\.0\.0:8080 failed: port is already allocated\. The container was removed again\.$/,
    );
    expect((await failure(host.get("container", "new"))).code).toBe("NOT_FOUND");
  });

  it("names the half-made container when it can't be removed", async () => {
    host.sandbox.fail({ method: "DELETE", path: "/containers/", status: 500, reason: "device busy" });
    expect((await failure(make({ networks: ["nonet"] }))).message).toMatch(
      /network nonet not found\. The container "new" was created and could not be removed again: delete it\.$/,
    );
    expect(await host.get("container", "new")).toMatchObject({ status: "created" });
  });

  it("does not remove one that may be starting", async () => {
    host.sandbox.fail({ method: "POST", path: /\/start$/, drop: true });
    const error = await failure(make({}));
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(error.message).toMatch(/may be starting/);
    expect(host.asked().filter((request) => request.startsWith("DELETE"))).toEqual([]);
  });
});

describe("starting and stopping", () => {
  it("changes the state, and is content when it is so already", async () => {
    await host.run("container", "stop", "shop-web", { timeout: 1 });
    expect(host.sandbox.requests.at(-1)?.query.get("t")).toBe("1");
    expect(await host.get("container", "shop-web")).toMatchObject({ status: "exited" });
    await host.run("container", "stop", "shop-web");
    await host.run("container", "start", "shop-web");
    await host.run("container", "start", "shop-web");
    expect(await host.get("container", "shop-web")).toMatchObject({ status: "running" });
    await host.run("container", "restart", "shop-web");
    expect((await host.get("container", "shop-web")).uptime).toBeLessThan(60);
  });

  it("says what a paused one needs", async () => {
    expect(await failure(host.run("container", "start", "staging-web"))).toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("cannot start a paused container"),
    });
  });

  it("deletes a running one only by force", async () => {
    expect((await failure(host.run("container", "delete", "shop-web"))).report()).toMatchObject({
      code: "WRONG_STATE",
      next: expect.stringContaining("force"),
    });
    await host.run("container", "delete", "shop-web", { force: true });
    expect((await failure(host.run("container", "delete", "shop-web"))).message).toBe(
      'Unable to delete container "shop-web": No such container: shop-web',
    );
  });
});

describe("exec", () => {
  const exec = (command: string[], input: Record<string, unknown> = {}, key = "shop-db") => host.run("container", "exec", key, { command, ...input });

  it("tells both streams and the exit code apart", async () => {
    expect(await exec(["sh", "-c", "echo out; echo err >&2; exit 3"])).toEqual({ exit_code: 3, stdout: "out\n", stderr: "err\n", truncated: false });
    expect(await exec(["cat", "/nope"])).toMatchObject({ exit_code: 1, stderr: "cat: can't open '/nope': No such file or directory\n" });
  });

  it("passes user, folder and variables on", async () => {
    expect(await exec(["id"], { user: "1000:1000" })).toMatchObject({ stdout: "uid=1000(app) gid=1000(app) groups=1000(app)\n" });
    expect(await exec(["pwd"], { cwd: "/tmp" })).toMatchObject({ stdout: "/tmp\n" });
    expect((await exec(["env"], { env: { B: "2" } })).stdout).toContain("B=2\n");
  });

  it("is an error when no process could be made", async () => {
    expect(await failure(exec(["nosuch"]))).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringMatching(/"nosuch": executable file not found in \$PATH/),
    });
    expect(await failure(exec(["id"], { user: "nouser" }))).toMatchObject({ message: expect.stringContaining("unable to find user nouser") });
  });

  it("cuts a flood and still waits for its end", async () => {
    const result = await exec(["sh", "-c", "seq 1 100000; exit 4"], { max_output: 100 });
    expect(result).toMatchObject({ exit_code: 4, truncated: true });
    expect(String(result.stdout)).toHaveLength(100);
    expect(host.notes.join()).toMatch(/max_output/);
  });

  it("gives up in time, and says that the command goes on", async () => {
    const error = await failure(exec(["sleep", "5"], { timeout: 1 }));
    expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(/within 1 s\. It goes on in the container/) });
  });

  it("ends with the caller", async () => {
    const leaving = new AbortController();
    const left = failure(host.run("container", "exec", "shop-db", { command: ["sleep", "5"] }, leaving.signal));
    setTimeout(() => leaving.abort(), 50);
    expect((await left).code).toBe("CANCELLED");
  });

  it("needs a running container", async () => {
    expect(await failure(exec(["true"], {}, "ci-runner-7"))).toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("is not running"),
    });
    expect(await failure(exec(["true"], {}, "staging-web"))).toMatchObject({ code: "WRONG_STATE", message: expect.stringContaining("is paused") });
  });
});

describe("logs", () => {
  it("keep the order and the streams", async () => {
    expect(await host.run("container", "logs", "ci-runner-7")).toEqual({
      output: [
        { stream: "stdout", text: "job 7: 412 tests, 1 failed\n" },
        { stream: "stderr", text: "FAIL test/cart.test.js\n" },
      ],
      truncated: false,
    });
  });

  it("of a terminal are one stream without frames", async () => {
    expect(await host.run("container", "logs", "debug-shell")).toMatchObject({ output: [{ stream: "stdout", text: "/ # hostname\r\n" }] });
  });

  it("are limited by lines, time and bytes", async () => {
    expect(await host.run("container", "logs", "shop-web", { tail: 1 })).toMatchObject({
      output: [{ text: expect.stringMatching(/^10\.0\.4\.17.*404 153\n$/) }],
    });
    expect(await host.run("container", "logs", "shop-web", { until: "300d" })).toEqual({ output: [], truncated: false });
    expect(await host.run("container", "logs", "shop-web", { max_output: 100 })).toMatchObject({ truncated: true });
    expect(host.notes.join()).toMatch(/newest 100 bytes/);
    expect(await host.run("container", "logs", "ci-runner-8", { timestamps: true })).toMatchObject({
      output: [{ text: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z job 8: running\n$/) }],
    });
  });

  it.each([
    ["application/vnd.docker.multiplexed-stream", "multi\n"],
    ["application/vnd.docker.raw-stream", "raw"],
  ])("on a newer engine are told by the content type %s alone", async (type, text) => {
    const body = type.includes("raw") ? text : Buffer.from([2, 0, 0, 0, 0, 0, 0, text.length, ...Buffer.from(text)]);
    const newer = await engineOf("1.47", () => ({ status: 200, headers: { "content-type": type }, body }));
    const log = await readLogs(newer.client, "/containers/web", 'container "web"', { tail: 5, timestamps: false, maxOutput: 1000 }, signal);
    expect(log.output).toEqual([{ stream: type.includes("raw") ? "stdout" : "stderr", text }]);
    expect(newer.server.requests.map(({ path }) => path)).toEqual(["/_ping", "/v1.47/containers/web/logs"]);
    await newer.close();
  });
});

describe("stats", () => {
  it("measure against the container's own limit", async () => {
    const usage = await host.run("container", "stats", "ci-runner-8");
    expect(usage).toMatchObject({ name: "ci-runner-8", memory_used: 96_000_000 });
    expect(usage.cores_used).toBeCloseTo(1.9, 2);
    expect(usage.cpu_usage).toBeCloseTo(0.95, 2);
  });

  it("need a running container", async () => {
    expect(await failure(host.run("container", "stats", "ci-runner-7"))).toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("it is exited"),
    });
  });
});

describe("images", () => {
  it("are listed with all their names, untagged ones by their id", async () => {
    const rows = await host.list("image");
    expect(rows).toHaveLength(6);
    const untagged = rows.find(({ untagged }) => untagged);
    expect(untagged).toMatchObject({ references: [], name: untagged?.id });
    expect(await host.get("image", String(untagged?.id))).toMatchObject({ untagged: true, arch: "amd64", os: "linux" });
    expect(await host.get("image", "ghcr.io/acme/shop-api:2.3.1")).toMatchObject({ name: "ghcr.io/acme/shop-api:2.3.1" });
  });

  it("are pulled, with their tag written out", async () => {
    expect(await host.run("image", "pull", "", { image: "alpine" })).toEqual({ key: "alpine:latest" });
    expect(await host.get("image", "alpine")).toMatchObject({ name: "alpine:latest" });
  });

  it("that fail while they come are an error, though the answer was 200", async () => {
    host.sandbox.fail({ path: "/images/create", taskError: "write /var/lib/docker/tmp/x: no space left on device" });
    expect(await failure(host.run("image", "pull", "", { image: "alpine:3.20" }))).toMatchObject({
      code: "NO_CAPACITY",
      message: 'Unable to pull image "alpine:3.20": write /var/lib/docker/tmp/x: no space left on device',
    });
    expect((await failure(host.get("image", "alpine:3.20"))).code).toBe("NOT_FOUND");
  });

  it("are deleted, unless containers use them", async () => {
    expect(await failure(host.run("image", "delete", "nginx:1.27"))).toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("(must force)"),
    });
    await host.run("image", "pull", "", { image: "httpd:2.4" });
    const gone = await host.run("image", "delete", "httpd:2.4");
    expect(gone.untagged).toContain("httpd:2.4");
    expect(gone.deleted).toHaveLength(3);
  });
});

describe("networks and volumes", () => {
  it("are listed", async () => {
    const networks = await host.list("network");
    expect(networks).toHaveLength(5);
    expect(networks.find(({ name }) => name === "shop_back")).toMatchObject({ driver: "bridge", internal: true, subnets: ["172.21.0.0/16"] });
    expect((await host.list("volume")).map(({ name }) => name).sort()).toEqual(["ci_cache", "grafana_data", "shop_db"]);
  });
});

describe("the engine", () => {
  it("says its version, and warns of an open port", async () => {
    const report = await testEngine({ client: host.client, signal });
    expect(report).toMatchObject({ version: "Docker Engine 20.10.24", facts: { api: "1.41", arch: "amd64" } });
    expect(report.warnings?.[0]).toMatch(/without TLS/);
  });

  it("says what it has, and nothing of what is in use", async () => {
    expect(await engineCapacity({ client: host.client, signal })).toEqual({
      places: [{ name: "dock1", healthy: true, arch: "x86_64", cpu: 8, memory: 33_554_432_000 }],
    });
  });

  it("is reached over TLS with a client certificate, and not without", async () => {
    const secure = await dock({ tls: true });
    expect(await secure.list("image")).toHaveLength(6);
    expect((await testEngine({ client: secure.client, signal })).warnings).toEqual([]);
    const { ca, url } = secure.sandbox.connection as { ca: string; url: string };
    const bare = clientOf({ url, ca });
    await expect(bare.json({ what: "list images", path: "/images/json", signal })).rejects.toMatchObject({ name: "ProxMcpError" });
    const untrusting = clientOf({ url, verify: true });
    expect((await failure(untrusting.json({ what: "list images", path: "/images/json", signal }))).code).toBe("TLS_UNTRUSTED");
    await Promise.all([bare.close(), untrusting.close(), secure.close()]);
  });

  it("is reached over a unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "docker-sandbox-"));
    const local = await dock({ socket: join(folder, "docker.sock"), estate: "empty" });
    expect(await local.list("container")).toEqual([]);
    await local.close();
    await rm(folder, { recursive: true });
  });

  it("that is not there is unreachable", async () => {
    const nobody = clientOf({ socket: "/nowhere/docker.sock" });
    expect((await failure(nobody.apiVersion(signal))).code).toBe("UNREACHABLE");
    await nobody.close();
  });
});
