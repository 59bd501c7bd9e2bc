import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Trust } from "./certificates.js";
import type { Acl, Network } from "./network-state.js";
import { Operations } from "./operations.js";
import type { Pool } from "./storage-state.js";

import type { DeviceSet, Guest, Host, Image, Profile, Text, Warning } from "./things.js";

export type * from "./things.js";

interface PartOf {
  readonly root: World;
  readonly project: string;
  readonly description: string;
  readonly config: Text;
}

/** The whole state of one sandbox; and of each further project what it has for itself, with what it shares. */
export class World {
  readonly host: Host;
  readonly taskTime: number;
  /** By name; the whole itself is the project default. */
  readonly projects: Map<string, World>;
  project: string;
  description = "Default LXD project";
  config: Text = { "features.images": "true", "features.networks": "true", "features.profiles": "true", "features.storage.volumes": "true" };
  readonly guests = new Map<string, Guest>();
  images: Image[] = [];
  profiles = new Map<string, Profile>();
  networks = new Map<string, Network>();
  acls = new Map<string, Acl>();
  /** Trouble that it has noted about itself. */
  warnings: Warning[] = [];
  readonly #root: World | undefined;
  readonly #pools = new Map<string, Pool>();
  readonly #volumes = new Map<string, Pool["volumes"]>();
  /** Members that are out of service, each with the instances that were taken from it. */
  readonly evacuated = new Map<string, readonly string[]>();
  readonly operations: Operations;
  readonly trust: Trust;
  /** Words by which strangers may have an image. */
  readonly secrets: Map<string, Image>;
  /** Where it listens on the network, and what proves that it is it. */
  listens: { readonly address: string; readonly certificate: string } | undefined;
  /** Whether a creation that fails leaves something. */
  leavesHalf = false;
  #nextHost = 20;

  constructor(host: Host, taskTime: number, part?: PartOf) {
    this.host = host;
    this.taskTime = taskTime;
    this.#root = part?.root;
    this.project = part?.project ?? "default";
    this.operations = part?.root.operations ?? new Operations();
    this.trust = part?.root.trust ?? new Trust();
    this.secrets = part?.root.secrets ?? new Map();
    this.projects = part?.root.projects ?? new Map([["default", this]]);
    if (part) this.describe(part.description, part.config);
  }

  /** Settles what a project is, and what it has of its own. */
  describe(description: string, config: Text): void {
    Object.assign(this, { description, config });
    const root = this.#root;
    if (!root) return;
    const own = (feature: string): boolean => config[`features.${feature}`] === "true";
    const standard = { name: "default", description: `Default LXD profile for project ${this.project}`, config: {}, devices: {} };
    this.images = own("images") ? [] : root.images;
    this.profiles = own("profiles") ? new Map([["default", standard]]) : root.profiles;
    this.networks = own("networks") ? new Map() : root.networks;
    this.acls = own("networks") ? new Map() : root.acls;
  }

