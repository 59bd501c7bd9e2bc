import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createProxMcp, loadConfig, type Setup } from "proxmcp";
import { selfSignedCertificate } from "proxmcp/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onSandboxes } from "./on-sandboxes.js";

const PVE_TOKEN = "mcp@pve!mcp=00000000-0000-0000-0000-000000000000";

describe("examples/config-file", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "proxmcp-example-"));
    await cp(fileURLToPath(new URL("../../examples/config-file", import.meta.url)), folder, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const open = async (env: Record<string, string>) => {
    const { config, ...from } = await loadConfig({ cwd: folder });
    return await createProxMcp({ ...(config as Setup), ...from, env });
  };

  it("names what is missing before anything is connected to", async () => {
    await expect(open({})).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("PVE_TOKEN is not set") });
    await expect(open({ PVE_TOKEN })).rejects.toMatchObject({ message: expect.stringContaining(`${folder}/certs/client.key`) });
  });

  it("is sound once its certificates and its token are there", async () => {
    const { cert, key } = await selfSignedCertificate("example");
    await mkdir(join(folder, "certs"));
    for (const name of ["pve-root-ca.pem", "client.crt", "docker-ca.pem", "docker-client.crt"]) await writeFile(join(folder, "certs", name), cert);
    for (const name of ["client.key", "docker-client.key"]) await writeFile(join(folder, "certs", name), key);
    const app = await open({ PVE_TOKEN });
    expect(app.connections.map(({ name, provider }) => `${name} ${provider}`)).toEqual(["pve proxmox", "pi lxd", "nas docker", "desk docker"]);
    expect(app.tool("docker_container_list").inputSchema.properties).toHaveProperty("host");
    expect(app.tool("lxd_instance_list").inputSchema.properties).not.toHaveProperty("host");
    await app.close();
  });

  it("manages all four machines", async () => {
    const { config } = await loadConfig({ cwd: folder });
    const { app, sandboxes, close } = await onSandboxes(config, { options: { desk: { estate: "empty" } } });
    for (const report of await app.test()) expect(report, report.name).toMatchObject({ ok: true });
    expect((await app.call("proxmox_vm_list"))["total"]).toBeGreaterThan(0);
    expect((await app.call("lxd_instance_list"))["total"]).toBeGreaterThan(0);

    const created = await app.call("docker_container_create", { name: "scratch", image: "busybox:1.36" });
    expect(created, "a new container goes to the default").toMatchObject({ host: "desk", item: { name: "scratch" } });
    const asked = sandboxes["desk"]?.requests.length;
    const shown = await app.call("docker_container_get", { name: "shop-web" });
    expect(shown, "a name that a pattern claims").toMatchObject({ host: "nas", item: { name: "shop-web" } });
    expect(sandboxes["desk"]?.requests, "the other host was not asked").toHaveLength(asked ?? -1);
    await close();
  });
});
