import { ProxMcpError, secret, type WorkloadSpec } from "proxmcp/plugin";
import { z } from "zod";
import { backendName } from "./capacity.ts";
import type { ContainariumClient } from "./client.ts";
import { sizeText } from "./sizes.ts";

const WEEK = 604_800;
const bytes = (about: string) => z.int().positive().optional().describe(about);
const SYSTEMS = { ubuntu_24_04: "UBUNTU_2404", rocky_9: "ROCKY_9", rhel_9: "RHEL_9", windows_2022: "WINDOWS_2022" } as const;
const systems = Object.keys(SYSTEMS) as (keyof typeof SYSTEMS)[];

export const CreateInput = {
  username: z.string().min(1).describe("Whose container it is"),
  cpu: z.int().positive().optional().describe("Cores, default 4"),
  memory: bytes("Bytes, default 4 GB"),
  disk: bytes("Bytes, default 50 GB"),
  ssh_keys: z.array(z.string().min(1)).optional().describe("Public keys that may log in"),
  image: z.string().optional().describe("Default images:ubuntu/24.04"),
  os: z.enum(systems).optional().describe("Instead of image; Windows makes a virtual machine"),
  enable_docker: z.boolean().default(true).describe("Let it run containers inside, by Podman"),
  stack: z.string().optional().describe("Software to install, by the id of a stack"),
  stack_parameters: z.record(z.string(), z.string()).optional().describe("What the stack asks for"),
  gpus: z.array(z.string()).optional().describe("GPUs to pass through: 0, or a PCI address"),
  labels: z.record(z.string(), z.string()).optional(),
  backend: z.string().optional().describe("Backend to run on"),
  pool: z.string().optional().describe("Any healthy backend of this pool"),
  static_ip: z.ipv4().optional(),
  monitoring: z.boolean().optional().describe("Collect telemetry of its applications"),
  ttl: z.int().positive().max(WEEK).optional().describe("Seconds until it is deleted by itself, up to a week"),
  idle_stop: z.int().min(60).optional().describe("Idle seconds until it is stopped"),
  delete_after_stopped: z.int().positive().optional().describe("Seconds of being stopped until it is deleted"),
  git_source: z.url().optional().describe("Repository to clone into it"),
  git_ref: z.string().optional().describe("Commit, branch or tag"),
  git_credential: secret(z.string(), "Token for a private repository").optional(),
  workspace_path: z.string().optional().describe("Where the repository goes, default /workspace"),
  encrypted: z.boolean().optional().describe("Encrypt its disk with a key of its tenant"),
  tenant: z.string().optional().describe("Whose key, where there are several tenants"),
  wait: z.boolean().default(true).describe("Until it is ready, which takes minutes"),
};
export type CreateArgs = z.output<z.ZodObject<typeof CreateInput>>;

/**
 * The body of `POST /v1/containers`. The API refuses fields that it doesn't know, so what was not asked for is left out. What older systems
 * call Docker is Podman there, and off unless it is asked for.
 */
export function createBody(input: CreateArgs, backend: string | undefined): object {
  const { cpu, memory, disk, os } = input;
  return {
    username: input.username,
    resources: {
      ...(cpu === undefined ? {} : { cpu: String(cpu) }),
      ...(memory === undefined ? {} : { memory: sizeText(memory) }),
      ...(disk === undefined ? {} : { disk: sizeText(disk) }),
    },
    sshKeys: input.ssh_keys,
    image: input.image,
    osType: os === undefined ? undefined : `OS_TYPE_${SYSTEMS[os]}`,
    enablePodman: input.enable_docker && os !== "windows_2022",
    stack: input.stack,
    stackParameters: input.stack_parameters,
    gpus: input.gpus,
    labels: input.labels,
    backendId: backend,
    pool: input.pool,
    staticIp: input.static_ip,
    monitoring: input.monitoring,
    ttlSeconds: input.ttl === undefined ? undefined : String(input.ttl),
    idleStopMinutes: input.idle_stop === undefined ? undefined : Math.ceil(input.idle_stop / 60),
    deleteAfterStoppedSeconds: input.delete_after_stopped === undefined ? undefined : String(input.delete_after_stopped),
    gitSource: input.git_source,
    gitRef: input.git_ref,
    gitCredential: input.git_credential,
    workspacePath: input.workspace_path,
    encrypted: input.encrypted,
    tenantId: input.tenant,
    // Only the answer that is waited for has the reason of a failure.
    async: input.wait ? undefined : true,
  };
}

/** The id to send for a backend. The one that answers may have none, and is meant when none is sent. */
export async function backendId(client: ContainariumClient, wanted: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (wanted === undefined) return undefined;
  const systems = await client.systems(signal);
  const system = systems.find((one) => backendName(one) === wanted || one.hostname === wanted);
  if (system) return system.backendId || undefined;
  throw new ProxMcpError("NOT_FOUND", `There is no backend ${wanted}. Reached are: ${systems.map(backendName).join(", ")}.`);
}

/** How a workload that is to be placed somewhere becomes a container here. */
export const containerWorkload = {
  hosts: ["system-container", "vm"],
  create(spec: WorkloadSpec, note: (sentence: string) => void) {
    const { name, isolation, os = "", image, software, cpu, memory, disk, gpu, pci, place, privileged } = spec;
    const system = osOf(os);
    const chosen = image ?? (system === undefined ? imageOf(os) : undefined);
    if (isolation === "vm" && system !== "windows_2022") throw new Error("its only virtual machines are those with Windows");
    if (isolation !== "vm" && system === "windows_2022") throw new Error("its containers run Linux");
    if (privileged || pci) throw new Error("privileges and devices have to be given by hand");
    if (os && !system && chosen === undefined) throw new Error(`it has no ${os}; name an image`);
    if (software) note(`${software} is not installed by itself: see the stacks, or install it over SSH.`);
    note(`${name} becomes the name of its user. Pass ssh_keys when creating it, or add a key later: nobody can log in without.`);
    return {
      username: name,
      ...(chosen === undefined ? {} : { image: chosen }),
      ...(system === undefined || chosen !== undefined ? {} : { os: system }),
      ...(cpu === undefined ? {} : { cpu: Math.ceil(cpu) }),
      ...(memory === undefined ? {} : { memory }),
      ...(disk === undefined ? {} : { disk }),
      ...(gpu ? { gpus: ["0"] } : {}),
      ...(place === undefined ? {} : { backend: place }),
    };
  },
};

function osOf(text: string): keyof typeof SYSTEMS | undefined {
  if (/windows/i.test(text)) return "windows_2022";
  if (/^\s*(linux|ubuntu(\s+(24|24\.04|noble))?(\s+lts)?)\s*$/i.test(text)) return "ubuntu_24_04";
  if (/^\s*rocky(\s*linux)?(\s*9(\.\d+)?)?\s*$/i.test(text)) return "rocky_9";
  return /^\s*(rhel|red hat( enterprise linux)?)(\s*9(\.\d+)?)?\s*$/i.test(text) ? "rhel_9" : undefined;
}

/** Other releases of the systems that it can set up, from the image server that it uses. */
function imageOf(text: string): string | undefined {
  const [, name, release] = /^\s*(ubuntu|debian)(?:\s+([\w.]+))?/i.exec(text) ?? [];
  return name && `images:${name.toLowerCase()}/${release?.toLowerCase() ?? "12"}`;
}
