import type { Config } from "../wire.js";

/** `GET /1.0/storage-pools/{pool}/volumes/{type}/{name}`. In lists its snapshots are among them, as `name/snapshot`. */
export interface WireVolume {
  readonly name: string;
  readonly type: string;
  readonly content_type?: string;
  readonly description?: string;
  readonly config: Config;
  readonly used_by?: readonly string[] | null;
  readonly location?: string;
  readonly created_at?: string;
  readonly project?: string;
  /** In lists of all pools. */
  readonly pool?: string;
}

/** `GET .../volumes/{type}/{name}/state`. */
export interface WireVolumeState {
  readonly usage?: { readonly used?: number; readonly total?: number } | null;
}

/** `GET .../volumes/custom/{name}/snapshots/{snapshot}`. */
export interface WireVolumeSnapshot {
  readonly name: string;
  readonly description?: string;
  readonly expires_at?: string | null;
  readonly created_at?: string;
}