  /** The pools are everybody's, and hold volumes of each project that has its own. */
  get pools(): Map<string, Pool> {
    const root = this.#root;
    if (!root) return this.#pools;
    if (this.config["features.storage.volumes"] !== "true") return root.pools;
    return new Map([...root.pools].map(([name, pool]) => [name, this.#ownVolumes(pool)]));
  }

  #ownVolumes(pool: Pool): Pool {
    const volumes = this.#volumes.get(pool.name) ?? new Map();
    this.#volumes.set(pool.name, volumes);
    return Object.defineProperty(Object.create(pool) as Pool, "volumes", { value: volumes, enumerable: true });
  }

  /** Nothing but what it was made with. */
  isEmpty(): boolean {
    const root = this.#root;
    const of = <Things>(mine: Things, theirs: Things | undefined): Things | undefined => (mine === theirs ? undefined : mine);
    const own = [of(this.networks, root?.networks)?.size ?? 0, of(this.images, root?.images)?.length ?? 0, this.guests.size];
    const profiles = (of(this.profiles, root?.profiles)?.size ?? 1) - 1;
    const volumes = [...this.#volumes.values()].reduce((sum, { size }) => sum + size, 0);
    return own.every((count) => count === 0) && profiles === 0 && volumes === 0;
  }

  /** Where a project is not the first one, the paths of its things say which it is. */
  pathOf(path: string): string {
    return this.project === "default" ? path : `${path}?project=${encodeURIComponent(this.project)}`;
  }

  /** Paths of all that the project has. */
  users(): string[] {
    const root = this.#root;
    const paths = [
      ...[...this.guests.keys()].map((name) => `/1.0/instances/${name}`),
      ...(this.profiles === root?.profiles ? [] : [...this.profiles.keys()].map((name) => `/1.0/profiles/${name}`)),
      ...(this.images === root?.images ? [] : this.images.map(({ fingerprint }) => `/1.0/images/${fingerprint}`)),
    ];
    return paths.map((path) => this.pathOf(path));
  }

  /** Adds an instance. What is not given is as it would be fresh from its image. */
  add(guest: Partial<Guest> & Pick<Guest, "name">): Guest {
    const now = new Date().toISOString();
    const made: Guest = {
      type: "container",
      status: "Stopped",
      architecture: this.host.architecture,
      config: {},
      devices: {},
      profiles: ["default"],
      description: "",
      ephemeral: false,
      created_at: now,
      last_used_at: "1970-01-01T00:00:00Z",
      location: this.host.members[0]?.replace("!", "") ?? "none",
      snapshots: [],
      files: new Map(),
      facts: new Map(),
      backups: [],
      running: new Set(),
      host: this.#nextHost++,
      mac: `00:16:3e:${randomBytes(3).toString("hex").match(/../g)?.join(":")}`,
      memoryUsage: 24 * 1024 * 1024,
      diskUsage: 320 * 1024 * 1024,
      console: "",
      recorded: new Map(),
      ...guest,
    };
    made.config = {
      "volatile.uuid": randomUUID(),
      "volatile.cloud-init.instance-id": randomUUID(),
      "volatile.eth0.hwaddr": made.mac,
      ...made.config,
    };
    made.files.set("/etc/hostname", `${made.name}\n`);
    this.guests.set(made.name, made);
    return made;
  }

  /** The configuration with that of its profiles, the later over the earlier. */
  expanded(guest: Pick<Guest, "config" | "devices" | "profiles">): { config: Text; devices: DeviceSet } {
    const profiles = guest.profiles.flatMap((name) => this.profiles.get(name) ?? []);
    return {
      config: Object.assign({}, ...profiles.map((profile) => profile.config), guest.config) as Text,
      devices: Object.assign({}, ...profiles.map((profile) => profile.devices), guest.devices) as DeviceSet,
    };
  }

  /** Paths of what uses a profile, a network or a pool, in all projects that can. */
  usersOf(uses: (of: { config: Text; devices: DeviceSet; profiles: readonly string[] }, world: World) => boolean): string[] {
    const [...worlds] = this.projects.values();
    return worlds.flatMap((world) => {
      const own = world === worlds[0] || world.profiles !== worlds[0]?.profiles;
      const profiles = own ? [...world.profiles.values()].filter((profile) => uses({ ...profile, profiles: [] }, world)) : [];
      const guests = [...world.guests.values()].filter((guest) => uses({ ...world.expanded(guest), profiles: guest.profiles }, world));
      const paths = [...profiles.map(({ name }) => `/1.0/profiles/${name}`), ...guests.map(({ name }) => `/1.0/instances/${name}`)];
      return paths.map((path) => world.pathOf(path));
    });
  }

  /** An image's fingerprint, the same in every run. */
  static fingerprint(seed: string): string {
    return createHash("sha256").update(seed).digest("hex");
  }

  close(): void {
    this.operations.close();
  }
}
