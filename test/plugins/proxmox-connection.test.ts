import { describe, expect, test } from "vitest";
import { connectionsIn, ProxmoxConnection } from "../../plugins/proxmox/connection.js";

const URL = "https://pve.example.com:8006";
const TOKEN = { token_id: "root@pam!mcp", token_secret: "s3cret" };

describe("connections in the environment", () => {
  test("one cluster", () => {
    const env = {
      PROXMOX_API_URL: URL,
      PROXMOX_TOKEN_ID: "root@pam!mcp",
      PROXMOX_TOKEN_SECRET: "s3cret",
      PROXMOX_VERIFY: "false",
      PROXMOX_DEFAULT_NODE: "pve",
      PROXMOX_DEFAULT_STORAGE: "local-lvm",
      PROXMOX_DEFAULT_BRIDGE: "vmbr0",
    };
    expect(connectionsIn(env)).toEqual([
      {
        name: "proxmox",
        from: "PROXMOX_API_URL",
        options: { url: URL, ...TOKEN, verify: false, node: "pve", storage: "local-lvm", bridge: "vmbr0" },
      },
    ]);
  });

  test.each<[string, Record<string, string>, Record<string, unknown>]>([
    [
      "TOKEN_NAME and TOKEN_VALUE",
      { PROXMOX_API_URL: URL, PROXMOX_TOKEN_NAME: "root@pam!mcp", PROXMOX_TOKEN_VALUE: "s3cret" },
      { url: URL, ...TOKEN },
    ],
    [
      "the user apart from the token's name",
      { PROXMOX_HOST: "10.0.0.5", PROXMOX_USER: "root@pam", PROXMOX_TOKEN_NAME: "mcp", PROXMOX_TOKEN_VALUE: "s3cret", PROXMOX_VERIFY: "true" },
      { url: "https://10.0.0.5:8006", ...TOKEN, verify: true },
    ],
    [
      "a host with its port",
      { PROXMOX_HOST: "pve:443", PROXMOX_TOKEN_ID: "root@pam!mcp", PROXMOX_TOKEN_SECRET: "s3cret" },
      { url: "https://pve:443", ...TOKEN },
    ],
    ["a port of its own", { PROXMOX_HOST: "pve", PROXMOX_PORT: "9006" }, { url: "https://pve:9006" }],
  ])("older names: %s", (_, env, options) => {
    expect(connectionsIn(env)).toEqual([expect.objectContaining({ name: "proxmox", options })]);
  });

  test("several clusters, and then the names for one do not count", () => {
    const env = {
      PROXMOX_CLUSTERS: "cluster1, prod-eu,ghost",
      PROXMOX_API_URL: "https://elsewhere:8006",
      PROXMOX_CLUSTER_cluster1_API_URL: "https://one:8006",
      PROXMOX_CLUSTER_cluster1_TOKEN_ID: "root@pam!mcp-1",
      PROXMOX_CLUSTER_cluster1_TOKEN_SECRET: "a",
      PROXMOX_CLUSTER_cluster1_VERIFY: "true",
      PROXMOX_CLUSTER_PROD_EU_API_URL: "https://eu:8006",
      PROXMOX_CLUSTER_PROD_EU_TOKEN_ID: "root@pam!mcp-2",
      PROXMOX_CLUSTER_PROD_EU_TOKEN_SECRET: "b",
    };
    expect(connectionsIn(env).map(({ name, options }) => [name, options.url, options.token_id, options.verify])).toEqual([
      ["cluster1", "https://one:8006", "root@pam!mcp-1", true],
      ["prod-eu", "https://eu:8006", "root@pam!mcp-2", undefined],
    ]);
  });

  test("nothing there", () => {
    expect(connectionsIn({ PROXMOX_TOKEN_ID: "root@pam!mcp", PATH: "/bin" })).toEqual([]);
  });
});

describe("the options of a connection", () => {
  test("certificates are verified unless told otherwise", () => {
    expect(ProxmoxConnection.parse({ url: URL, ...TOKEN }).verify).toBe(true);
  });

  test.each<[string, Record<string, unknown>]>([
    ["no token", { url: URL }],
    ["half a token", { url: URL, token_id: "root@pam!mcp" }],
    ["a token without its name", { url: URL, token: "root@pam=s3cret" }],
    ["no address", { ...TOKEN }],
    ["no scheme", { url: "pve:8006", ...TOKEN }],
    ["half a fingerprint", { url: URL, ...TOKEN, fingerprint: "AB:CD" }],
  ])("%s is refused", (_, options) => {
    expect(ProxmoxConnection.safeParse(options).success).toBe(false);
  });

  test("a fingerprint may have colons", () => {
    const fingerprint = Array.from({ length: 32 }, () => "AB").join(":");
    expect(ProxmoxConnection.parse({ url: URL, ...TOKEN, fingerprint }).fingerprint).toBe(fingerprint);
  });
});
