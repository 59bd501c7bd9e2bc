import { createProxMcp, type ProxMcp } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Estate, type LxdSandbox, start } from "../../plugins/lxd/sandbox/index.js";
import { failure } from "../fixtures/tape-app.js";

type Options = Record<string, unknown>;

async function server(estate: Estate): Promise<LxdSandbox> {
  const sandbox = await start({ estate, taskTime: 5 });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

async function appOn(options: Options): Promise<ProxMcp> {
  const app = await createProxMcp({ plugins: ["lxd"], connections: { pi: { provider: "lxd", ...options } }, env: {}, log: { level: "silent" } });
  onTestFinished(() => app.close());
  return app;
}

const bare = ({ connection }: LxdSandbox): Options => {
  const { fingerprint: _, ...rest } = connection;
  return rest;
};
/** The bodies of the enrolments that a server was sent. */
const enrolments = (sandbox: LxdSandbox): unknown[] =>
  sandbox.requests.filter(({ method, path }) => method === "POST" && path === "/1.0/certificates").map((request) => request.json());
const total = async (app: ProxMcp): Promise<unknown> => (await app.call("lxd_instance_list"))["total"];

describe.each(["lxd", "incus"] as const)("a certificate that %s does not know", (flavor) => {
  it("is enrolled by the token in the connection, once, for all that ask at once, and the token pins the server", async () => {
    const sandbox = await server({ flavor, trusted: false });
    const token = sandbox.trustToken();
    const app = await appOn({ ...bare(sandbox), trust_token: token });
    const counts = await Promise.all([total(app), total(app), app.call("lxd_image_list").then((list) => list["total"])]);
    expect(counts.every((count) => Number(count) > 0)).toBe(true);
    expect(enrolments(sandbox)).toEqual([{ type: "client", [flavor === "incus" ? "trust_token" : "password"]: token }]);
    // It stays in the config, used up, and goes on pinning.
    expect(await total(await appOn({ ...bare(sandbox), trust_token: token }))).toBe(counts[0]);
    expect(enrolments(sandbox)).toHaveLength(1);
  });

  it("is refused with a way out, which works", async () => {
    const sandbox = await server({ flavor, trusted: false });
    const app = await appOn(sandbox.connection);
    const refused = await failure(app.call("lxd_instance_list"));
    expect(refused).toMatchObject({ code: "AUTH_FAILED", next: expect.stringContaining("lxd_host_enrol") });
    expect(await app.call("lxd_host_enrol", { token: sandbox.trustToken() })).toMatchObject({ result: { trusted: true, enrolled: true } });
    expect(Number(await total(app))).toBeGreaterThan(0);
    expect(await app.call("lxd_host_enrol", { token: sandbox.trustToken() })).toMatchObject({ result: { trusted: true, enrolled: false } });
  });

  it("is told when a token was used already", async () => {
    const sandbox = await server({ flavor, trusted: false });
    const token = sandbox.trustToken();
    await total(await appOn({ ...bare(sandbox), trust_token: token }));
    const stranger = await server({ flavor, trusted: false });
    const other = { ...bare(sandbox), cert: stranger.connection["cert"], key: stranger.connection["key"] };
    const refused = await failure((await appOn({ ...other, trust_token: token })).call("lxd_instance_list"));
    expect(refused).toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringContaining("refused the trust token"),
      next: expect.stringContaining("works once"),
    });
    expect(JSON.stringify(refused)).not.toContain(token);
  });
});

