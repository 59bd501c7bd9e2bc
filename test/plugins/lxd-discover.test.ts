import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, type Setup } from "proxmcp";
import { selfSignedCertificate } from "proxmcp/testing";
import { hostsIn } from "../../plugins/lxd/setup/addresses.js";
import { start } from "../../plugins/lxd/sandbox/index.js";
import { failure } from "../fixtures/tape-app.js";

async function server(flavor: "lxd" | "incus") {
  const sandbox = await start({ estate: { flavor } });
  onTestFinished(() => sandbox.close());
  const { url, fingerprint } = sandbox.connection as { url: string; fingerprint: string };
  return { sandbox, url, fingerprint, port: Number(new URL(url).port) };
}

async function open(connections: NonNullable<Setup["connections"]> = {}) {
  const app = await createProxMcp({ plugins: ["lxd"], connections, env: {}, log: { level: "silent" } });
  onTestFinished(() => app.close());
  return async (args: object) => await app.call("lxd_host_discover", { ...args });
}

describe("lxd_host_discover", () => {
  it("finds the servers among the addresses that it is given, and says what each is and whether it is connected", async () => {
    const { port, fingerprint, sandbox } = await server("incus");
    const discover = await open({ pi: { provider: "lxd", ...sandbox.connection } });
    expect(await discover({ addresses: ["127.0.0.0/29", "127.0.0.1", "localhost"], port })).toMatchObject({
      result: {
        hosts: [
          { address: "127.0.0.1", url: `https://127.0.0.1:${port}`, software: "Incus", fingerprint, trusted: false, connection: "pi" },
          { address: "localhost", fingerprint, connection: "pi" },
        ],
        asked: 7,
        silent: 5,
      },
    });
    // Once to see its certificate, once with that pinned; never more than what is open to all.
    expect([...new Set(sandbox.requests.map(({ method, path }) => `${method} ${path}`))]).toEqual(["GET /1.0"]);
  });

  it("needs no connection, and takes nothing else for LXD", async () => {
    const { port, fingerprint } = await server("lxd");
    const { key, cert } = await selfSignedCertificate("other");
    const other = createServer({ key, cert }, (_, answer) => answer.end("hello")).listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    onTestFinished(() => void other.close());
    const discover = await open();
    expect(await discover({ addresses: ["127.0.0.1"], port })).toMatchObject({ result: { hosts: [{ software: "LXD", fingerprint }] } });
    const silent = await discover({ addresses: ["127.0.0.1"], port: (other.address() as AddressInfo).port });
    expect(silent).toMatchObject({ result: { hosts: [], asked: 1, silent: 1 } });
  });

  it("is bounded", async () => {
    const discover = await open();
    for (const addresses of [["10.0.0.0/8"], ["10.0.0.0/23", "10.1.0.0/23", "10.2.0.0/23"], []])
      expect(await failure(discover({ addresses }))).toMatchObject({ code: "INVALID_INPUT" });
  });

  it.each([
    [["192.168.1.0/30"], ["192.168.1.1", "192.168.1.2"]],
    [["192.168.1.77/31"], ["192.168.1.76", "192.168.1.77"]],
    [["10.0.0.255/32", "10.0.0.255"], ["10.0.0.255"]],
    [
      ["10.0.0.254-10.0.1.1", "pi.lan", "fd00::5"],
      ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1", "pi.lan", "fd00::5"],
    ],
  ])("%j means %j", (texts, hosts) => {
    expect(hostsIn(texts)).toEqual(hosts);
  });

  it.each(["300.1.1.1", "10.0.0.0/33", "10.0.0.9-10.0.0.1", "fd00::/64", "http://pi", "", "a b", "256.0.0.0/24"])("%j means nothing", (text) => {
    expect(() => hostsIn([text])).toThrow(/addresses: found/);
  });
});
