import type { CallArgs } from "proxmcp/plugin";
import type { ProxmoxClient } from "../client.js";

/** A row of `.../snapshot`. */
export interface SnapshotRow {
  readonly name: string;
  readonly description?: string;
  readonly snaptime?: number;
  /** Only of VMs. */
  readonly vmstate?: number;
  readonly parent?: string;
}

/** The snapshots of the guest at this path. The row `current`, which is no snapshot but the guest as it is now, is left out. */
export async function snapshotsAt(
  { client, signal }: Pick<CallArgs<ProxmoxClient>, "client" | "signal">,
  path: string,
): Promise<readonly SnapshotRow[]> {
  return (await client.get<readonly SnapshotRow[]>(`${path}/snapshot`, signal)).filter(({ name }) => name !== "current");
}