describe("who is not who the token says", () => {
  it("gets neither the token nor anything else, whoever vouches for it", async () => {
    const [real, impostor] = await Promise.all([server({ trusted: false }), server({ trusted: false })]);
    const token = real.trustToken();
    const app = await appOn({ ...bare(real), url: impostor.connection["url"], trust_token: token });
    expect(await failure(app.call("lxd_instance_list"))).toMatchObject({ code: "TLS_UNTRUSTED" });
    const pinned = await appOn({ ...impostor.connection });
    expect(await failure(pinned.call("lxd_host_enrol", { token }))).toMatchObject({ code: "TLS_UNTRUSTED" });
    expect(impostor.requests.filter(({ method }) => method === "POST")).toEqual([]);
  });

  it("is a fault of the config where the pinned certificate is another, and so is a token that is none", async () => {
    const [one, other] = await Promise.all([server({ trusted: false }), server({ trusted: false })]);
    const refused = await failure(appOn({ ...one.connection, trust_token: other.trustToken() }));
    expect(refused).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("of another server") });
    expect((await failure(appOn({ ...one.connection, trust_token: "bm9uZQ==" }))).message).toContain("is no trust token");
    expect((await failure(appOn({ url: one.connection["url"], trust_password: "x" }))).message).toContain("give `cert` and `key`");
  });
});

describe("the trust password of an older LXD", () => {
  it("enrols, from the connection or by the tool; a wrong one does not; Incus has none", async () => {
    const sandbox = await server({ trusted: false, trustPassword: "let me in" });
    expect(Number(await total(await appOn({ ...sandbox.connection, trust_password: "let me in" })))).toBeGreaterThan(0);
    expect(enrolments(sandbox)).toEqual([{ type: "client", password: "let me in" }]);
    const another = await server({ trusted: false, trustPassword: "let me in" });
    const app = await appOn(another.connection);
    expect(await failure(app.call("lxd_host_enrol", { password: "sesame" }))).toMatchObject({ code: "AUTH_FAILED" });
    expect(await failure(app.call("lxd_host_enrol", {}))).toMatchObject({ code: "INVALID_INPUT" });
    expect(await app.call("lxd_host_enrol", { password: "let me in" })).toMatchObject({ result: { enrolled: true } });
    const incus = await server({ flavor: "incus", trusted: false, trustPassword: "let me in" });
    const refused = await failure((await appOn(incus.connection)).call("lxd_host_enrol", { password: "let me in" }));
    expect(refused.next).toContain("trust tokens only");
  });

  it("is not sent to a server that nobody vouches for", async () => {
    const sandbox = await server({ trusted: false, trustPassword: "let me in" });
    expect(await failure((await appOn({ ...bare(sandbox), trust_password: "let me in" })).call("lxd_instance_list"))).toMatchObject({
      code: "TLS_UNTRUSTED",
    });
    expect(sandbox.requests).toEqual([]);
  });
});

describe("an authority", () => {
  it("vouches for the server, and for us", async () => {
    const sandbox = await server({ authority: true });
    expect(Object.keys(sandbox.connection)).toContain("ca");
    expect(Number(await total(await appOn(sandbox.connection)))).toBeGreaterThan(0);
    const stranger = await server({});
    const { cert, key } = stranger.connection;
    expect(await failure((await appOn({ ...sandbox.connection, cert, key })).call("lxd_instance_list"))).toMatchObject({ code: "AUTH_FAILED" });
    const elsewhere = await appOn({ ...sandbox.connection, url: stranger.connection["url"] });
    expect(await failure(elsewhere.call("lxd_instance_list"))).toMatchObject({ code: "TLS_UNTRUSTED" });
  });

  it("goes with a token where the server trusts its clients one by one", async () => {
    const sandbox = await server({ authority: true, trusted: false });
    const app = await appOn({ ...sandbox.connection, trust_token: sandbox.trustToken() });
    expect(Number(await total(app))).toBeGreaterThan(0);
  });
});

it("a socket has nothing to enrol", async () => {
  const socket = `/tmp/proxmcp-trust-${process.pid}.sock`;
  const sandbox = await start({ socket });
  onTestFinished(() => sandbox.close());
  const app = await appOn({ socket });
  expect(await failure(app.call("lxd_host_enrol", { password: "x" }))).toMatchObject({ code: "UNSUPPORTED" });
});
