import type { Guest, Snapshot } from "./world.js";

type Inside = Omit<Snapshot["of"], "files"> & { readonly files: [string, string][] };

/** An instance as it is carried in a file or to another server. */
export interface Frozen extends Pick<Guest, "name" | "type" | "architecture" | "ephemeral" | "created_at">, Inside {
  readonly snapshots: readonly (Omit<Snapshot, "of"> & { readonly of: Inside })[];
}

const inside = ({ config, devices, profiles, files, description }: Snapshot["of"]): Inside => ({
  config,
  devices,
  profiles,
  description,
  files: [...files],
});

export function freeze(guest: Guest, withSnapshots: boolean, of: Snapshot["of"] = guest): Frozen {
  const { name, type, architecture, ephemeral, created_at } = guest;
  const snapshots = withSnapshots ? guest.snapshots.map((snapshot) => ({ ...snapshot, of: inside(snapshot.of) })) : [];
  return { name, type, architecture, ephemeral, created_at, ...inside(of), snapshots };
}

export const thaw = ({ snapshots, ...frozen }: Frozen): Partial<Guest> & Pick<Guest, "name"> => ({
  ...frozen,
  files: new Map(frozen.files),
  snapshots: snapshots.map((snapshot) => ({ ...snapshot, of: { ...snapshot.of, files: new Map(snapshot.of.files) } })),
});
