/** What a workload needs, in the words that all platforms share. What was not asked for is absent. Sizes in bytes. */
export interface WorkloadSpec {
  /** Lower-case letters, digits and hyphens unless the caller chose otherwise. */
  readonly name: string;
  /** Which of the action's `hosts` it is to be. */
  readonly isolation: string;
  /** `web_server`, `database` and so on. */
  readonly workload?: string | undefined;
  /** What is to run, by its common name: `postgres`. Whether the platform can install it is for the mapping to say. */
  readonly software?: string | undefined;
  /** Its release: `16`. */
  readonly version?: string | undefined;
  /** `ubuntu 24.04`, `windows`. */
  readonly os?: string | undefined;
  /** As the caller wrote it, so it may be an image of another platform. */
  readonly image?: string | undefined;
  /** `x86_64`, `aarch64` and so on. */
  readonly arch?: string | undefined;
  /** Cores; may be a fraction. */
  readonly cpu?: number | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  /** Bytes. */
  readonly disk?: number | undefined;
  /** It needs a graphics card. */
  readonly gpu?: boolean | undefined;
  /** It needs a device of the machine passed through. */
  readonly pci?: boolean | undefined;
  /** `complex`: several interfaces, VLANs, addresses of its own in the network. */
  readonly network?: "simple" | "complex" | undefined;
  /** Containers run in it. */
  readonly nesting?: boolean | undefined;
  /** It needs rights on its host. */
  readonly privileged?: boolean | undefined;
  /** Its data has to outlive it. */
  readonly persistent?: boolean | undefined;
  /** `short`: for a try or a job. */
  readonly lifetime?: "short" | "long" | undefined;
  /** The node or member chosen for it. Absent where the connection has only one. */
  readonly place?: string | undefined;
}

/** How a create action makes a workload: from the common spec to its own arguments. */
export interface WorkloadMapping<Args = Readonly<Record<string, unknown>>> {
  /** The workload types of the provider's `hosts` that this action makes. */
  readonly hosts: readonly string[];
  /**
   * The arguments for the action; ones that are undefined are left out. Pure. Undefined, or an error with the reason, where the action
   * can't make it. `note` adds a sentence that the caller should read before agreeing.
   */
  create(spec: WorkloadSpec, note: (sentence: string) => void): Args | undefined;
}

/** The faults of a mapping, in words; `declared` are the provider's `hosts`. */
export function checkWorkload(candidate: unknown, declared: unknown): readonly string[] {
  if (candidate === undefined) return [];
  if (typeof candidate !== "object" || candidate === null) return ["workload: has to be an object with hosts and create"];
  const { hosts, create } = candidate as Partial<WorkloadMapping>;
  const faults: string[] = [];
  if (typeof create !== "function") faults.push("workload.create: missing; it maps a workload to the action's arguments");
  if (!Array.isArray(hosts) || hosts.length === 0) return [...faults, "workload.hosts: missing; name the workload types that it makes"];
  const known = Array.isArray(declared) ? declared.map((host: { workload?: unknown }) => host?.workload) : [];
  for (const type of hosts as unknown[])
    if (!known.includes(type)) faults.push(`workload.hosts: ${JSON.stringify(type)} is not in the provider's hosts: ${known.join(", ") || "none"}`);
  return faults;
}
