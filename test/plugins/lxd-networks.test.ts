import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failure, type Host, host } from "./lxd-harness.js";

let pi: Host;
beforeEach(async () => void (pi = await host()));
afterEach(async () => await pi.close());

/** What a real LXD 5.0.2 says to the same requests, word for word. */
const REFUSALS: readonly (readonly [method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body: unknown, status: number, text: string])[] = [
  ["POST", "networks", { name: "lxdbr0" }, 400, "The network already exists"],
  ["POST", "networks", { name: "" }, 400, "No name provided"],
  ["POST", "networks", { name: "a/b" }, 400, "Network interface contains invalid characters"],
  ["POST", "networks", { name: "averyveryverylongname" }, 400, "Network interface is too long (maximum 15 characters)"],
  ["POST", "networks", { name: "x", type: "nope" }, 400, "Unknown driver"],
  [
    "POST",
    "networks",
    { name: "x", config: { "ipv4.address": "bad" } },
    500,
    'Invalid value for network "x" option "ipv4.address": invalid CIDR address: bad',
  ],
  ["POST", "networks", { name: "x", type: "macvlan" }, 500, 'Invalid value for network "x" option "parent": Required value'],
  ["POST", "networks", { name: "x", type: "macvlan", config: { parent: "nope" } }, 500, 'Parent interface "nope" not found'],
  ["POST", "networks?target=zz", { name: "x" }, 404, "Cluster member not found"],
  ["PATCH", "networks/lxdbr0", { config: { zzz: "1" } }, 400, 'Invalid option for network "lxdbr0" option "zzz"'],
  [
    "PATCH",
    "networks/lxdbr0",
    { config: { "ipv4.nat": "maybe" } },
    400,
    'Invalid value for network "lxdbr0" option "ipv4.nat": Invalid value for a boolean "maybe"',
  ],
  ["PATCH", "networks/lxdbr0", { config: { "security.acls": "nope" } }, 400, 'Network ACL "nope" does not exist'],
  ["PATCH", "networks/lo", {}, 404, "Failed loading network: Network not found"],
  ["POST", "networks/lxdbr0", { name: "lxb9" }, 400, "Network is currently in use"],
  ["DELETE", "networks/lxdbr0", undefined, 400, "The network is currently in use"],
  ["DELETE", "networks/nope", undefined, 404, "Failed loading network: Network not found"],
  ["POST", "network-acls", { name: "" }, 500, "Name is required"],
  ["POST", "network-acls", { name: "1a" }, 500, "Name must not start with a number"],
  ["POST", "network-acls", { name: "a_b" }, 500, "Name can only contain alphanumeric and hyphen characters"],
  ["POST", "network-acls", ruled({ action: "nope" }), 500, "Invalid ingress rule 0: Action must be one of: allow, drop, reject"],
  ["POST", "network-acls", ruled({ state: "nope" }), 500, "Invalid ingress rule 0: State must be one of: enabled, disabled, logged"],
  [
    "POST",
    "network-acls",
    ruled({ destination_port: "22" }),
    500,
    "Invalid ingress rule 0: Destination port cannot be used without specifying protocol",
  ],
  [
    "POST",
    "network-acls",
    ruled({ protocol: "udp", destination_port: "x" }),
    500,
    'Invalid ingress rule 0: Invalid Destination port: Invalid port number "x"',
  ],
  ["POST", "network-acls", ruled({ source: "10.0.0.0/33" }), 500, 'Invalid ingress rule 0: Invalid Source: Invalid subject "10.0.0.0/33"'],
  ["DELETE", "network-acls/nope", undefined, 404, "Network ACL not found"],
  ["POST", "networks/nope/forwards", { listen_address: "192.0.2.1" }, 404, "Failed loading network: Network not found"],
  [
    "POST",
    "networks/lxdbr0/forwards",
    { listen_address: "nope" },
    500,
    'Failed creating forward: Failed parsing address forward listen address "nope": invalid CIDR address: nope/32',
  ],
  [
    "POST",
    "networks/lxdbr0/forwards",
    { listen_address: "192.0.2.1", config: { target_address: "10.1.1.1" } },
    500,
    "Failed creating forward: Default target address is not within the network subnet",
  ],
  [
    "POST",
    "networks/lxdbr0/forwards",
    led({ protocol: "sctp" }),
    500,
    "Failed creating forward: Invalid port protocol in port specification 0, protocol must be one of: tcp, udp",
  ],
  [
    "POST",
    "networks/lxdbr0/forwards",
    led({ listen_port: "x" }),
    500,
    'Failed creating forward: Invalid listen port in port specification 0: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [
    "POST",
    "networks/lxdbr0/forwards",
    { listen_address: "192.0.2.1", ports: [...led({}).ports, ...led({ target_address: "10.10.10.6" }).ports] },
    500,
    'Failed creating forward: Duplicate listen port 80 for protocol "tcp" in port specification 1',
  ],
  [
    "POST",
    "networks/lxdbr0/forwards",
    led({ listen_port: "80-82", target_port: "90-91" }),
    500,
    "Failed creating forward: Mismatch of listen port(s) and target port(s) count in port specification 0",
  ],
  ["DELETE", "networks/lxdbr0/forwards/192.0.2.9", undefined, 404, "Network forward not found"],
];

