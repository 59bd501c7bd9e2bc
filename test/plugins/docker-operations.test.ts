import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serveSandbox } from "proxmcp/testing";
import { createProxMcp, type ProxMcp } from "proxmcp";
import type { Sandbox } from "proxmcp/plugin";
import docker from "../../plugins/docker/index.js";
import { start } from "../../plugins/docker/sandbox/index.js";
import { PRIVATE_LOGIN } from "../../plugins/docker/sandbox/image-store.js";
import { until } from "../fixtures/tape-app.js";

let sandbox: Sandbox;
let app: ProxMcp;
beforeEach(async () => {
  sandbox = await start({ taskTime: 5 });
  app = await createProxMcp({
    plugins: ["docker"],
    connections: { engine: { provider: "docker", ...sandbox.connection } },
    log: { level: "silent" },
  });
});
afterEach(async () => {
  await app.close();
  await sandbox.close();
});

const call = async (tool: string, args: object = {}) => await app.call(`docker_${tool}`, args as never, { confirm: true });
const question = async (tool: string, args: object = {}): Promise<string> => {
  const error = await app.call(`docker_${tool}`, args as never).catch((failure: unknown) => failure as { code?: string; message: string });
  expect((error as { code?: string }).code).toBe("CONFIRMATION_REQUIRED");
  return (error as { message: string }).message;
};
const asked = (pattern: RegExp): number => sandbox.requests.filter(({ method, path }) => pattern.test(`${method} ${path}`)).length;

describe("an operation that an engine is too old for", () => {
  it("says which version it needs, before anything is sent", async () => {
    const sent: string[] = [];
    const old = await serveSandbox(({ method, path }) => {
      sent.push(`${method} ${path}`);
      return path === "/_ping" ? { status: 200, headers: { "api-version": "1.20" }, body: "OK" } : { status: 200, body: [] };
    });
    const aged = await createProxMcp({ plugins: ["docker"], connections: { aged: { provider: "docker", url: old.url } }, log: { level: "silent" } });
    const refusal = async (tool: string, args: object): Promise<unknown> =>
      await aged.call(`docker_${tool}`, args as never, { confirmToken: undefined, confirm: true }).catch((error: unknown) => error);
    expect(await refusal("node_list", {})).toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(/Unable to list nodes: this needs API version 1\.24 or newer; the engine at .* has 1\.20/),
    });
    expect(await refusal("image_pull", { image: "a", platform: "linux/arm64" })).toMatchObject({ message: expect.stringMatching(/1\.32 or newer/) });
    expect(sent).toEqual(["GET /_ping"]);
    await aged.close();
    await old.close();
  });
});

