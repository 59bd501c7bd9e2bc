/** What the LXD and Incus REST API answers, as far as it is read here. Fields that older servers lack are optional. */

/** Around every answer but files. */
export interface Envelope {
  readonly type: "sync" | "async" | "error";
  readonly metadata: unknown;
  readonly error?: string;
  readonly error_code?: number;
}

/** A background task. `status_code`: below 200 it still runs, 200 is success, 400 failure, 401 cancelled. */
export interface Operation {
  readonly id: string;
  readonly description: string;
  readonly status: string;
  readonly status_code: number;
  readonly created_at?: string;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly may_cancel: boolean;
  /** Paths of what it works on. */
  readonly resources?: Readonly<Partial<Record<string, readonly string[] | null>>> | null;
  /** `task`, `websocket` or `token`. */
  readonly class?: string;
  readonly location?: string;
  readonly err: string;
}

/** `GET /1.0`. Without trust there is no `environment`. */
export interface ServerInfo {
  readonly api_extensions: readonly string[];
  readonly auth: string;
  readonly environment?: {
    readonly server: string;
    readonly server_version: string;
    readonly server_name: string;
    readonly server_clustered: boolean;
    readonly architectures: readonly string[];
    readonly kernel_version?: string;
    readonly os_name?: string;
    readonly os_version?: string;
    readonly project?: string;
    /** Where it listens: `192.168.1.7:8443`. */
    readonly addresses?: readonly string[];
    /** PEM. */
    readonly certificate?: string;
  };
}

export type Config = Readonly<Record<string, string>>;
export type Devices = Readonly<Record<string, Config>>;

export interface WireInstance {
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly architecture: string;
  readonly created_at: string;
  readonly last_used_at?: string;
  readonly description?: string;
  readonly ephemeral: boolean;
  readonly location?: string;
  readonly project?: string;
  readonly profiles?: readonly string[] | null;
  readonly config: Config;
  readonly devices: Devices;
  readonly expanded_config?: Config;
  readonly expanded_devices?: Devices;
  readonly state?: WireState | null;
  readonly snapshots?: readonly WireSnapshot[] | null;
  readonly backups?: readonly WireBackup[] | null;
}

export interface WireState {
  readonly status: string;
  readonly started_at?: string;
  readonly cpu?: { readonly usage: number; readonly allocated_time?: number } | null;
  readonly memory?: { readonly usage: number; readonly usage_peak?: number; readonly swap_usage?: number; readonly total?: number } | null;
  readonly disk?: Readonly<Record<string, { readonly usage: number; readonly total?: number }>> | null;
  readonly processes?: number;
  readonly network?: Readonly<Record<string, WireInterface>> | null;
}

export interface WireInterface {
  readonly host_name?: string;
  readonly counters?: {
    readonly bytes_received: number;
    readonly bytes_sent: number;
    readonly errors_received?: number;
    readonly errors_sent?: number;
  };
  readonly type?: string;
  readonly addresses?: readonly { readonly family: string; readonly address: string; readonly scope: string }[] | null;
}

export interface WireSnapshot {
  readonly name: string;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly stateful: boolean;
  readonly size?: number;
}

export interface WireBackup {
  readonly name: string;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly instance_only?: boolean;
  readonly container_only?: boolean;
  readonly optimized_storage: boolean;
}

export interface WireImage {
  /** Told where all projects are listed together. */
  readonly project?: string;
  readonly fingerprint: string;
  readonly aliases?: readonly { readonly name: string }[] | null;
  readonly properties?: Readonly<Record<string, string>> | null;
  readonly architecture: string;
  readonly type?: string;
  readonly size: number;
  readonly public: boolean;
  readonly cached: boolean;
  readonly auto_update?: boolean;
  /** Of an image that was fetched. */
  readonly update_source?: { readonly server: string } | null;
  readonly profiles?: readonly string[] | null;
  readonly expires_at?: string;
  readonly created_at: string;
  readonly uploaded_at: string;
  readonly last_used_at?: string;
}

export interface WireNetwork {
  readonly project?: string;
  readonly name: string;
  readonly type: string;
  readonly managed: boolean;
  readonly status?: string;
  readonly description?: string;
  readonly config: Config;
  readonly used_by?: readonly string[] | null;
  readonly locations?: readonly string[] | null;
}

export interface WirePool {
  readonly name: string;
  readonly driver: string;
  readonly status?: string;
  readonly description?: string;
  readonly config: Config;
  readonly used_by?: readonly string[] | null;
  readonly locations?: readonly string[] | null;
}

export interface WireProfile {
  readonly project?: string;
  readonly name: string;
  readonly description?: string;
  readonly config: Config;
  readonly devices: Devices;
  readonly used_by?: readonly string[] | null;
}

export interface WireMember {
  readonly server_name: string;
  readonly url: string;
  readonly status: string;
  readonly message: string;
  readonly architecture: string;
  readonly roles?: readonly string[] | null;
  readonly groups?: readonly string[] | null;
  readonly failure_domain?: string;
}

export interface WireResources {
  readonly cpu: {
    readonly architecture: string;
    readonly total: number;
    readonly sockets?: readonly { readonly name?: string; readonly vendor?: string }[] | null;
  };
  readonly memory: { readonly total: number; readonly used: number };
  /** Incus and newer servers. */
  readonly load?: { readonly Average1Min: number };
  readonly gpu?: { readonly cards?: readonly { readonly vendor?: string; readonly product?: string; readonly driver?: string }[] | null };
  readonly storage?: {
    readonly disks?:
      | readonly { readonly id: string; readonly model?: string; readonly type?: string; readonly size: number; readonly removable?: boolean }[]
      | null;
  };
  readonly system?: { readonly vendor?: string; readonly product?: string } | null;
}

export interface WireSpace {
  readonly space: { readonly used: number; readonly total: number };
}

/** The server writes moments that never were as the year 1 or 1970. */
export function moment(time: string | undefined): string | undefined {
  if (!time || /^(0001|1970)-01-01T/.test(time)) return undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** The envelope in a text, if there is one. */
export function envelopeIn(text: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "type" in value ? (value as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

/** Before its own handler has a request, the server may answer in plain text. */
export const reasonIn = (text: string): string => envelopeIn(text)?.error ?? text.trim().slice(0, 300);
