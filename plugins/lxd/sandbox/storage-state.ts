import type { Spread } from "./spread.js";
import type { Text } from "./world.js";

export interface VolumeSnapshot {
  name: string;
  description: string;
  expires_at: string | null;
  readonly created_at: string;
  /** What a restore puts back. */
  readonly config: Text;
}

/** A custom volume. */
export interface Volume {
  name: string;
  readonly content_type: string;
  description: string;
  config: Text;
  readonly location: string;
  readonly created_at: string;
  snapshots: VolumeSnapshot[];
}

export interface Pool {
  readonly name: string;
  readonly driver: string;
  description: string;
  config: Text;
  readonly total: number;
  readonly used: number;
  readonly spread: Spread;
  /** Custom ones, by name and member. */
  readonly volumes: Map<string, Volume>;
}
