import type { WireContainer, WireMetrics, WireSystem } from "../wire.ts";
import type { Box, Collaborator, State } from "./state.ts";

const seconds = (moment: number): string => String(Math.floor(moment / 1000));
/** A timestamp; JSON has null for one that is not set. */
const stamp = (moment: number | undefined): string | null => (moment === undefined ? null : new Date(moment).toISOString());

/** A container as the gateway writes it: every field is there, set or not. */
export function containerView(state: State, box: Box): Required<WireContainer> & { readonly sshKeys: readonly string[] } {
  const windows = box.osType === "OS_TYPE_WINDOWS_2022";
  return {
    name: `${box.username}-container`,
    username: box.username,
    state: `CONTAINER_STATE_${box.state}`,
    resources: { cpu: box.cpu, memory: box.memory, disk: box.disk, gpus: [] },
    sshKeys: box.keys,
    network: { ipAddress: box.ip, macAddress: "" },
    createdAt: seconds(box.created),
    updatedAt: seconds(box.updated),
    labels: box.labels,
    image: box.image,
    podmanEnabled: box.docker,
    stack: box.stack,
    gpuDevice: box.gpus[0] ?? "",
    gpuDevices: box.gpus,
    backendId: box.backend,
    osType: box.osType,
    accessType: windows ? "ACCESS_TYPE_RDP" : "ACCESS_TYPE_SSH",
    rdpAddress: windows && box.ip ? `${box.ip}:3389` : "",
    monitoringEnabled: box.monitored,
    pool: state.backends.find(({ backendId }) => backendId === box.backend)?.pool ?? "",
    autoSleepEnabled: box.idle !== undefined,
    idleThresholdMinutes: box.idle ?? 15,
    ttlExpiresAt: stamp(box.ttl),
    sshHost: state.backends[0]?.sshIngressHost ?? "",
    stoppedAt: stamp(box.stoppedAt),
    deleteAfterStoppedSeconds: String(box.deleteAfter),
    deletePolicy: box.isProtected ? "DELETE_POLICY_PROTECTED" : "DELETE_POLICY_UNSPECIFIED",
    encryptionState: box.encrypted ? "ENCRYPTION_STATE_UNLOCKED" : "ENCRYPTION_STATE_NONE",
  };
}

export function metricsView(box: Box): Required<WireMetrics> {
  const runs = box.state === "RUNNING" || box.state === "FROZEN";
  return {
    name: `${box.username}-container`,
    cpuUsageSeconds: runs ? "5400" : "0",
    memoryUsageBytes: String(runs ? box.memoryUsed : 0),
    memoryPeakBytes: String(runs ? Math.round(box.memoryUsed * 1.2) : 0),
    diskUsageBytes: String(box.diskUsed),
    networkRxBytes: runs ? "734003200" : "0",
    networkTxBytes: runs ? "52428800" : "0",
    processCount: runs ? 37 : 0,
  };
}

export function systemView(state: State, backend: WireSystem): object {
  const own = [...state.boxes.values()].filter((box) => box.backend === (backend.backendId ?? ""));
  const running = own.filter((box) => box.state === "RUNNING").length;
  const { pool: _, ...system } = backend as WireSystem & { pool?: string };
  return {
    cpuLoad5min: 0,
    cpuLoad15min: 0,
    gpus: [],
    otelCollectorEndpoint: "",
    sshIngressHost: "",
    storage: null,
    ...system,
    containersRunning: running,
    containersStopped: own.length - running,
    containersTotal: own.length,
  };
}

export const collaboratorView = (owner: string, { name, keys, sudo, docker, added }: Collaborator): object => ({
  id: `00000000-0000-4000-8000-${Buffer.from(`${owner}/${name}`).toString("hex").padStart(12, "0").slice(0, 12)}`,
  containerName: `${owner}-container`,
  ownerUsername: owner,
  collaboratorUsername: name,
  accountName: `${owner}-container-${name}`,
  sshPublicKey: keys[0] ?? "",
  addedAt: seconds(added),
  createdBy: "mcp-client",
  hasSudo: sudo,
  hasContainerRuntime: docker,
});
