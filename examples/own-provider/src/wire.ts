/**
 * What the REST API answers, as far as it is used. It is a gateway to gRPC: 64-bit integers are text, enums are their full names, and
 * what is not set is there all the same, as "", "0" or the enum's `_UNSPECIFIED`.
 * @module
 */

export interface WireContainer {
  readonly name: string;
  readonly username: string;
  readonly state: string;
  readonly resources?: { readonly cpu?: string; readonly memory?: string; readonly disk?: string; readonly gpus?: readonly string[] } | null;
  readonly sshKeys?: readonly string[];
  readonly network?: { readonly ipAddress?: string; readonly macAddress?: string } | null;
  readonly createdAt?: string;
  readonly updatedAt?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly podmanEnabled?: boolean;
  readonly stack?: string;
  readonly gpuDevice?: string;
  readonly gpuDevices?: readonly string[];
  readonly backendId?: string;
  readonly osType?: string;
  readonly accessType?: string;
  readonly rdpAddress?: string;
  readonly monitoringEnabled?: boolean;
  readonly pool?: string;
  readonly autoSleepEnabled?: boolean;
  readonly idleThresholdMinutes?: number;
  readonly ttlExpiresAt?: string | null;
  readonly sshHost?: string;
  readonly stoppedAt?: string | null;
  readonly deleteAfterStoppedSeconds?: string;
  readonly deletePolicy?: string;
  readonly encryptionState?: string;
}

export interface WireMetrics {
  readonly name: string;
  readonly cpuUsageSeconds?: string;
  readonly memoryUsageBytes?: string;
  readonly memoryPeakBytes?: string;
  readonly diskUsageBytes?: string;
  readonly networkRxBytes?: string;
  readonly networkTxBytes?: string;
  readonly processCount?: number;
}

export interface WireSystem {
  readonly incusVersion?: string;
  readonly os?: string;
  readonly kernelVersion?: string;
  readonly totalCpus?: number;
  readonly totalMemoryBytes?: string;
  readonly availableMemoryBytes?: string;
  readonly totalDiskBytes?: string;
  readonly availableDiskBytes?: string;
  readonly containersRunning?: number;
  readonly containersStopped?: number;
  readonly containersTotal?: number;
  readonly hostname?: string;
  readonly uptimeSeconds?: string;
  readonly networkCidr?: string;
  readonly cpuLoad1min?: number;
  readonly gpus?: readonly { readonly modelName?: string; readonly vramBytes?: string }[];
  readonly backendId?: string;
  readonly daemonVersion?: string;
  readonly sshIngressHost?: string;
  readonly storage?: { readonly pool?: string; readonly driverName?: string; readonly isolation?: string } | null;
}

export interface WireSnapshot {
  readonly name: string;
  readonly usedBytes?: string;
  readonly referencedBytes?: string;
}

export interface WireBackup {
  readonly id: string;
  readonly username: string;
  readonly database?: string;
  readonly createdAt?: string;
  readonly sizeBytes?: string;
  readonly sha256?: string;
  readonly destination?: string;
  readonly location?: string;
  readonly engine?: string;
  readonly lastVerification?: WireVerification | null;
  readonly relationCount?: string | null;
}

export interface WireVerification {
  readonly verifiedAt?: string;
  readonly result?: string;
  readonly error?: string;
  readonly targetContainer?: string;
  readonly durationMs?: string;
  readonly verifiedBy?: string;
  readonly checks?: readonly { readonly name: string; readonly passed?: boolean; readonly detail?: string }[];
}

/** `CONTAINER_STATE_RUNNING` as `running`; undefined for the unspecified. */
export function enumOf(prefix: string, value: string | undefined): string | undefined {
  const name = value?.startsWith(prefix) ? value.slice(prefix.length).toLowerCase() : undefined;
  return name === "unspecified" ? undefined : name;
}

/** A 64-bit integer. It is text on the wire. */
export function intOf(text: string | number | undefined | null): number | undefined {
  if (text === undefined || text === null || text === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? Math.round(value) : undefined;
}

/** The same where 0 stands for "not known". */
export const positiveOf = (text: string | number | undefined | null): number | undefined => intOf(text) || undefined;

/** Text that is not empty. */
export const textOf = (text: string | undefined | null): string | undefined => text || undefined;

/** Seconds since 1970, or RFC 3339, as ISO 8601 in UTC. */
export function momentOf(value: string | undefined | null): string | undefined {
  if (!value || value === "0") return undefined;
  const at = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  return Number.isFinite(at) ? new Date(at).toISOString() : undefined;
}

/** An object without the fields that are not known. */
export const known = <T extends object>(item: { [field in keyof T]: T[field] | undefined }): T =>
  Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as T;