function ruled(rule: object) {
  return { name: "acl", ingress: [{ action: "allow", state: "enabled", ...rule }] };
}
function led(port: object) {
  return { listen_address: "192.0.2.1", ports: [{ protocol: "tcp", listen_port: "80", target_address: "10.10.10.5", ...port }] };
}

describe("the sandbox", () => {
  it.each(REFUSALS)("refuses %s %s %j with %i %s", async (method, path, body, status, text) => {
    const url = new URL(`/1.0/${path}`, "http://x");
    const ask = { doing: "try", signal: new AbortController().signal, query: Object.fromEntries(url.searchParams) };
    const error = await failure(pi.client.change(method, url.pathname, body, ask));
    expect([error.details.data?.["status"], error.message]).toEqual([status, `Unable to try: ${text}`]);
  });
});

describe("networks", () => {
  it("are changed by the keys that are named; the description is sent along, and what it was decided on", async () => {
    await pi.run("network", "create", "", { name: "lab", ipv4: "10.5.0.1/24", ipv6: "none", nat: true, description: "ours" });
    expect(pi.sent("POST")).toEqual({
      name: "lab",
      type: "bridge",
      description: "ours",
      config: { "ipv4.address": "10.5.0.1/24", "ipv6.address": "none", "ipv4.nat": "true" },
    });
    await pi.run("network", "update", "lab", { nat: false });
    expect(pi.sent("PATCH")).toEqual({ description: "ours", config: { "ipv4.nat": "false" } });
    expect(pi.sandbox.requests.findLast(({ method }) => method === "PATCH")?.headers["if-match"]).toMatch(/^"[0-9a-f]{64}"$/);
    pi.sandbox.fail({ method: "PATCH", path: "/networks/", status: 412, reason: "ETag doesn't match", times: 1 });
    expect((await failure(pi.run("network", "update", "lab", { nat: true }))).code).toBe("CONFLICT");
  });

  it("say what to do when the server finds no subnet for them", async () => {
    pi.sandbox.fail({
      method: "POST",
      path: "/networks",
      status: 500,
      reason: "Failed generating auto config: Failed to automatically find an unused IPv4 subnet",
    });
    expect((await failure(pi.run("network", "create", "", { name: "lab" }))).details.next).toContain("`ipv4`");
  });
});

describe("access lists and forwards", () => {
  it("are kept whole where a part is changed", async () => {
    await pi.run("network_acl", "create", "", { name: "web", ingress: [{ action: "allow" }], description: "ours" });
    await pi.run("network_acl", "update", "web", { egress: [{ action: "drop", state: "logged" }] });
    expect(pi.sent("PUT")).toEqual({
      description: "ours",
      config: {},
      ingress: [{ action: "allow", state: "enabled" }],
      egress: [{ action: "drop", state: "logged" }],
    });
    const at = { network: "lxdbr0" };
    await pi.run("network_forward", "create", "", { listen_address: "192.0.2.1", target_address: "10.10.10.5", description: "ours" }, at);
    await pi.run("network_forward", "update", "192.0.2.1", { ports: [{ listen_port: "80", target_address: "10.10.10.6" }] }, at);
    expect(pi.sent("PUT")).toEqual({
      description: "ours",
      config: { target_address: "10.10.10.5" },
      ports: [{ protocol: "tcp", listen_port: "80", target_address: "10.10.10.6" }],
    });
  });

  it("are none on a server that is too old for them, which says so when one is made", async () => {
    const metadata = { auth: "trusted", api_extensions: ["instances"], environment: { server: "lxd", server_version: "4.0.9" } };
    pi.sandbox.fail({ path: /^\/1\.0$/, status: 200, body: { type: "sync", metadata } });
    expect(await pi.list("network_acl")).toEqual([]);
    expect(await pi.list("network_forward")).toEqual([]);
    for (const made of [
      pi.run("network_acl", "create", "", { name: "web" }),
      pi.run("network_forward", "create", "", { listen_address: "192.0.2.1" }, { network: "lxdbr0" }),
    ]) {
      expect(await failure(made)).toMatchObject({ code: "UNSUPPORTED", details: { next: expect.stringContaining("LXD 5.0") } });
    }
    expect(pi.asked().filter((one) => one !== "GET /1.0")).toEqual([]);
  });

  it("belong to one member of a cluster, and the same address to another too", async () => {
    const cluster = await host({ estate: { members: ["pi1", "pi2"] } });
    const on = (node: string) => ({ network: "lxdbr0", node });
    for (const node of ["pi1", "pi2"])
      await cluster.run("network_forward", "create", "", { listen_address: "192.0.2.1", description: node }, on(node));
    expect(await cluster.list("network_forward")).toMatchObject([{ node: "pi1" }, { node: "pi2" }]);
    expect(await cluster.list("network_forward", {}, on("pi2"))).toMatchObject([{ node: "pi2", description: "pi2" }]);
    await cluster.run("network_forward", "delete", "192.0.2.1", {}, on("pi1"));
    expect(await cluster.list("network_forward")).toMatchObject([{ node: "pi2" }]);
    await cluster.close();
  });
});
