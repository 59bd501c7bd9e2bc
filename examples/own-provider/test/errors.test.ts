import { describe, expect, it } from "vitest";
import { errorOf } from "../src/errors.ts";
import { started } from "./started.ts";

describe("errors", () => {
  it("of handlers that answer 500 whatever is wrong are told apart by what they say", async () => {
    const { app } = await started();
    await expect(app.call("get_container", { username: "nobody" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "Unable to read the container of nobody: failed to get container: Instance not found",
    });
    await expect(app.call("create_container", { username: "alice" })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: 'Unable to create a container for alice: failed to create container: Instance "alice-container" already exists',
    });
    await expect(app.call("create_container", { username: "erin", ssh_keys: ["your key here"] })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("keep the reason why a container could not be made", async () => {
    const { app, sandbox } = await started();
    sandbox.fail({ method: "POST", path: "/v1/containers", taskError: "package repo update failed: no route to host" });
    await expect(app.call("create_container", { username: "erin" })).rejects.toMatchObject({
      code: "UPSTREAM",
      message: expect.stringContaining("package repo update failed: no route to host"),
    });
  });

  it("say when the server is too old for what was asked", async () => {
    const { app, sandbox } = await started();
    sandbox.fail({ path: "/v1/stacks", status: 404, reason: "Not Found" });
    await expect(app.call("containarium_stack_list", {})).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: "Unable to list stacks: this server has no GET /v1/stacks.",
    });
  });

  it("of a server that is not there", async () => {
    const { app, sandbox } = await started();
    await sandbox.close();
    await expect(app.call("list_containers", {})).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it.each([
    [401, '{"error": "invalid token", "code": 401}\n', "AUTH_FAILED", "invalid token"],
    [
      403,
      '{"code":403,"error":"rpc error: code = PermissionDenied desc = scope required: containers:write"}',
      "FORBIDDEN",
      "scope required: containers:write",
    ],
    [404, '{"code":5,"message":"backup x not found","details":[]}', "NOT_FOUND", "backup x not found"],
    [400, '{"code":400,"error":"rpc error: code = FailedPrecondition desc = container snapshots need a ZFS storage backend"}', "UNSUPPORTED", "ZFS"],
    [
      400,
      '{"code":400,"error":"rpc error: code = InvalidArgument desc = proto: (line 1:2): unknown field \\"pool\\""}',
      "UNSUPPORTED",
      "unknown field",
    ],
    [429, '{"error": "too many failed authentication attempts; try again later", "code": 429}', "RATE_LIMITED", "too many failed"],
    [
      500,
      '{"code":500,"error":"rpc error: code = Unknown desc = cannot stop bob: 1 backend(s) unreachable (dial tcp: timeout)"}',
      "UPSTREAM",
      "unreachable",
    ],
    [
      500,
      '{"code":500,"error":"rpc error: code = Unknown desc = failed to resize container: container disk is full. Include a larger disk"}',
      "NO_CAPACITY",
      "full",
    ],
    [502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "UPSTREAM", "502 Bad Gateway"],
    [504, "", "TIMEOUT", "it answered with status 504"],
  ])("of status %i with %s are %s", (status, body, code, said) => {
    const error = errorOf({ doing: "do it", method: "GET", path: "/v1/x", status, body });
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^Unable to do it: /) });
    expect(error.message).toContain(said);
    expect(error.details).toMatchObject({ tried: ["GET /v1/x"] });
  });
});