describe("the question before a loss", () => {
  it("counts what a prune would take, and nothing is gone by being asked", async () => {
    expect(await question("container_prune")).toMatch(
      /2 stopped containers would go.*migrate-once, ci-runner-7|2 stopped containers would go.*ci-runner-7, migrate-once/,
    );
    expect(await question("container_prune", { older_than: "100d" })).toMatch(/No container is stopped: nothing would go/);
    expect(await question("image_prune")).toMatch(/1 image would go, of 265 MB together/);
    expect(await question("image_prune", { all: true })).toMatch(/1 image would go/); // all others are used
    expect(await question("volume_prune")).toMatch(/nothing would go/);
    expect(await question("volume_prune", { all: true })).toMatch(/1 volume with 4\.1 kB of data would be lost: grafana_data/);
    expect(await question("network_prune")).toMatch(/nothing would go/);
    expect(await question("system_prune", { volumes: true })).toMatch(
      /2 stopped containers.*1 image.*1 volume.*What only these containers use goes as well/,
    );
    expect(asked(/^(POST|DELETE) .*(prune|volumes\/)/)).toBe(0);
  });

  it("names the unnamed volumes of a container, which go or stay as was asked", async () => {
    await call("container_create", { name: "with-own", image: "busybox:1.36", volumes: [`${"a".repeat(64)}:/own`, "named:/n"], start: false });
    expect(await question("container_delete", { name: "with-own", volumes: true })).toMatch(
      /Lost with it: 1 unnamed volume, at \/own \(aaaaaaaaaaaa\)\. Kept: 1 named volume, named/,
    );
    expect(await question("container_delete", { name: "with-own" })).toMatch(/Its 1 unnamed volume at \/own \(a+\) stay behind/);
    expect(await question("container_delete", { name: "shop-web", force: true })).toMatch(/It is running and will be killed/);
  });

  it("is not asked for what does not exist", async () => {
    for (const [tool, kind] of [
      ["container_delete", "container"],
      ["volume_delete", "volume"],
      ["network_delete", "network"],
      ["image_delete", "image"],
      ["compose_project_down", "project"],
    ])
      await expect(app.call(`docker_${tool}`, { name: "no-such-thing" }), kind).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a prune", () => {
  it("takes just what it said", async () => {
    expect(await call("volume_prune", { all: true })).toMatchObject({ result: { deleted: ["grafana_data"], disk_freed: 4096 } });
    expect((await call("volume_list"))["total"]).toBe(2);
    expect(await call("system_prune", { all_images: true, volumes: true })).toMatchObject({
      result: { containers: [expect.any(String), expect.any(String)], disk_freed: expect.any(Number) },
    });
    expect((await call("container_list", { where: { status: ["exited", "created"] } }))["total"]).toBe(0);
  });

  it("leaves a volume that was taken since, and says so", async () => {
    sandbox.fail({ method: "DELETE", path: "/volumes/grafana_data", status: 409, reason: "remove grafana_data: volume is in use - [abc]", times: 1 });
    const { result, notes } = await call("volume_prune", { all: true });
    expect([result, notes]).toEqual([{ deleted: [], disk_freed: 0 }, [expect.stringContaining("kept: grafana_data")]]);
  });

  it("of what is older than a time takes that alone", async () => {
    await call("container_create", { name: "young", image: "busybox:1.36", start: false });
    await call("container_prune", { older_than: "1h" });
    expect((await call("container_list", { where: { status: ["created", "exited"] } }))["items"]).toMatchObject([{ name: "young" }]);
  });
});

describe("disk use", () => {
  it("waits where somebody else is measuring", async () => {
    sandbox.fail({ path: "/system/df", status: 500, reason: "a disk usage operation is already running", times: 2 });
    expect(await call("system_disk_usage")).toMatchObject({
      result: { images: { count: 6 }, containers: { count: 9, used: 7 }, volumes: { count: 3, used: 2 } },
    });
    expect(asked(/system\/df/)).toBe(3);
  });
});

describe("events", () => {
  it("end where the engine's clock is behind", async () => {
    await call("container_restart", { name: "shop-cache" });
    const found = await call("system_events", { since: "1m", kinds: ["container"], name: "shop-cache" });
    expect(found).toMatchObject({
      result: { events: [{ what: "restart", name: "shop-cache", kind: "container", id: expect.stringMatching(/^[0-9a-f]{12}$/) }] },
    });
  });

  it("that come while waiting are told", async () => {
    const waiting = call("system_events", { since: "1s", wait: 1 });
    await call("volume_create", { name: "while-waiting" });
    expect(await waiting).toMatchObject({ result: { events: [{ kind: "volume", what: "create", name: "while-waiting" }] } });
  });

  it("can be watched until nobody wants them any more", async () => {
    const { DockerClient } = await import("../../plugins/docker/client.js");
    expect(docker.client).toBe(DockerClient);
    const seen: string[] = [];
    const leaving = new AbortController();
    const { clientOf } = await import("./docker-harness.js");
    const client = clientOf(sandbox.connection);
    const watching = (async () => {
      for await (const { kind, what, key } of docker.watch!({ client, signal: leaving.signal } as never)) {
        seen.push(`${kind} ${what} ${key}`);
        leaving.abort();
      }
    })().catch(() => {}); // it ends by being left
    await until(() => sandbox.requests.some(({ path }) => path.endsWith("/events")));
    await call("volume_create", { name: "watched" });
    await watching;
    expect(seen).toEqual(["volume create watched"]);
    await client.close();
  });
});

describe("an image", () => {
  it("is pushed with progress for its layers, and a refusal is an error", async () => {
    await call("image_tag", { name: "busybox:1.36", new_name: "registry.example/team/bb:1" });
    const steps: number[] = [];
    await app.call("docker_image_push", { name: "registry.example/team/bb:1" }, { progress: ({ progress }) => void steps.push(progress) });
    expect(steps.length).toBeGreaterThan(1);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    await call("image_tag", { name: "busybox:1.36", new_name: "registry.example/private/bb:1" });
    await expect(call("image_push", { name: "registry.example/private/bb:1" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(PRIVATE_LOGIN.password).not.toBe("");
    sandbox.fail({ path: "/push", taskError: "received unexpected HTTP status: 500", times: 1 });
    await expect(call("image_push", { name: "registry.example/team/bb:1" })).rejects.toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("unexpected HTTP status"),
    });
  });

  it("is built with progress for its steps, and the log of a failure comes with it", async () => {
    const steps: string[] = [];
    const dockerfile = "FROM busybox:1.36\nRUN exit 7\n";
    const failure: unknown = await app
      .call("docker_image_build", { image: "x", dockerfile }, { progress: ({ progress, total }) => void steps.push(`${progress}/${total}`) })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("non-zero code: 7"),
      details: { data: { log: expect.stringContaining("Step 2/2") } },
    });
    expect(steps).toEqual(["1/2", "2/2"]);
    await expect(call("image_build", { image: "x", dockerfile: "FROM no/such:base\n" })).rejects.toMatchObject({ code: "FORBIDDEN" });
  });
});
