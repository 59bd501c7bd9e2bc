import { afterEach, describe, expect, test } from "vitest";
import { appOf, closeAll, failure, sandboxOf } from "./proxmox-setup.js";

afterEach(closeAll);

type Row = Record<string, unknown>;
type Answer = Row & { readonly item?: Row; readonly items?: Row[]; readonly result?: Record<string, Row[]> };

async function one() {
  const sandbox = await sandboxOf({ taskTime: 3 });
  const app = await appOf({ prod: sandbox });
  const call = async (tool: string, args: Row = {}): Promise<Answer> => (await app.call(`proxmox_${tool}`, args, { confirm: true })) as Answer;
  const question = async (tool: string, args: Row): Promise<string> => (await failure(app.call(`proxmox_${tool}`, args))).message;
  const plant = (path: RegExp, data: unknown) => sandbox.fail({ method: "GET", path, status: 200, reason: "OK", body: { data } });
  const sent = (method: string): string[] =>
    sandbox.requests.filter((request) => request.method === method).map(({ path }) => path.replace("/api2/json", ""));
  return { sandbox, app, call, question, plant, sent };
}

describe("how a storage is defined", () => {
  test.each<[string, Row, Row]>([
    [
      "NFS",
      {
        type: "nfs",
        server: "10.20.0.5",
        export: "/volume1/pve",
        path: "/mnt/pve/nas",
        options: "vers=4.2",
        content: "backup",
        "prune-backups": "keep-last=3",
      },
      { server: "10.20.0.5", export: "/volume1/pve", path: "/mnt/pve/nas", options: "vers=4.2", retention: "keep-last=3", enabled: true },
    ],
    [
      "CIFS",
      { type: "cifs", server: "fs.example", share: "pve", path: "/mnt/pve/nas", username: "svc", nodes: "pve1,pve2", disable: 1 },
      { server: "fs.example", export: "pve", nodes: ["pve1", "pve2"], enabled: false },
    ],
    ["ZFS", { type: "zfspool", pool: "rpool/data", mountpoint: "/rpool/data", sparse: 1 }, { export: "rpool/data", path: "/rpool/data" }],
    ["LVM", { type: "lvmthin", vgname: "pve", thinpool: "data" }, { export: "pve" }],
    ["iSCSI", { type: "iscsi", portal: "10.20.0.7", target: "iqn.2003-01.org:x" }, { server: "10.20.0.7", export: "iqn.2003-01.org:x" }],
    [
      "a Proxmox Backup Server",
      { type: "pbs", server: "10.20.0.6", datastore: "main", namespace: "prod", username: "pve@pbs", fingerprint: "aa:bb" },
      { server: "10.20.0.6", export: "main", namespace: "prod" },
    ],
  ])("%s", async (_name, definition, expected) => {
    const { call, plant } = await one();
    plant(/\/storage\/nas$/, { storage: "nas", digest: "d", ...definition });
    const { item } = await call("storage_get", { id: "pve1/nas" });
    expect(item).toMatchObject({ id: "pve1/nas", name: "nas", disk: expect.any(Number), disk_used: expect.any(Number), ...expected });
  });

  test("is left out, and said, where the token may not see it", async () => {
    const { sandbox, call } = await one();
    sandbox.fail({ method: "GET", path: /\/storage\/nas$/, status: 403, reason: "Permission check failed (/storage/nas, Datastore.Allocate)" });
    const { item, notes } = await call("storage_get", { id: "pve1/nas" });
    expect(item).toMatchObject({ name: "nas", type: "nfs", shared: true });
    expect(notes).toEqual([expect.stringContaining("Datastore.Allocate")]);
  });
});

