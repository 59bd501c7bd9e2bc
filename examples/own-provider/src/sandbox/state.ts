import type { WireBackup, WireSnapshot, WireSystem } from "../wire.ts";
import { DEFAULT_ESTATE, type Estate, type SeedContainer } from "./estate.ts";

/** A container as the sandbox keeps it. Moments are milliseconds since 1970. */
export interface Box {
  readonly username: string;
  state: string;
  cpu: string;
  memory: string;
  disk: string;
  gpus: readonly string[];
  image: string;
  osType: string;
  stack: string;
  docker: boolean;
  labels: Readonly<Record<string, string>>;
  keys: string[];
  backend: string;
  readonly created: number;
  updated: number;
  stoppedAt?: number | undefined;
  ttl?: number | undefined;
  deleteAfter: number;
  idle: number | undefined;
  isProtected: boolean;
  monitored: boolean;
  encrypted: boolean;
  ip: string;
  memoryUsed: number;
  diskUsed: number;
  snapshots: WireSnapshot[];
  readonly databases: readonly string[];
  collaborators: Collaborator[];
}

export interface Collaborator {
  readonly name: string;
  readonly keys: readonly string[];
  readonly sudo: boolean;
  readonly docker: boolean;
  readonly added: number;
}

export interface State {
  readonly backends: readonly (WireSystem & { readonly pool?: string })[];
  readonly boxes: Map<string, Box>;
  backups: WireBackup[];
}

const DAY = 86_400_000;

export function stateOf({ backends, containers, backups = [] }: Estate = DEFAULT_ESTATE): State {
  const state: State = { backends, boxes: new Map(), backups: [] };
  for (const [at, seed] of containers.entries()) state.boxes.set(seed.username, boxOf(seed, backends[0]?.backendId ?? "", at));
  for (const [at, name] of backups.entries()) {
    const [username = "", database = ""] = name.split("/");
    state.backups.push(backupOf(username, database, "BACKUP_DESTINATION_LOCAL", Date.now() - (at + 1) * DAY));
  }
  return state;
}

export function boxOf(seed: SeedContainer, backend: string, at: number): Box {
  const state = seed.state ?? "RUNNING";
  const now = Date.now();
  const created = now - (at + 1) * 9 * DAY;
  return {
    username: seed.username,
    state,
    cpu: seed.cpu ?? "4",
    memory: seed.memory ?? "4GB",
    disk: seed.disk ?? "50GB",
    gpus: seed.gpus ?? [],
    image: seed.image ?? (seed.os ? "" : "images:ubuntu/24.04"),
    osType: seed.os ? `OS_TYPE_${seed.os}` : "OS_TYPE_UNSPECIFIED",
    stack: seed.stack ?? "",
    docker: seed.docker ?? false,
    labels: seed.labels ?? {},
    keys: [...(seed.keys ?? [])],
    backend: seed.backend ?? backend,
    created,
    updated: created,
    stoppedAt: state === "STOPPED" ? now - 2 * DAY : undefined,
    ttl: seed.ttl === undefined ? undefined : now + seed.ttl * 1000,
    deleteAfter: 0,
    idle: seed.idle,
    isProtected: seed.isProtected ?? false,
    monitored: false,
    encrypted: false,
    ip: state === "STOPPED" ? "" : `10.100.0.${20 + at}`,
    memoryUsed: seed.memoryUsed ?? 0,
    diskUsed: seed.diskUsed ?? 0,
    snapshots: (seed.snapshots ?? []).map(({ name, used, referenced }) => ({ name, usedBytes: String(used), referencedBytes: String(referenced) })),
    databases: seed.databases ?? [],
    collaborators: (seed.collaborators ?? []).map((name) => ({ name, keys: [], sudo: false, docker: false, added: created })),
  };
}

/** A backup of now, or of then. */
export function backupOf(username: string, database: string, destination: string, at: number, bucket = ""): WireBackup {
  const moment = new Date(at).toISOString().slice(0, 19);
  const id = `${username}-${database}-${moment.replaceAll(/[-:]/g, "")}Z`;
  return {
    id,
    username,
    database,
    createdAt: `${moment}Z`,
    sizeBytes: "18400000",
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    destination,
    location: destination === "BACKUP_DESTINATION_GCS" ? `${bucket}/${id}.dump` : `/var/lib/containarium/backups/${id}.dump`,
    engine: "BACKUP_ENGINE_POSTGRES",
    lastVerification: null,
    relationCount: "42",
  };
}
