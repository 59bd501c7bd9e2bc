/**
 * Copies of a guest, and moving one to another node of its cluster.
 * @module
 */
import { type ActionArgs, type Written } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { type GuestType, reachable, withGuest } from "../guests.js";
import { wait, withNewId } from "./create.js";

type Args<Input> = ActionArgs<ProxmoxClient, Input>;

export const cloning = {
  name: z.string().describe("Of the copy").optional(),
  new_id: z.int().min(100).max(999_999_999).describe("VMID; default the next free").optional(),
  full: z.boolean().describe("Copy disks whole; default unless it is a template").optional(),
  snapshot: z.string().describe("Copy this state").optional(),
  storage: z.string().describe("For a full copy's disks").optional(),
  node: z.string().describe("Node for the copy; needs shared storage").optional(),
  pool: z.string().optional(),
  description: z.string().optional(),
  start: z.boolean().describe("Start the copy").optional(),
  wait,
};

type Cloning = z.output<z.ZodObject<typeof cloning>>;

export const clone =
  (type: GuestType) =>
  (args: Args<Cloning>): Promise<Written> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "clone", type);
      const { client, input } = args;
      // Only a template can be copied without its disks; another storage means a whole copy.
      const full = input.full ?? (row.template === 1 ? (input.storage === undefined ? undefined : true) : true);
      const parameters = {
        [type === "qemu" ? "name" : "hostname"]: input.name,
        full,
        snapname: input.snapshot,
        storage: input.storage,
        target: input.node,
        pool: input.pool,
        description: input.description,
      };
      const following = { ...args, wait: input.wait, cancels: true };
      const made = await withNewId({ ...args, input: { id: input.new_id } }, (newid) =>
        client.write("POST", `${path}/clone`, { ...parameters, newid }, following),
      );
      if (input.start && input.wait !== false)
        await client.write("POST", at`/nodes/${input.node ?? row.node ?? ""}/${type}/${made.key}/status/start`, {}, args);
      return made;
    });

export const vmMigration = {
  node: z.string().describe("Where to"),
  online: z.boolean().describe("While it runs; default if it runs").optional(),
  storage: z.string().describe("For its local disks there").optional(),
  wait,
};

export const ctMigration = {
  node: z.string().describe("Where to"),
  restart: z.boolean().describe("Stop it, move it, start it: the only way while it runs").optional(),
  storage: z.string().describe("For its local volumes there").optional(),
  timeout: z.int().min(0).describe("Seconds for its shutdown").optional(),
  wait,
};

type VmMigration = z.output<z.ZodObject<typeof vmMigration>>;
type CtMigration = z.output<z.ZodObject<typeof ctMigration>>;

export const migrateVm = (args: Args<VmMigration>): Promise<Written> =>
  withGuest(args, "qemu", async (row, path, lost) => {
    reachable(row, lost, "migrate", "qemu");
    const { input, client, note } = args;
    if (input.node === row.node) note(`VM ${row.vmid} is on ${input.node} already.`);
    else {
      const online = input.online ?? row.status === "running";
      const parameters = { target: input.node, online, targetstorage: input.storage, "with-local-disks": online || undefined };
      await client.write("POST", `${path}/migrate`, parameters, { ...args, wait: input.wait, cancels: true });
    }
    return { key: String(row.vmid) };
  });

export const migrateCt = (args: Args<CtMigration>): Promise<Written> =>
  withGuest(args, "lxc", async (row, path, lost) => {
    reachable(row, lost, "migrate", "lxc");
    const { input, client, note } = args;
    if (input.node === row.node) note(`Container ${row.vmid} is on ${input.node} already.`);
    else {
      const parameters = { target: input.node, restart: input.restart, timeout: input.timeout, "target-storage": input.storage };
      await client.write("POST", `${path}/migrate`, parameters, { ...args, wait: input.wait, cancels: true });
    }
    return { key: String(row.vmid) };
  });
