import { createHash, randomBytes } from "node:crypto";
import { Refusal } from "./wire.js";

export type Status = "created" | "running" | "paused" | "restarting" | "exited" | "dead";

export interface LogLine {
  readonly at: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

export interface Mount {
  readonly Type: "volume" | "bind";
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Mode: string;
  readonly RW: boolean;
}

export interface StoredFile {
  readonly type: "file" | "directory";
  readonly content: Buffer;
  readonly mode: number;
  readonly mtime: Date;
  /** It was not in the image. */
  readonly added: boolean;
}

export interface Box {
  readonly id: string;
  name: string;
  readonly image: string;
  readonly imageId: string;
  readonly argv: readonly string[];
  readonly created: number;
  status: Status;
  startedAt?: number;
  finishedAt?: number;
  exitCode: number;
  error: string;
  pid: number;
  readonly health?: "healthy" | "unhealthy" | "starting";
  readonly tty: boolean;
  readonly user: string;
  readonly cwd: string;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly exposed: Readonly<Record<string, object>>;
  readonly bindings: Readonly<Record<string, readonly Binding[]>>;
  readonly binds: readonly string[];
  readonly mounts: readonly Mount[];
  readonly networkMode: string;
  readonly networks: Record<string, { ip: string; id?: string; readonly aliases?: readonly string[] }>;
  restart: { readonly Name: string; readonly MaximumRetryCount: number };
  memory: number;
  nanoCpus: number;
  pids: number;
  readonly healthcheck?: object;
  /** What was written in it, by path. */
  readonly files: Map<string, StoredFile>;
  readonly log: LogLine[];
  /** Share of one core that it keeps busy, and bytes that it holds: what the measurements are made from. */
  readonly load: { readonly cores: number; readonly memory: number };
}

export interface Image {
  readonly id: string;
  references: string[];
  digests: string[];
  readonly size: number;
  readonly created: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly layers: readonly { readonly id: string; readonly size: number }[];
}

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly subnet?: string;
  readonly internal: boolean;
  readonly created: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly name: string;
  readonly created: number;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly anonymous: boolean;
}

export interface Exec {
  readonly id: string;
  readonly box: Box;
  readonly argv: readonly string[];
  readonly user: string;
  readonly cwd: string;
  readonly env: readonly string[];
  /** Whether it hears what is said to it, and what was. */
  readonly listens: boolean;
  stdin: string;
  ran: boolean;
  running: boolean;
  exitCode: number | null;
  pid: number;
}

export interface EngineEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: string;
  readonly time: number;
  readonly timeNano: number;
}

/** Something of the swarm, as the API shows it. Its version grows with each change. */
export interface SwarmObject {
  readonly ID: string;
  readonly Version: { Index: number };
  Spec: Record<string, unknown>;
  readonly [field: string]: unknown;
}

export interface Swarm {
  readonly nodes: SwarmObject[];
  readonly services: SwarmObject[];
  readonly tasks: Record<string, unknown>[];
}

/** Everything that one engine holds. */
export class State {
  readonly boxes: Box[] = [];
  readonly images: Image[] = [];
  readonly networks: Network[] = [];
  readonly volumes: Volume[] = [];
  readonly execs = new Map<string, Exec>();
  readonly events: EngineEvent[] = [];
  /** Only where the estate has a swarm. */
  swarm: Swarm | undefined;
  /** Images that a registry would have. */
  readonly published: Image[] = [];
  readonly cpus = 8;
  readonly memory = 33_554_432_000;
  #pid = 2400;

  nextPid(): number {
    this.#pid += 13;
    return this.#pid;
  }

  /** By name, whole id, or a beginning of an id that only one has. */
  box(key: string): Box {
    const name = key.replace(/^\//, "");
    const exact = this.boxes.find((box) => box.id === name) ?? this.boxes.find((box) => box.name === name);
    if (exact) return exact;
    const begun = this.boxes.filter((box) => name !== "" && box.id.startsWith(name));
    if (begun.length > 1) throw new Refusal(500, `Multiple IDs found with provided prefix: ${key}`);
    if (!begun[0]) throw new Refusal(404, `No such container: ${key}`);
    return begun[0];
  }

  /** By reference, or by whole or partial id. */
  findImage(key: string): Image | undefined {
    const plain = key.replace(/^sha256:/, "");
    const full = withTag(key);
    return (
      this.images.find((image) => image.references.includes(full) || image.digests.includes(key)) ??
      (/^[0-9a-f]+$/.test(plain) ? this.images.find((image) => image.id.startsWith(plain)) : undefined)
    );
  }

  network(key: string): Network {
    const found = this.networks.find(({ name }) => name === key) ?? this.networks.find(({ id }) => key !== "" && id.startsWith(key));
    if (!found) throw new Refusal(404, `network ${key} not found`);
    return found;
  }

  volume(key: string): Volume {
    const found = this.volumes.find(({ name }) => name === key);
    if (!found) throw new Refusal(404, `get ${key}: no such volume`);
    return found;
  }

  tell(Type: string, Action: string, ID: string, Attributes: Record<string, string> = {}): void {
    const now = Date.now();
    this.events.push({ Type, Action, Actor: { ID, Attributes }, scope: "local", time: Math.floor(now / 1000), timeNano: now * 1e6 });
  }

  freeAddress(network: string): string {
    const subnet = this.networks.find(({ name }) => name === network)?.subnet?.replace(/\.0\/\d+$/, "") ?? "172.17.0";
    const taken = new Set(this.boxes.flatMap((box) => Object.values(box.networks).map(({ ip }) => ip)));
    for (let host = 2; ; host += 1) if (!taken.has(`${subnet}.${host}`)) return `${subnet}.${host}`;
  }
}

export const newId = (): string => randomBytes(32).toString("hex");
export const idOf = (text: string): string => createHash("sha256").update(text).digest("hex");

export function withTag(reference: string): string {
  return reference.includes("@") || /:[\w.-]+$/.test(reference.slice(reference.lastIndexOf("/") + 1)) ? reference : `${reference}:latest`;
}

/** What the engine says about a reference that can't be one. */
export function checkReference(reference: string, status = 400): void {
  if (/^[^:@]*[A-Z]/.test(reference) && !/^[^/]*[.:][^/]*\//.test(reference))
    throw new Refusal(status, "invalid reference format: repository name must be lowercase");
  if (!/^[a-z0-9]+([._-]+[a-z0-9]+)*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(reference))
    throw new Refusal(status, "invalid reference format");
}
