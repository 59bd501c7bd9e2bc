import { makeImage } from "./images.js";
import { memberNames, type Spread } from "./spread.js";
import { type DeviceSet, type Guest, type Host, type Text, type Warning, World } from "./world.js";

/** What a sandbox begins with. */
export interface Estate {
  /** The server it plays. Default: lxd. */
  readonly flavor?: "lxd" | "incus";
  /** Members of a cluster; a `!` before a name makes that member offline. Default: a server of its own. */
  readonly members?: readonly string[];
  /** No instances. Images, profiles, network and storage are there. */
  readonly empty?: boolean;
  /** Whether the server trusts the certificate in `connection`. Default: yes. */
  readonly trusted?: boolean;
  /** What a stranger may say to be trusted (LXD alone has such a thing). Default: nothing. */
  readonly trustPassword?: string;
  /** A creation that is told to fail leaves what it had made, as where a server is cut short. Default: it leaves nothing. */
  readonly leavesHalf?: boolean;
  /** An authority signs the server's certificate and the client's, and whoever it signed is trusted. */
  readonly authority?: boolean;
}

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const DAY = 86_400_000;

/** A home server the size of a Raspberry Pi: four cores, 8 GiB, a handful of instances. */
export function makeWorld(estate: Estate, taskTime: number): World {
  const flavor = estate.flavor ?? "lxd";
  const host: Host = {
    name: estate.members?.[0]?.replace("!", "") ?? "pi",
    flavor,
    version: flavor === "incus" ? "6.0.4" : "5.0.2",
    architecture: "aarch64",
    cores: 4,
    memory: 8 * GiB,
    memoryUsed: Math.round(3.1 * GiB),
    members: estate.members ?? [],
  };
  const world = new World(host, taskTime);
  world.leavesHalf = estate.leavesHalf ?? false;
  furnish(world);
  if (!estate.empty) populate(world);
  return world;
}

const bridge = (world: World): string => (world.host.flavor === "incus" ? "incusbr0" : "lxdbr0");

/** What all members have. */
const everywhere = (world: World): Spread => ({ status: "Created", locations: memberNames(world).length ? memberNames(world) : ["none"], own: {} });

function furnish(world: World): void {
  world.networks.set(bridge(world), {
    name: bridge(world),
    type: "bridge",
    managed: true,
    description: "",
    config: { "ipv4.address": "10.10.10.1/24", "ipv4.nat": "true", "ipv6.address": "none" },
    spread: everywhere(world),
    forwards: new Map(),
  });
  for (const [name, type] of [
    ["lo", "loopback"],
    ["eth0", "physical"],
    ["br-lab", "bridge"],
  ] as const) {
    world.networks.set(name, { name, type, managed: false, description: "", config: {}, forwards: new Map() });
  }
  world.pools.set("default", {
    name: "default",
    driver: "zfs",
    description: "",
    config: { source: "default", size: "64GiB" },
    total: 64 * GiB,
    used: 19 * GiB,
    spread: everywhere(world),
    volumes: new Map(),
  });
  const nic: DeviceSet = { eth0: { name: "eth0", network: bridge(world), type: "nic" } };
  const profile = (name: string, description: string, config: Text, devices: DeviceSet): void =>
    void world.profiles.set(name, { name, description, config, devices });
  profile("default", "Default profile", {}, { ...nic, root: { path: "/", pool: "default", type: "disk" } });
  profile(
    "webserver",
    "Web server with its ports on the host",
    { "limits.cpu": "2", "limits.memory": "1GiB" },
    {
      http: { connect: "tcp:127.0.0.1:80", listen: "tcp:0.0.0.0:80", type: "proxy" },
      https: { connect: "tcp:127.0.0.1:443", listen: "tcp:0.0.0.0:443", type: "proxy" },
    },
  );
  profile(
    "database",
    "Database with room on its disk",
    { "limits.memory": "2GiB", "limits.memory.swap": "false" },
    {
      root: { path: "/", pool: "default", size: "10GiB", type: "disk" },
    },
  );
  world.warnings.push(...TROUBLE.map((one) => ({ ...one })));
  for (const [os, release, codename, aliases, size, type] of IMAGES) {
    world.images.push(
      makeImage({
        fingerprint: World.fingerprint(`${os} ${release} ${type}`),
        aliases: [...aliases],
        type,
        architecture: "aarch64",
        size: size * MiB,
        properties: {
          architecture: "arm64",
          description: `${os} ${release === codename ? release : `${release} (${codename})`} arm64 (20250601)`,
          os,
          release: codename,
          serial: "20250601",
          variant: "default",
          ...(os === "Ubuntu" ? { version: release } : {}),
        },
        cached: false,
        created_at: "2025-06-01T00:00:00Z",
        uploaded_at: "2025-06-03T09:12:44.120455Z",
        last_used_at: "2025-06-20T18:30:02.88101Z",
        filename: `${World.fingerprint(`${os} ${release} ${type}`).slice(0, 12)}.tar.xz`,
      }),
    );
  }
}

