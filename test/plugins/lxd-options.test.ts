import { describe, expect, it } from "vitest";
import { environmentConnections, LOCAL, LxdConnection, targetOf } from "../../plugins/lxd/options.js";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
const KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
const faults = (options: unknown): string =>
  LxdConnection.safeParse(options)
    .error?.issues.map((issue) => issue.message)
    .join("; ") ?? "none";

describe("a connection", () => {
  it("needs a socket or an address, and not both", () => {
    expect(faults({})).toContain("give `socket` (a unix socket), `url`");
    expect(faults({ socket: "/s", url: "https://h:8443" })).toContain("either `socket` or `url`, not both");
    expect(faults({ socket: "/var/lib/lxd/unix.socket" })).toBe("none");
    expect(faults({ url: "https://h:8443", cert: PEM, key: KEY, fingerprint: "ab".repeat(32) })).toBe("none");
  });

  it("is told what is wrong with an address", () => {
    expect(faults({ url: "http://h:8443" })).toContain("must begin with https://");
    expect(faults({ url: "unix:///var/lib/lxd/unix.socket" })).toContain("given as `socket`");
    expect(faults({ url: "https://h:8443/1.0" })).toContain("without a path");
    expect(faults({ url: "https://me:secret@h" })).toContain("must not hold a user or password");
    expect(faults({ socket: "relative.socket" })).toContain("must be an absolute path");
    expect(faults({ socket: "/s", fingerprint: "ab".repeat(32) })).toContain("a unix socket has no TLS: remove fingerprint");
    expect(faults({ url: "https://h", cert: PEM })).toContain("`cert` and `key` go together");
    expect(faults({ url: "https://h", cert: "/etc/client.crt", key: KEY })).toContain("must be the PEM text of a certificate");
    expect(faults({ url: "https://h", fingerprint: "abc" })).toContain("must be a SHA-256 in hex");
  });

  it("goes to port 8443 unless it says otherwise", () => {
    expect(targetOf({ url: "https://host" }).url).toBe("https://host:8443");
    expect(targetOf({ url: "https://host:443" }).url).toBe("https://host");
    expect(targetOf({ url: "https://[::1]:9443" }).url).toBe("https://[::1]:9443");
    expect(targetOf({ socket: "/run/incus.sock" })).toMatchObject({ socketPath: "/run/incus.sock" });
  });
});

describe("what is found without a config", () => {
  it("comes from the variables of the command-line clients", () => {
    expect(environmentConnections({})).toEqual([]);
    expect(environmentConnections({ LXD_DIR: "/var/lib/lxd/" })).toEqual([
      { name: "lxd", options: { socket: "/var/lib/lxd/unix.socket" }, from: "LXD_DIR" },
    ]);
    expect(environmentConnections({ LXD_SOCKET: "/a", LXD_DIR: "/b", INCUS_SOCKET: "/c" })).toEqual([
      { name: "incus", options: { socket: "/c" }, from: "INCUS_SOCKET" },
      { name: "lxd", options: { socket: "/a" }, from: "LXD_SOCKET" },
    ]);
  });

  it("comes from the sockets of this machine", () => {
    expect(LOCAL.map(({ name, socket }) => `${name} ${socket}`)).toEqual([
      "lxd /var/snap/lxd/common/lxd/unix.socket",
      "lxd /var/lib/lxd/unix.socket",
      "incus /var/lib/incus/unix.socket",
    ]);
    for (const { options, socket } of LOCAL) expect(LxdConnection.parse(options)).toEqual({ socket });
  });
});