describe("backups on a Proxmox Backup Server", () => {
  test("say whether they were verified, are encrypted, and their namespace", async () => {
    const { call, plant } = await one();
    const row = { format: "pbs-vm", content: "backup", subtype: "qemu", vmid: 100, ctime: 1_790_000_000, size: 8_589_934_592 };
    plant(/\/storage\/pbs\/content$/, [
      {
        ...row,
        volid: "pbs:backup/ns/prod/vm/100/2026-09-21T13:33:20Z",
        verification: { state: "ok", upid: "UPID:x" },
        encrypted: "aa:bb",
        protected: 1,
      },
      { ...row, volid: "pbs:backup/ns/prod/eu/vm/100/2026-09-22T13:33:20Z", verification: { state: "failed", upid: "UPID:y" }, notes: "nightly\n" },
      { ...row, volid: "pbs:backup/ct/200/2026-09-22T13:33:20Z", format: "pbs-ct", subtype: "lxc", vmid: 200 },
    ]);
    const { items } = await call("backup_list", { where: { storage: "pbs" } });
    expect(items).toMatchObject([
      { vm: "100", verified: "failed", namespace: "prod/eu", description: "nightly" },
      { vm: "100", verified: "ok", encrypted: true, namespace: "prod", protected: true, created: "2026-09-21T14:13:20.000Z" },
      { ct: "200", verified: "none", encrypted: false },
    ]);
    expect((await call("backup_list", { where: { verified: ["failed"] } })).items).toHaveLength(1);
    expect(items?.[2]).not.toHaveProperty("namespace");
  });

  test("that lie in files say nothing of it", async () => {
    const { call } = await one();
    const { items } = await call("backup_list", { where: { storage: "nas" } });
    expect(items?.length).toBeGreaterThan(0);
    for (const item of items ?? []) for (const field of ["verified", "encrypted", "namespace"]) expect(item).not.toHaveProperty(field);
  });
});

describe("pruning", () => {
  const keep = { storage: "nas", vmid: 100, keep_last: 1 };

  test("is shown before it is done: what would go, what stays, what is protected", async () => {
    const { sandbox, call, question, sent } = await one();
    await call("backup_create", { vm: "100", storage: "nas" });
    const plan = (await call("backup_prune_plan", keep)).result;
    expect(plan?.["remove"]?.length).toBeGreaterThan(0);
    expect(await question("backup_prune", keep)).toMatch(/Removes \d+ backups? for good: nas:backup\/.* are kept, \d+ are protected/);
    expect(sent("DELETE")).toEqual([]);
    const asked = sandbox.requests.filter(({ path }) => path.endsWith("/prunebackups"));
    expect(asked.map(({ method }) => method)).toEqual(["GET", "GET"]);
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({ "prune-backups": "keep-last=1", vmid: "100" });
  });

  test("removes just that", async () => {
    const { call, sent, sandbox } = await one();
    await call("backup_create", { vm: "100", storage: "nas" });
    const before = (await call("backup_list", { where: { storage: "nas" } })).items?.map(({ id }) => id) ?? [];
    const plan = (await call("backup_prune", keep)).result;
    const gone = plan?.["remove"]?.map(({ id }) => id) ?? [];
    expect(gone.length).toBeGreaterThan(0);
    expect((await call("backup_list", { where: { storage: "nas" } })).items?.map(({ id }) => id).toSorted()).toEqual(
      before.filter((id) => !gone.includes(id)).toSorted(),
    );
    expect(sent("DELETE")).toEqual([expect.stringMatching(/^\/nodes\/pve\d\/storage\/nas\/prunebackups$/)]);
    const request = sandbox.requests.find(({ method }) => method === "DELETE");
    expect(Object.fromEntries(request?.query ?? [])).toEqual({ "prune-backups": "keep-last=1", vmid: "100" });
    expect((await call("backup_prune", keep)).result?.["remove"]).toEqual([]);
    expect(sent("DELETE")).toHaveLength(1);
  });

  test("never begins without something to keep", async () => {
    const { app, sent } = await one();
    for (const args of [{ storage: "nas" }, { storage: "nas", keep_last: 0 }])
      expect(await failure(app.call("proxmox_backup_prune", args, { confirm: true }))).toMatchObject({ code: "INVALID_INPUT" });
    expect(sent("DELETE")).toEqual([]);
  });
});
