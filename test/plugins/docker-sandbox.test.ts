import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProxMcp } from "proxmcp";
import { demo, start } from "../../plugins/docker/sandbox/index.js";

/** What Docker 20.10 was seen to answer, word by word, to the same requests. */
type Seen = readonly [request: string, body: unknown, status: number, message: string | undefined];
const I = "busybox:1.36";

const SEEN: readonly Seen[] = [
  ["GET /v1.41/nope", undefined, 404, "page not found"],
  ["PUT /v1.41/containers/json", undefined, 404, "page not found"],
  ["GET /v1.42/containers/json", undefined, 400, "client version 1.42 is too new. Maximum supported API version is 1.41"],
  ["POST /v1.41/containers/shop-web/rename", undefined, 400, "Neither old nor new names may be empty"],
  [
    "POST /v1.41/containers/shop-web/rename?name=-",
    undefined,
    400,
    "Error when allocating new name: Invalid container name (/-), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
  ],
  ["POST /v1.41/containers/shop-web/update", { Memory: 1000 }, 400, "Minimum memory limit allowed is 6MB"],
  ["POST /v1.41/containers/shop-web/kill?signal=FOO", undefined, 400, "Invalid signal: FOO"],
  ["POST /v1.41/containers/nope/kill", undefined, 404, "Cannot kill container: nope: No such container: nope"],
  ["POST /v1.41/containers/nope/wait", undefined, 404, "No such container: nope"],
  ["GET /v1.41/containers/shop-web/archive", undefined, 400, "bad parameter: pathcannot be empty"],
  ["GET /v1.41/containers/shop-web/archive?path=/nope", undefined, 404, "Could not find the file /nope in container shop-web"],
  ["GET /v1.41/containers/nope/archive?path=/x", undefined, 404, "No such container: nope"],
  ["PUT /v1.41/containers/shop-web/archive?path=/etc/passwd", undefined, 500, "extraction point is not a directory"],
  ["PUT /v1.41/containers/shop-web/archive?path=/nope", undefined, 404, "Could not find the file /nope in container shop-web"],
  ["POST /v1.41/commit?container=nope", {}, 404, "No such container: nope"],
  ["POST /v1.41/images/nope/tag?repo=x", undefined, 404, "No such image: nope:latest"],
  [`POST /v1.41/images/${I}/tag?repo=Xx`, undefined, 500, "invalid reference format: repository name must be lowercase"],
  ["GET /v1.41/images/nope/history", undefined, 404, "No such image: nope:latest"],
  ["GET /v1.41/images/nope/get", undefined, 404, "No such image: nope"],
  ["POST /v1.41/images/nope/push", undefined, 400, "Bad parameters and missing X-Registry-Auth: EOF"],
  ["POST /v1.41/build?t=Xx", undefined, 500, "invalid reference format: repository name must be lowercase"],
  ["POST /v1.41/build?t=x", undefined, 500, "Cannot locate specified Dockerfile: Dockerfile"],
  [
    "POST /v1.41/networks/create",
    { Name: "o", IPAM: { Config: [{ Subnet: "172.17.0.0/16" }] } },
    403,
    "Pool overlaps with other one on this address space",
  ],
  ["POST /v1.41/networks/create", { Name: "o", Driver: "nope" }, 404, 'plugin "nope" not found'],
  ["POST /v1.41/networks/create", { Name: "o", IPAM: { Config: [{ Subnet: "bad" }] } }, 500, "Invalid subnet bad : invalid CIDR address: bad"],
  ["POST /v1.41/networks/create", { Name: "bridge" }, 403, "operation is not permitted on predefined bridge network "],
  ["POST /v1.41/networks/nope/connect", { Container: "shop-web" }, 404, "network nope not found"],
  ["POST /v1.41/networks/shop_front/connect", { Container: "shop-web" }, 403, "endpoint with name shop-web already exists in network shop_front"],
  ["POST /v1.41/networks/bridge/disconnect", { Container: "nope" }, 404, "No such container: nope"],
  ["DELETE /v1.41/networks/nope", undefined, 404, "network nope not found"],
  ["DELETE /v1.41/networks/bridge", undefined, 403, "bridge is a pre-defined network and cannot be removed"],
  ["DELETE /v1.41/volumes/nope", undefined, 404, "get nope: no such volume"],
  ["POST /v1.41/volumes/create", { Name: "o2", Driver: "nope" }, 404, 'create o2: error looking up volume plugin nope: plugin "nope" not found'],
  [
    "GET /v1.41/nodes",
    undefined,
    503,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  ],
  ["GET /v1.41/containers/nope/json", undefined, 404, "No such container: nope"],
  ["POST /v1.41/containers/nope/start", undefined, 404, "No such container: nope"],
  ["DELETE /v1.41/containers/nope", undefined, 404, "No such container: nope"],
  ["GET /v1.41/containers/nope/logs?stdout=1", undefined, 404, "No such container: nope"],
  ["GET /v1.41/containers/shop-web/logs", undefined, 400, "Bad parameters: you must choose at least one stream"],
  ["GET /v1.41/containers/shop-web/logs?stdout=1&since=abc", undefined, 500, 'strconv.ParseInt: parsing "abc": invalid syntax'],
  ["POST /v1.41/containers/shop-web/stop?t=abc", undefined, 500, 'strconv.Atoi: parsing "abc": invalid syntax'],
  ['GET /v1.41/containers/json?filters={"nope":["x"]}', undefined, 400, "Invalid filter 'nope'"],
  ['GET /v1.41/containers/json?filters={"status":["up"]}', undefined, 400, "Invalid filter 'status=up'"],
  ["GET /v1.41/containers/json?filters=garbage", undefined, 500, "invalid character 'g' looking for beginning of value"],
  ["POST /v1.41/containers/create?name=-bad", { Image: I }, 400, "Invalid container name (-bad), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"],
  ["POST /v1.41/containers/create?name=nn", { Image: "nope" }, 404, "No such image: nope:latest"],
  ["POST /v1.41/containers/create?name=nn", { Image: "nope:1.2@x" }, 400, "invalid reference format"],
  ["POST /v1.41/containers/create?name=nn", { Image: "UPPER" }, 400, "invalid reference format: repository name must be lowercase"],
  ["POST /v1.41/containers/create?name=nn", { Image: "" }, 400, "No command specified"],
  ["POST /v1.41/containers/create?name=nn", {}, 400, "Config cannot be empty in order to create a container"],
  ["POST /v1.41/containers/create?name=nn", { Image: I, HostConfig: { Memory: 1000 } }, 400, "Minimum memory limit allowed is 6MB"],
  [
    "POST /v1.41/containers/create?name=nn",
    { Image: I, HostConfig: { NanoCpus: 99e9 } },
    400,
    "Range of CPUs is from 0.01 to 8.00, as there are only 8 CPUs available",
  ],
  ["POST /v1.41/containers/create?name=nn", { Image: I, HostConfig: { RestartPolicy: { Name: "foo" } } }, 400, "invalid restart policy 'foo'"],
  [
    "POST /v1.41/containers/create?name=nn",
    { Image: I, HostConfig: { RestartPolicy: { Name: "no", MaximumRetryCount: 2 } } },
    400,
    "maximum retry count cannot be used with restart policy 'no'",
  ],
  [
    "POST /v1.41/containers/create?name=nn",
    { Image: I, HostConfig: { Binds: ["data:rel"] } },
    500,
    "invalid volume specification: 'data:rel': invalid mount config for type \"volume\": invalid mount path: 'rel' mount path must be absolute",
  ],
  ["POST /v1.41/containers/create?name=nn", { Image: I, HostConfig: { Binds: ["data:/x:zz"] } }, 500, "invalid mode: zz"],
  [
    "POST /v1.41/containers/create?name=nn",
    { Image: I, HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "99999" }] } } },
    400,
    'invalid port specification: "99999"',
  ],
  ["POST /v1.41/containers/staging-web/start", undefined, 409, "cannot start a paused container, try unpause instead"],
  ["POST /v1.41/containers/staging-web/exec", { Cmd: ["true"] }, 409, "Container staging-web is paused, unpause the container before exec"],
  ["POST /v1.41/containers/shop-web/exec", { Cmd: [] }, 400, "No exec command specified"],
  ["GET /v1.41/exec/nope/json", undefined, 404, "No such exec instance: nope"],
  ["DELETE /v1.41/images/nope", undefined, 404, "No such image: nope:latest"],
  ["GET /v1.41/images/nope/json", undefined, 404, "no such image: nope: No such image: nope:latest"],
  ["POST /v1.41/images/create?fromImage=UPPER", undefined, 400, "invalid reference format: repository name must be lowercase"],
  ["POST /v1.41/images/create?fromImage=nginx&tag=nope", undefined, 404, "manifest for nginx:nope not found: manifest unknown: manifest unknown"],
  ["GET /v1.41/networks/nope", undefined, 404, "network nope not found"],
  ["GET /v1.41/volumes/nope", undefined, 404, "get nope: no such volume"],
  ["POST /v1.41/containers/shop-web/start", undefined, 304, undefined],
  ["POST /v1.41/containers/ci-runner-7/stop", undefined, 304, undefined],
];

