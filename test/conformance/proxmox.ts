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
};
