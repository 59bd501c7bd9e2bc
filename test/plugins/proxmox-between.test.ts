import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { createProxMcp } from "../../core/index.js";
import provider from "../../plugins/proxmox/index.js";
import { neighbours } from "../../plugins/proxmox/sandbox/neighbours.js";
import { TestServer } from "../core/ssh-server.js";
import { until } from "../fixtures/tape-app.js";
import { closeAll, failure, sandboxOf, type StartedSandbox } from "./proxmox-setup.js";

afterEach(closeAll);

type Answer = Record<string, unknown> & { readonly result?: Record<string, unknown>; readonly item?: Record<string, unknown>; notes?: string[] };

/** A node's shell: a real SSH server whose `pvesm` knows where backups lie. What is sent to it stands in its folder. */
async function shellOf(name: string, scripts: Readonly<Record<string, string>> = {}): Promise<{ server: TestServer; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), `proxmcp-${name}-`));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const all = { pvesm: `echo "${folder}/dump/\${2##*backup/}"`, ...scripts };
  for (const [script, text] of Object.entries(all)) {
    writeFileSync(join(bin, script), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, script), 0o755);
  }
  const server = await TestServer.start({ env: { PATH: `${bin}:${process.env["PATH"]}`, FOLDER: folder } });
  onTestFinished(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { server, folder };
}

/** The file appears when it is first asked for: the sandbox makes backups without any. */
const SOURCE = { pvesm: 'f="$FOLDER/dump/${2##*backup/}"; mkdir -p "$FOLDER/dump"; [ -e "$f" ] || head -c 3000000 /dev/urandom > "$f"; echo "$f"' };
/** The last step waits, so that the test can have the sandbox list what has arrived. */
const TARGET = {
  mv: '/bin/mv "$@" && basename "$2" > "$FOLDER/a" && /bin/mv "$FOLDER/a" "$FOLDER/arrived" && while [ ! -e "$FOLDER/listed" ]; do sleep 0.01; done',
};

const sshTo = ({ server }: { server: TestServer }) => {
  const { user, port, key, knownHosts } = server.target();
  const hosts = Object.fromEntries(["pve1", "pve2", "pve3", "lab1", "lab2"].map((node) => [node, "127.0.0.1"]));
  return { user, port, key, known_hosts: knownHosts, hosts };
};

/** Two clusters without a storage in common. */
async function apart(shells?: { readonly near: { server: TestServer }; readonly far: { server: TestServer } }) {
  const [production, lab] = await Promise.all([sandboxOf({ taskTime: 3 }), sandboxOf({ taskTime: 3, estate: { name: "lab" } })]);
  lab.fail({
    method: "GET",
    path: /\/api2\/json\/storage$/,
    status: 200,
    reason: "OK",
    body: { data: [{ storage: "local", type: "dir", content: "backup" }] },
  });
  const connections = {
    prod: { provider: "proxmox", ...production.connection, ...(shells ? { ssh: sshTo(shells.near) } : {}) },
    lab: { provider: "proxmox", ...lab.connection, ...(shells ? { ssh: sshTo(shells.far) } : {}) },
  };
  const app = await createProxMcp({ plugins: [provider as never], connections, env: {}, log: { level: "silent" } } as never);
  onTestFinished(() => app.close());
  const call = async (tool: string, args: Record<string, unknown>): Promise<Answer> =>
    (await app.call(`proxmox_${tool}`, args, { confirm: true })) as Answer;
  const refused = (tool: string, args: Record<string, unknown>) => failure(app.call(`proxmox_${tool}`, args, { confirm: true }));
  return { production, lab, call, refused };
}

const clusterOf = (sandbox: StartedSandbox) => {
  const cluster = neighbours.get(Number(new URL(String(sandbox.connection["url"])).port));
  if (!cluster) throw new Error("no such sandbox");
  return cluster;
};

/** What arrives at the far node is listed there from then on. */
async function listArrived({ production, lab }: { production: StartedSandbox; lab: StartedSandbox }, folder: string, node: string): Promise<void> {
  await until(() => existsSync(join(folder, "arrived")));
  const name = readFileSync(join(folder, "arrived"), "utf8").trim();
  const source = clusterOf(production).volumes.find(({ volid }) => volid.endsWith(`/${name}`));
  if (!source) throw new Error(`no ${name} at the source`);
  clusterOf(lab).volumes.push({ ...source, volid: `local:backup/${name}`, storage: "local", node });
  writeFileSync(join(folder, "listed"), "");
}

const dumps = (folder: string): string[] => (existsSync(join(folder, "dump")) ? readdirSync(join(folder, "dump")) : []);
const digest = (folder: string): string[] =>
  dumps(folder).map((name) =>
    createHash("sha256")
      .update(readFileSync(join(folder, "dump", name)))
      .digest("hex"),
  );

