import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { createProxMcp, type Setup } from "proxmcp";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { deriveConfigSchema } from "../../../core/derive/config-schema.js";
import { tapeLibrary } from "../../fixtures/tape-library.js";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const check = (schema: object): ((config: unknown) => string[]) => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  (formats as unknown as (ajv: object) => void)(ajv);
  const validate = ajv.compile(schema);
  return (config) => (validate(config) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`));
};
const published = check(JSON.parse(read("config.schema.json")) as object);
const docker = { provider: "docker", socket: "/var/run/docker.sock" };

describe("the JSON Schema that is published", () => {
  it("takes the example, and whatever ProxMCP takes", () => {
    expect(published(parse(read("examples/config-file/proxmcp.config.yaml")))).toEqual([]);
    const fingerprint = Array(32).fill("AB").join(":");
    for (const config of [
      {},
      { $schema: "./config.schema.json", connections: {} },
      { connections: { desk: { ...docker, match: ["web-*"], tags: { site: "x" }, tools: { deny: ["*_exec"], confirm: "write" } } } },
      { connections: { pve: { provider: "proxmox", url: "https://pve:8006", token: { env: "PVE_TOKEN" }, fingerprint } } },
      { connections: { pve: { provider: "proxmox", url: { env: "PVE_URL" }, token: { file: "token" } } } },
      { connections: { strange: { provider: "pdu", address: 7 } }, plugins: ["proxmcp-provider-pdu", "docker"] },
      { tools: { readOnly: true, surface: "search" }, roles: { viewer: { readOnly: true, connections: ["lab-*"] } }, audit: false },
      { audit: { file: "audit.jsonl" }, limits: { readTimeout: 10 }, log: { level: "warn" }, cache: { ttl: 5 }, defaults: { docker: "desk" } },
    ])
      expect(published(config), JSON.stringify(config)).toEqual([]);
  });

  it.each([
    [{ conections: {} }, "additional properties"],
    [{ connections: { desk: { socket: "/run/x" } } }, "/connections/desk must have required property 'provider'"],
    [{ connections: { desk: { ...docker, sockett: "/run/x" } } }, "/connections/desk must NOT have additional properties"],
    [{ connections: { desk: { provider: "docker", socket: 7 } } }, "/connections/desk/socket must be string"],
    [
      { connections: { desk: { ...docker, tools: { confirm: "maybe" } } } },
      "/connections/desk/tools/confirm must be equal to one of the allowed values",
    ],
    [{ roles: { viewer: { readonly: true } } }, "/roles/viewer must NOT have additional properties"],
    [{ plugins: [{}] }, "/plugins/0 must be string"],
    [{ limits: { concurrency: 0 } }, "/limits/concurrency must be >= 1"],
  ])("marks what ProxMCP refuses: %j", async (config, fault) => {
    expect(published(config)).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
    await expect(createProxMcp({ ...(config as Setup), env: {} })).rejects.toMatchObject({
      code: expect.stringMatching(/^(CONFIG|PLUGIN)_INVALID$/),
    });
  });

  it("tells an editor what each setting means", () => {
    const { properties } = JSON.parse(read("config.schema.json")) as { properties: Record<string, { description?: string }> };
    for (const [name, { description }] of Object.entries(properties)) expect(description, name).toEqual(expect.any(String));
  });
});

it("the JSON Schema of other plugins has their options", () => {
  const own = check(deriveConfigSchema([tapeLibrary()]));
  expect(own({ connections: { main: { provider: "tape", room: "a", password: { env: "P" } } } })).toEqual([]);
  expect(own({ connections: { main: { provider: "tape" } } })).toEqual(expect.arrayContaining([expect.stringContaining("'room'")]));
});
