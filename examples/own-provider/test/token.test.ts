import { createProxMcp } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import containarium from "../src/index.ts";
import { tokenFor } from "../src/sandbox/jwt.ts";
import { start } from "../src/sandbox/index.ts";
import { expiryWarning, tokenIn } from "../src/token.ts";
import { started } from "./started.ts";

const DAY = 86_400;
const now = Date.UTC(2026, 5, 1);
const lasting = (days: number, age = 0) => ({
  username: "mcp",
  roles: [],
  scopes: [],
  refresh: false,
  issued: now - age * DAY * 1000,
  expires: now + days * DAY * 1000,
});

describe("a token", () => {
  it("is read, not trusted", () => {
    expect(tokenIn(tokenFor("s", { username: "mcp", roles: ["admin"], scopes: ["containers:read"] }))).toMatchObject({
      username: "mcp",
      roles: ["admin"],
      scopes: ["containers:read"],
      refresh: false,
      expires: expect.any(Number),
    });
    expect(tokenIn("eyJ.not-json.sig")).toBeUndefined();
    expect(tokenIn("just-a-secret")).toBeUndefined();
  });

  it.each([
    ["long before its end", lasting(300, 65), undefined],
    ["two weeks before", lasting(13, 352), "The token of mcp expires on 2026-06-14T00:00:00.000Z, in 13 days."],
    ["in the first half of a short life", lasting(0.9, 0.1), undefined],
    ["in the second half of a short life", lasting(0.25, 0.75), "The token of mcp expires on 2026-06-01T06:00:00.000Z, in 6 hours."],
    ["afterwards", lasting(-3, 30), "The token of mcp expired on 2026-05-29T00:00:00.000Z, 3 days ago."],
    ["without an end", { ...lasting(1), expires: undefined }, undefined],
  ])("%s", (_, { expires, ...token }, sentence) => {
    expect(expiryWarning({ ...token, ...(expires === undefined ? {} : { expires }) }, now)).toBe(sentence);
  });
});

describe("a connection", () => {
  it("says who we are there, and until when", async () => {
    const { app } = await started();
    expect(await app.test()).toMatchObject([
      { ok: true, version: "Containarium 0.21.0 on Incus 6.12", facts: { username: "mcp-client", roles: "admin", backends: 2 }, warnings: [] },
    ]);
  });

  it("warns of a token that ends soon: when it is tested, and once where callers read", async () => {
    const { app } = await started({ grant: { expiresIn: 5 * DAY, age: 25 * DAY } });
    expect(await app.test()).toMatchObject([
      { ok: true, warnings: [expect.stringMatching(/^The token of mcp-client expires on .*, in (4|5) days\.$/)] },
    ]);
    expect(await app.call("list_containers", {})).toMatchObject({ notes: [expect.stringContaining("expires on")] });
    expect(await app.call("list_containers", {})).not.toHaveProperty("notes");
  });

  it("that has expired says when, and what to do, and never shows it", async () => {
    const { app, sandbox } = await started({ grant: { username: "ci", expiresIn: -2 * DAY, age: 30 * DAY } });
    const error = await app.call("list_containers", {}).catch((one: unknown) => one);
    expect(error).toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringMatching(/^Unable to list containers: invalid token\. The token of ci expired on .*, 2 days ago\.$/),
      details: { next: expect.stringContaining("containarium token generate") },
    });
    const bearer = String(sandbox.requests.at(-1)?.headers["authorization"]).replace("Bearer ", "");
    expect(bearer).toMatch(/^eyJ/);
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toContain(bearer);
    expect(await app.test()).toMatchObject([{ ok: false, error: { code: "AUTH_FAILED" } }]);
  });

  it("whose token was signed for another server says that it is not its age", async () => {
    const [mine, other] = await Promise.all([start(), start()]);
    const app = await createProxMcp({
      plugins: [containarium],
      connections: { dev: { provider: "containarium", url: mine.connection["url"], token: other.connection["token"] } },
      log: { level: "silent" },
    });
    onTestFinished(async () => {
      await Promise.all([app.close(), mine.close(), other.close()]);
    });
    await expect(app.call("list_containers", {})).rejects.toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringContaining("It has not expired, so it was signed with another secret"),
    });
  });

  it("with few rights shows what is its user's, and warns of the rest", async () => {
    const { app } = await started({ grant: { username: "alice", roles: ["user"] } });
    expect(await app.test()).toMatchObject([
      { ok: true, warnings: ["The token has no role admin: only what belongs to alice is seen.", expect.stringContaining("role required: admin")] },
    ]);
    expect(await app.call("list_containers", {})).toMatchObject({ items: [{ username: "alice" }], total: 1 });
    await expect(app.call("get_container", { username: "bob" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(app.call("get_system_info", {})).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("comes from the variables of Containarium's own server", async () => {
    const sandbox = await start();
    const env = { CONTAINARIUM_SERVER_URL: `${sandbox.connection["url"]}/`, CONTAINARIUM_JWT_TOKEN: String(sandbox.connection["token"]) };
    const app = await createProxMcp({ plugins: [containarium], env, log: { level: "silent" } });
    onTestFinished(async () => {
      await app.close();
      await sandbox.close();
    });
    expect(app.connections).toMatchObject([{ name: "containarium", provider: "containarium" }]);
    expect(await app.call("list_containers", {})).toMatchObject({ total: 5 });
    const { CONTAINARIUM_JWT_TOKEN: _, ...without } = env;
    await expect(createProxMcp({ plugins: [containarium], env: without })).rejects.toMatchObject({
      message: expect.stringContaining("CONTAINARIUM_JWT_TOKEN"),
    });
  });

  it.each([
    [{ url: "containarium.example:8080" }, "must be an address"],
    [{ url: "https://me:pass@containarium.example" }, "must not hold a user"],
    [{ token: "not-a-token-at-all" }, "is no JWT"],
    [{ token: `Bearer ${tokenFor("s", {})}` }, "without the word Bearer"],
    [{ token: tokenFor("s", { type: "refresh" }) }, "is a refresh token"],
  ])("is refused with %o", async (wrong, why) => {
    const options = { url: "https://containarium.example", token: tokenFor("s", {}), ...wrong };
    const error = await createProxMcp({ plugins: [containarium], connections: { dev: { provider: "containarium", ...options } } }).catch(
      (one: Error) => one,
    );
    expect((error as Error).message).toContain(why);
    expect((error as Error).message).not.toContain(options.token);
  });

  it("is encrypted with a pinned certificate, and may stand behind a path", async () => {
    const { app } = await started({ tls: true });
    expect(await app.call("list_containers", {})).toMatchObject({ total: 5 });
  });
});
