export type Text = Record<string, string>;
export type DeviceSet = Record<string, Text>;
export type Status = "Running" | "Stopped" | "Frozen";

export interface Snapshot {
  name: string;
  readonly created_at: string;
  expires_at: string;
  readonly stateful: boolean;
  /** What a restore puts back. */
  readonly of: Pick<Guest, "config" | "devices" | "profiles" | "files" | "description">;
}

/** What a file has beside its text. */
export interface FileFacts {
  readonly type: "file" | "symlink";
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly modified: string;
  /** Its bytes, where they are no text. */
  readonly raw?: Buffer;
}

export interface Backup {
  name: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly instance_only: boolean;
  readonly optimized_storage: boolean;
  readonly content: Buffer;
}

/** A command that runs in an instance. */
export interface Running {
  readonly env: Readonly<Record<string, string>>;
  readonly abort: AbortController;
}

/** An instance in memory. */
export interface Guest {
  name: string;
  readonly type: "container" | "virtual-machine";
  status: Status;
  architecture: string;
  config: Text;
  devices: DeviceSet;
  profiles: string[];
  description: string;
  readonly ephemeral: boolean;
  readonly created_at: string;
  last_used_at: string;
  location: string;
  snapshots: Snapshot[];
  /** Paths and contents: what commands inside can see and change. */
  files: Map<string, string>;
  /** Of the files that the API has written. */
  facts: Map<string, FileFacts>;
  backups: Backup[];
  readonly running: Set<Running>;
  /** Last octet of its address on the bridge. */
  readonly host: number;
  readonly mac: string;
  /** Bytes in use while it runs. */
  memoryUsage: number;
  diskUsage: number;
  /** What the console has printed and nobody has read. */
  console: string;
  /** Recorded output of commands, by file name. */
  readonly recorded: Map<string, string>;
  /** Resolves when a shutdown that is under way has ended. */
  leaving?: Promise<void> | undefined;
  /** The operation that the server believes it still runs on it; all others are refused meanwhile. */
  busy?: string | undefined;
}

export interface Image {
  readonly fingerprint: string;
  readonly aliases: string[];
  readonly type: "container" | "virtual-machine";
  readonly architecture: string;
  readonly size: number;
  properties: Text;
  readonly cached: boolean;
  public: boolean;
  auto_update: boolean;
  profiles: string[];
  expires_at: string;
  readonly created_at: string;
  readonly uploaded_at: string;
  last_used_at: string;
  readonly filename: string;
  /** Of one that was fetched. */
  readonly update_source?: { readonly server: string; readonly alias: string; readonly protocol: string };
  /** Whether its root file system is a file of its own. */
  readonly split: boolean;
}

export interface Profile {
  name: string;
  description: string;
  config: Text;
  devices: DeviceSet;
}

/** Trouble that the server has noted. */
export interface Warning {
  readonly uuid: string;
  status: string;
  readonly type: string;
  readonly severity: string;
  readonly last_message: string;
  readonly count: number;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
}

export interface Host {
  readonly name: string;
  readonly flavor: "lxd" | "incus";
  readonly version: string;
  readonly architecture: string;
  readonly cores: number;
  readonly memory: number;
  readonly memoryUsed: number;
  /** Names of the cluster's members; empty when it stands alone. A `!` before a name says that the member is offline. */
  readonly members: readonly string[];
}