const TROUBLE: readonly Warning[] = [
  {
    uuid: "2a680104-001e-405c-86b1-d756b414e5fa",
    status: "new",
    type: "AppArmor support has been disabled",
    severity: "low",
    last_message: "Disabled because of lack of kernel support",
    count: 9,
    first_seen_at: "2025-06-01T00:46:43.144085083Z",
    last_seen_at: "2025-06-20T07:05:43.329957691Z",
  },
  {
    uuid: "79c6c9f3-fedf-4551-98af-5f2442b1ad3b",
    status: "new",
    type: "Couldn't find the CGroup blkio.weight",
    severity: "low",
    last_message: "disk priority will be ignored",
    count: 9,
    first_seen_at: "2025-06-01T00:46:43.14623384Z",
    last_seen_at: "2025-06-20T07:05:43.332136137Z",
  },
];

const IMAGES = [
  ["Ubuntu", "22.04", "jammy", ["ubuntu/22.04", "22.04", "jammy"], 128, "container"],
  ["Debian", "12", "bookworm", ["debian/12"], 96, "container"],
  ["Alpine", "3.20", "3.20", ["alpine/3.20", "alpine"], 3, "container"],
  ["Busybox", "1.36", "1.36", ["busybox"], 1, "container"],
  ["Debian", "12", "bookworm", ["debian/12/vm"], 340, "virtual-machine"],
] as const;

/** The part of the configuration that comes from the image. */
export const fromImage = (properties: Text, fingerprint: string): Text => ({
  ...Object.fromEntries(
    ["architecture", "description", "os", "release", "variant", "version"].flatMap((key) =>
      properties[key] ? [[`image.${key}`, properties[key]]] : [],
    ),
  ),
  "volatile.base_image": fingerprint,
});

function populate(world: World): void {
  const now = Date.now();
  const ago = (days: number): string => new Date(now - days * DAY).toISOString();
  const put = (name: string, alias: string, more: Partial<Guest> & { limits?: Text }): Guest => {
    const image = world.images.find(({ aliases }) => aliases.includes(alias));
    const { limits, ...rest } = more;
    const node = world.host.members.filter((member) => !member.startsWith("!"));
    return world.add({
      name,
      type: image?.type ?? "container",
      ...(node.length ? { location: node[world.guests.size % node.length] as string } : {}),
      config: { ...fromImage(image?.properties ?? {}, image?.fingerprint ?? ""), ...limits },
      ...rest,
    });
  };
  const taken = (guest: Guest, name: string, days: number): void =>
    void guest.snapshots.push({
      name,
      created_at: ago(days),
      expires_at: "0001-01-01T00:00:00Z",
      stateful: false,
      of: {
        config: { ...guest.config },
        devices: guest.devices,
        profiles: [...guest.profiles],
        files: new Map(guest.files),
        description: guest.description,
      },
    });
  const up = (days: number): Pick<Guest, "status" | "last_used_at"> => ({ status: "Running", last_used_at: ago(days) });
  put("web-server", "ubuntu/22.04", {
    ...up(12),
    profiles: ["default", "webserver"],
    created_at: ago(240),
    memoryUsage: 212 * MiB,
    diskUsage: 1400 * MiB,
  });
  const db = put("db", "debian/12", {
    ...up(40),
    profiles: ["default", "database"],
    created_at: ago(238),
    memoryUsage: 910 * MiB,
    diskUsage: 3200 * MiB,
  });
  db.config["limits.cpu"] = "2";
  taken(db, "before-upgrade", 41);
  taken(db, "nightly", 1);
  put("cache", "alpine/3.20", { ...up(40), created_at: ago(120), memoryUsage: 38 * MiB, limits: { "limits.memory": "256MiB", "limits.cpu": "1" } });
  const dev = put("dev", "ubuntu/22.04", {
    created_at: ago(60),
    last_used_at: ago(9),
    limits: { "limits.cpu": "0-1", "limits.memory": "2GB", "security.nesting": "true" },
  });
  taken(dev, "clean", 59);
  put("ci", "debian/12", { ...up(3), status: "Frozen", created_at: ago(20), memoryUsage: 300 * MiB, limits: { "limits.memory": "25%" } });
  put("home-assistant", "debian/12/vm", {
    ...up(18),
    created_at: ago(90),
    memoryUsage: 1100 * MiB,
    diskUsage: 6400 * MiB,
    description: "Smart home",
    limits: { "limits.cpu": "2", "limits.memory": "2GiB" },
    devices: { root: { path: "/", pool: "default", size: "32GiB", type: "disk" } },
  });
}
