import { describe, expect, it } from "vitest";
import { fromSummary, uptimeOf } from "../../plugins/docker/container-item.js";
import { isOlder } from "../../plugins/docker/client.js";
import { moment } from "../../plugins/docker/logs.js";
import { DockerConnection, environmentConnections, targetOf } from "../../plugins/docker/options.js";
import { fullReference } from "../../plugins/docker/pull.js";
import { createBody, portBindings, portsOf, portsOfMap } from "../../plugins/docker/run-options.js";

const PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----";
const KEY = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----";
const faults = (options: unknown): string[] =>
  DockerConnection.safeParse(options).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

describe("a connection", () => {
  it("wants a socket or an address, and only one", () => {
    expect(faults({})).toEqual([expect.stringMatching(/give `socket`.*or `url`/)]);
    expect(faults({ socket: "/s", url: "tcp://h:1" })).toEqual([expect.stringMatching(/not both/)]);
    expect(faults({ socket: "/s" })).toEqual([]);
  });

  it("says what is wrong with an address", () => {
    expect(faults({ url: "ssh://me@host:22/run/docker.sock", fingerprint: `SHA256:${"a".repeat(43)}` })).toEqual([]);
    expect(faults({ url: "ssh://me:pw@host" })[0]).toMatch(/must not hold a password/);
    expect(faults({ url: "ssh://me@host", verify: false, fingerprint: "aa" })).toEqual([
      expect.stringMatching(/verify.* is for TLS/),
      expect.stringMatching(/must be SHA256:/),
    ]);
    expect(faults({ url: "tcp://host", knownHosts: "/x" })[0]).toMatch(/for ssh:\/\/ addresses only/);
    expect(faults({ url: "npipe:////./pipe/docker" })[0]).toMatch(/must begin with tcp/);
    expect(faults({ url: "tcp://me:secret@host:2376" })[0]).toMatch(/must not hold a user/);
    expect(faults({ url: "tcp://me:secret@host:2376" })[0]).not.toContain("secret");
    expect(faults({ url: "https://host/docker" })[0]).toMatch(/without a path/);
    expect(faults({ url: "http://host:2375", ca: PEM })[0]).toMatch(/no TLS/);
    expect(faults({ socket: "/s", verify: false })[0]).toMatch(/no TLS/);
    expect(faults({ url: "tcp://h:2376", cert: PEM })[0]).toMatch(/^key: .*go together/);
    expect(faults({ url: "tcp://h:2376", ca: "/etc/ca.pem" })[0]).toMatch(/PEM text/);
    expect(faults({ url: "tcp://h:2376", sockett: "/s" })[0]).toMatch(/sockett/);
  });

  it("is TLS exactly when a TLS option is given", () => {
    const target = (options: unknown) => targetOf(DockerConnection.parse(options));
    expect(target({ url: "tcp://h" })).toEqual({ url: "http://h:2375" });
    expect(target({ url: "tcp://h:80" })).toEqual({ url: "http://h" });
    expect(target({ url: "tcp://h", ca: PEM })).toMatchObject({ url: "https://h:2376", tls: { ca: PEM } });
    expect(target({ url: "tcp://h:443", verify: false })).toMatchObject({ url: "https://h", tls: { verify: false } });
    expect(target({ url: "https://h:2376", cert: PEM, key: KEY })).toMatchObject({ url: "https://h:2376", tls: { cert: PEM, key: KEY } });
    expect(target({ socket: "/s" })).toEqual({ url: "http://localhost", socketPath: "/s" });
  });

  it("comes from the environment as for the docker command", () => {
    const options = (env: Record<string, string>) => environmentConnections(env)[0]?.options;
    expect(environmentConnections({})).toEqual([]);
    expect(options({ DOCKER_HOST: "unix:///run/d.sock" })).toEqual({ socket: "/run/d.sock" });
    expect(options({ DOCKER_HOST: "10.0.0.5:2375" })).toEqual({ url: "tcp://10.0.0.5:2375" });
    expect(options({ DOCKER_HOST: "tcp://h:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/c/" })).toEqual({
      url: "tcp://h:2376",
      ca: { file: "/c/ca.pem" },
      cert: { file: "/c/cert.pem" },
      key: { file: "/c/key.pem" },
    });
    expect(options({ DOCKER_HOST: "tcp://h:2376", DOCKER_TLS: "1", HOME: "/home/me" })).toMatchObject({
      verify: false,
      cert: { file: "/home/me/.docker/cert.pem" },
    });
    // Not silently nothing: the schema then says why it can't be used.
    expect(faults(options({ DOCKER_HOST: "ssh://me@host" }))).toEqual([]);
  });
});

