import { expect, it } from "vitest";
import type { Bench } from "../conformance.js";

/** What a Proxmox VE cluster has to do, on the sandbox's production estate. */
export const proxmoxScenario = (bench: () => Bench): void => {
  it("starts and stops guests, following the task to its end", async () => {
    const { item, rows } = bench();
    for (const kind of ["vm", "ct"]) {
      const [stopped] = await rows(`${kind}_list`, { where: { status: ["stopped"], template: false } });
      expect(stopped, kind).toMatchObject({ status: "stopped" });
      const id = String(stopped?.["id"]);
      expect(await item(`${kind}_start`, { id })).toMatchObject({ id: stopped?.["id"], status: "running" });
      expect(await item(`${kind}_restart`, { id })).toMatchObject({ status: "running" });
      expect(await item(`${kind}_shutdown`, { id })).toMatchObject({ status: "stopped" });
      expect(await item(`${kind}_start`, { id: String(stopped?.["name"]) })).toMatchObject({ status: "running" });
      expect(await item(`${kind}_stop`, { id })).toMatchObject({ status: "stopped" });
    }
  });

  it("starts and stops what already is as asked", async () => {
    const { item, rows } = bench();
    const [vm] = await rows("vm_list", { where: { status: ["running"] } });
    expect(await item("vm_start", { id: String(vm?.["id"]) })).toMatchObject({ status: "running" });
  });

  it("tells the state of the cluster and its storage", async () => {
    const { result, rows } = bench();
    expect(await result("cluster_status")).toMatchObject({ quorate: true });
    const storage = await rows("storage_list");
    expect(storage.length).toBeGreaterThan(0);
    for (const one of storage) expect(one["disk_used"] ?? 0).toBeLessThanOrEqual((one["disk"] as number | undefined) ?? Number.POSITIVE_INFINITY);
  });

  it("leads a VM from its creation to its end, with a snapshot and a backup between", async () => {
    const { call, item, result, rows, refusal } = bench();
    const made = await item("vm_create", { name: "conformance", disk: 2 ** 30, memory: 2 ** 28 });
    const id = String(made["id"]);
    expect(made).toMatchObject({ status: "stopped", disk: 2 ** 30, memory: 2 ** 28 });
    expect(await item("vm_update", { id, tags: ["conformance"] })).toMatchObject({ tags: ["conformance"] });
    expect(await item("vm_resize_disk", { id, grow_by: 2 ** 30 })).toMatchObject({ disk: 2 ** 31 });
    expect(await item("snapshot_create", { vm: id, name: "before" })).toMatchObject({ name: "before", vm: id });
    expect(await item("vm_update", { id, memory: 2 ** 29 })).toMatchObject({ memory: 2 ** 29 });
    await call("snapshot_rollback", { vm: id, name: "before" });
    expect(await item("vm_get", { id })).toMatchObject({ memory: 2 ** 28 });
    await call("snapshot_delete", { vm: id, name: "before" });
    expect(await rows("snapshot_list", { vm: id })).toEqual([]);
    const backup = await item("backup_create", { vm: id });
    expect(backup).toMatchObject({ vm: id });
    const restored = await result("backup_restore", { id: String(backup["id"]) });
    expect(restored).toMatchObject({ type: "vm" });
    for (const vmid of [id, String(restored["vmid"])]) expect(await call("vm_delete", { id: vmid })).toMatchObject({ deleted: true });
    expect(await call("backup_delete", { id: String(backup["id"]) })).toMatchObject({ deleted: true });
    expect(await refusal("vm_get", { id })).toBe("NOT_FOUND");
  });
};