describe("a container between clusters", () => {
  test("is sent by remote migration, restarted there, verified, and only then deleted here", async () => {
    const { production, call, refused } = await apart();
    const { item } = await call("ct_get", { id: "201", cluster: "prod" });
    expect(item).toMatchObject({ status: "running" });
    const { result } = await call("ct_migrate_cluster", { id: "201", cluster: "prod", to_cluster: "lab", delete_source: true });
    expect(result).toMatchObject({ to_cluster: "lab", road: "remote-migrate", source_deleted: true });
    const sent = production.requests.find(({ path }) => path.endsWith("/remote_migrate"));
    expect(sent?.path).toMatch(/\/lxc\/201\/remote_migrate$/);
    expect(sent?.json()).toMatchObject({ restart: true, delete: false });
    expect(sent?.json()).not.toHaveProperty("online");
    expect((await call("ct_get", { id: String(result?.["vmid"]), cluster: "lab" })).item).toMatchObject({ name: item?.["name"], status: "running" });
    expect(await refused("ct_get", { id: "201", cluster: "prod" })).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("clusters without a storage in common", () => {
  const old = (production: StartedSandbox): void => production.fail({ path: "/remote_migrate", status: 501, reason: "not implemented" });

  test("have a guest backed up, carried over SSH and restored; the source stays until the copy is verified", async () => {
    const [near, far] = await Promise.all([shellOf("near", SOURCE), shellOf("far", TARGET)]);
    const { production, lab, call, refused } = await apart({ near, far });
    old(production);
    const moving = call("vm_migrate_cluster", { id: "staging", to_cluster: "lab", node: "lab1", delete_source: true });
    await listArrived({ production, lab }, far.folder, "lab1");
    const { result, notes } = await moving;
    expect(result).toMatchObject({ to_cluster: "lab", vmid: 108, node: "lab1", road: "backup, transfer and restore", source_deleted: true });
    expect(dumps(far.folder)).toEqual(dumps(near.folder));
    expect(digest(far.folder)).toEqual(digest(near.folder));
    expect(notes).toEqual(
      expect.arrayContaining([expect.stringContaining("was made for this, and is kept"), expect.stringContaining("carried to lab as local:backup/")]),
    );
    expect((await call("vm_get", { id: "108", cluster: "lab" })).item).toMatchObject({ name: "staging" });
    expect(await refused("vm_get", { id: "108", cluster: "prod" })).toMatchObject({ code: "NOT_FOUND" });
    const restore = lab.requests.find(({ method, path }) => method === "POST" && path.endsWith("/qemu"));
    expect(restore?.json()).toMatchObject({ archive: expect.stringMatching(/^local:backup\/vzdump-qemu-108-/) });
  });

  test("a file that arrives damaged is thrown away, and nothing else happens", async () => {
    const [near, far] = await Promise.all([shellOf("near", SOURCE), shellOf("far", { sha256sum: 'echo "0000  $1"' })]);
    const { production, lab, call, refused } = await apart({ near, far });
    old(production);
    const error = await refused("vm_migrate_cluster", { id: "staging", to_cluster: "lab", node: "lab1", delete_source: true });
    expect(error).toMatchObject({ code: "TASK_FAILED", message: expect.stringContaining("checksums") });
    expect(dumps(far.folder)).toEqual([]);
    expect(lab.requests.some(({ method, path }) => method === "POST" && path.endsWith("/qemu"))).toBe(false);
    expect((await call("vm_get", { id: "108", cluster: "prod" })).item).toMatchObject({ name: "staging" });
  });

  test("a disk that is full there is said in its own words", async () => {
    const [near, far] = await Promise.all([
      shellOf("near", SOURCE),
      shellOf("far", { cat: "echo 'cat: write error: No space left on device' >&2; exit 1" }),
    ]);
    const { production, refused } = await apart({ near, far });
    old(production);
    const error = await refused("vm_migrate_cluster", { id: "staging", to_cluster: "lab", node: "lab1" });
    expect(error.message).toContain("No space left on device");
    expect(dumps(far.folder)).toEqual([]);
  });

  test("have a backup carried over SSH, and listed there", async () => {
    const [near, far] = await Promise.all([shellOf("near", SOURCE), shellOf("far", TARGET)]);
    const { production, lab, call } = await apart({ near, far });
    const made = (await call("backup_create", { vm: "staging", storage: "nas", cluster: "prod" })).item;
    const copying = call("backup_copy", { id: made?.["id"], to_cluster: "lab", cluster: "prod" });
    await listArrived({ production, lab }, far.folder, "lab1");
    const name = String(made?.["id"]).split("/")[1];
    expect((await copying).result).toEqual({ id: `local:backup/${name}`, to_cluster: "lab", storage: "local", verified: true });
    expect(digest(far.folder)).toEqual(digest(near.folder));
  });

  test("say what is missing where there is no SSH either, and do nothing", async () => {
    const { production, lab, refused } = await apart();
    old(production);
    const error = await refused("vm_migrate_cluster", { id: "staging", to_cluster: "lab" });
    expect(error).toMatchObject({ code: "UNSUPPORTED", next: expect.stringContaining("`ssh` to both connections") });
    for (const sandbox of [production, lab])
      expect(sandbox.requests.filter(({ method, path }) => method !== "GET" && !path.endsWith("remote_migrate"))).toEqual([]);
  });
});