describe("what a container is made from", () => {
  it("takes ports as people write them", () => {
    expect(portBindings(["8080:80", "127.0.0.1:53:53/udp", "[::1]:443:443", "9000", "8081:80"])).toEqual({
      "80/tcp": [
        { HostIp: "", HostPort: "8080" },
        { HostIp: "", HostPort: "8081" },
      ],
      "53/udp": [{ HostIp: "127.0.0.1", HostPort: "53" }],
      "443/tcp": [{ HostIp: "::1", HostPort: "443" }],
      "9000/tcp": [{ HostIp: "", HostPort: "" }],
    });
    for (const wrong of ["x", "80:", "80:70000", "0:80", "8000-8010:80", "80/icmp", "1.2.3.4:80"])
      expect(() => portBindings([wrong])).toThrow(/is no port/);
  });

  it("shows ports in the same words, IPv4 and IPv6 as one", () => {
    const published = [
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "127.0.0.1", PrivatePort: 53, PublicPort: 10_053, Type: "udp" },
      { PrivatePort: 443, Type: "tcp" },
    ];
    expect(portsOf(published)).toEqual(["127.0.0.1:10053:53/udp", "443/tcp", "8080:80/tcp"]);
    expect(portsOfMap({ "80/tcp": [{ HostIp: "", HostPort: "8080" }], "443/tcp": null })).toEqual(["443/tcp", "8080:80/tcp"]);
    expect(Object.keys(portBindings(portsOf(published)))).toHaveLength(3);
  });

  it("refuses a volume that is none", () => {
    const body = (volume: string) => createBody({ name: "a", image: "b", volumes: [volume] });
    expect(body("data:/x:ro,z")).toMatchObject({ HostConfig: { Binds: ["data:/x:ro,z"] } });
    for (const wrong of ["data", "data:x", "./rel:/x", "data:/x:zz", "a:/b:ro:c"]) expect(() => body(wrong)).toThrow(/is no volume/);
  });

  it("becomes the engine's units", () => {
    expect(createBody({ name: "a", image: "b", cpu: 0.1, memory: 7e6, env: { A: "1=2" }, restart: "always" })).toMatchObject({
      Env: ["A=1=2"],
      HostConfig: { NanoCpus: 100_000_000, Memory: 7e6, RestartPolicy: { Name: "always" } },
    });
  });
});

describe("words of the engine", () => {
  it("give an uptime only while it is up", () => {
    const cases: Record<string, number | undefined> = {
      "Up 48 seconds": 48,
      "Up 1 second": 1,
      "Up Less than a second": 0,
      "Up About a minute": 60,
      "Up About an hour (healthy)": 3600,
      "Up 3 days (Paused)": 259_200,
      "Up 2 weeks": 1_209_600,
      "Exited (137) 2 minutes ago": undefined,
      Created: undefined,
    };
    for (const [text, seconds] of Object.entries(cases)) expect(uptimeOf(text), text).toBe(seconds);
  });

  it("take health from newer engines' own field and from older ones' words", () => {
    const base = { Id: "a".repeat(64), Image: "x", Created: 1, State: "running" };
    expect(fromSummary({ ...base, Status: "Up 1 second", Health: { Status: "unhealthy" } }).health).toBe("unhealthy");
    expect(fromSummary({ ...base, Status: "Up 1 second (health: starting)" }).health).toBe("starting");
    expect(fromSummary({ ...base, Status: "Up 1 second", Health: { Status: "none" } })).not.toHaveProperty("health");
  });

  it("never show the value of a label that says it is secret, and choose the name that is no link", () => {
    const item = fromSummary({
      Id: "b".repeat(64),
      Names: ["/web/db", "/db"],
      Image: `sha256:${"c".repeat(64)}`,
      Created: 1,
      State: "exited",
      Labels: { api_token: "hunter2", env: "prod" },
    });
    expect(item).toMatchObject({ name: "db", image: "cccccccccccc", tags: ["api_token=[secret]", "env=prod"] });
  });
});

describe("small things", () => {
  it("compares versions by their parts", () => {
    expect([isOlder("1.9", "1.41"), isOlder("1.41", "1.41"), isOlder("1.55", "1.41"), isOlder("1.41", "2.0")]).toEqual([true, false, false, true]);
  });

  it("writes a reference's tag out, so that not every tag is pulled", () => {
    expect(["nginx", "nginx:1", "h:5000/a/b", "h:5000/a/b:2", "a@sha256:x"].map(fullReference)).toEqual([
      "nginx:latest",
      "nginx:1",
      "h:5000/a/b:latest",
      "h:5000/a/b:2",
      "a@sha256:x",
    ]);
  });

  it("reads moments", () => {
    expect(moment("since", "10m", 1_000_000)).toBe("400.000");
    expect(moment("since", "2026-01-31T12:00:00Z", 0)).toBe("1769860800.000");
    expect(() => moment("since", "yesterday", 0)).toThrow(/since: "yesterday" is no time/);
  });
});