let sandbox: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  sandbox = await start({ taskTime: 1 });
});
afterAll(() => sandbox.close());

const ask = (request: string, body?: unknown, type = "application/json"): Promise<Response> => {
  const [method = "", path = ""] = request.split(/ (.*)/);
  return fetch(`${String(sandbox.connection.url)}${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "content-type": type } }),
  });
};

describe("the sandbox answers as the engine does", () => {
  it.each(SEEN)("%s %j", async (request, body, status, message) => {
    const answer = await ask(request, body);
    const text = await answer.text();
    expect([answer.status, text === "" ? undefined : (JSON.parse(text) as { message: string }).message]).toEqual([status, message]);
  });

  it("names the API and its kind in every answer, and the ping is plain", async () => {
    const ping = await ask("GET /_ping");
    expect([await ping.text(), ping.headers.get("api-version"), ping.headers.get("ostype")]).toEqual(["OK", "1.41", "linux"]);
    expect((await ask("GET /v1.41/containers/json")).headers.get("content-type")).toBe("application/json");
  });

  it("refuses a client that is too old in plain text, without JSON", async () => {
    const answer = await ask("GET /v1.11/containers/json");
    expect([answer.status, await answer.text()]).toEqual([
      400,
      "client version 1.11 is too old. Minimum supported API version is 1.12, please upgrade your client to a newer version\n",
    ]);
  });

  it("wants a content type with a body", async () => {
    const answer = await ask("POST /v1.41/containers/create", "x", "application/x-www-form-urlencoded");
    expect(await answer.json()).toEqual({ message: "Content-Type specified (application/x-www-form-urlencoded) must be 'application/json'" });
  });

  it("names the holder of a taken name, and the container that holds an image", async () => {
    const conflict = (await (await ask("POST /v1.41/containers/create?name=shop-web", { Image: I })).json()) as { message: string };
    expect(conflict.message).toMatch(
      /^Conflict\. The container name "\/shop-web" is already in use by container "[0-9a-f]{64}"\. You have to remove \(or rename\)/,
    );
    const used = (await (await ask("DELETE /v1.41/images/redis:7")).json()) as { message: string };
    expect(used.message).toMatch(
      /^conflict: unable to remove repository reference "redis:7" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}$/,
    );
  });

  it("frames what a command writes, and puts the engine's own complaint on stdout", async () => {
    const { Id } = (await (await ask("POST /v1.41/containers/shop-web/exec", { Cmd: ["nosuch"], AttachStdout: true })).json()) as { Id: string };
    const answer = await ask(`POST /v1.41/exec/${Id}/start`, { Detach: false });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.headers.get("content-type")).toBe("application/vnd.docker.raw-stream");
    expect([...bytes.subarray(0, 8)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0x86]);
    expect(bytes.subarray(8).toString()).toBe(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown\r\n',
    );
    expect(await (await ask(`GET /v1.41/exec/${Id}/json`)).json()).toMatchObject({ Running: false, ExitCode: 126, Pid: 0 });
  });

  it("answers zeros for the stats of what does not run", async () => {
    expect(await (await ask("GET /v1.41/containers/ci-runner-7/stats?stream=false")).json()).toMatchObject({
      read: "0001-01-01T00:00:00Z",
      memory_stats: {},
    });
  });
});

describe("the demo", () => {
  it("goes through without a failure, and leaves nothing behind", async () => {
    const sandbox = await start(demo.connections["docker"]);
    const app = await createProxMcp({
      plugins: ["docker"],
      connections: { docker: { provider: "docker", ...sandbox.connection } },
      log: { level: "silent" },
    });
    const before = (await app.call("docker_container_list"))["total"];
    const answers = [];
    for (const { tool, args } of demo.tour) answers.push(await app.call(tool, args, { confirm: true }));
    expect(answers.length).toBeGreaterThanOrEqual(5);
    expect(answers[0]).toMatchObject({ items: [{ name: "shop-api" }] });
    expect(answers[3]).toMatchObject({ result: { exit_code: 0, stdout: expect.stringContaining("PONG") } });
    expect((await app.call("docker_container_list"))["total"]).toBe(before);
    await app.close();
    await sandbox.close();
  });
});
