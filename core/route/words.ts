/**
 * The words that a sentence about a workload may use, as data. Words of platforms are not here: names of providers, connections, tags,
 * hosted workloads and features come from what is declared and configured.
 * @module
 */
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** What a size in a word means. Numbers that are said beside it win. */
export const SIZES: Readonly<Record<string, { readonly cpu: number; readonly memory: number }>> = {
  tiny: { cpu: 1, memory: 512 * MiB },
  small: { cpu: 1, memory: 1 * GiB },
  medium: { cpu: 2, memory: 4 * GiB },
  large: { cpu: 4, memory: 8 * GiB },
  huge: { cpu: 8, memory: 32 * GiB },
};

export const SIZE_WORDS: Readonly<Record<string, readonly string[]>> = {
  tiny: ["tiny", "micro", "minimal"],
  small: ["small", "little", "light", "lightweight"],
  medium: ["medium", "mid size", "medium sized", "normal", "standard"],
  large: ["large", "big"],
  huge: ["huge", "extra large", "xl", "very large", "powerful", "beefy"],
};

/** Workload types with the words for them, singular. */
export const WORKLOADS: Readonly<Record<string, readonly string[]>> = {
  web_server: ["web server", "webserver", "website", "web site", "http server", "static site", "web host", "blog", "web frontend", "frontend"],
  database: ["database", "database server", "db", "db server", "sql database", "data store", "datastore", "cache"],
  microservice: ["microservice", "micro service", "service", "api", "rest api", "api server", "backend", "worker"],
  development: ["development", "development environment", "development box", "development machine", "development server"].concat([
    "dev",
    "dev box",
    "dev environment",
    "dev machine",
    "dev server",
    "devbox",
    "playground",
    "sandbox",
    "for testing",
    "for tests",
    "to test",
    "test machine",
    "test box",
    "workspace",
    "coding environment",
  ]),
  ci_runner: ["ci runner", "ci", "ci job", "build agent", "build server", "build runner", "build machine", "runner", "ci agent"],
  desktop: ["desktop", "remote desktop", "virtual desktop", "vdi", "workstation", "gui"],
  application: ["application", "app", "containerized app", "containerised app", "containerized application", "containerised application"],
  router: ["router", "firewall", "gateway", "vpn server"],
  file_server: ["file server", "nas", "file share", "samba server"],
  game_server: ["game server", "minecraft server"],
  message_queue: ["message queue", "message broker", "broker", "queue"],
  monitoring: ["monitoring", "monitoring server", "dashboard"],
  machine_learning: ["machine learning", "ml", "deep learning", "ai", "llm"],
  media_server: ["media server", "streaming server"],
  home_automation: ["home automation", "smart home"],
  kubernetes_node: ["kubernetes node", "k8s node", "kubernetes worker"],
};

/** Known software: the workload type it is, and its other names. Which image or package it is, each provider's mapping knows. */
export const SOFTWARE: Readonly<Record<string, { readonly workload: string; readonly says?: readonly string[] }>> = {
  postgres: { workload: "database", says: ["postgresql", "postgre", "pg"] },
  mysql: { workload: "database" },
  mariadb: { workload: "database" },
  mongo: { workload: "database", says: ["mongodb"] },
  redis: { workload: "database" },
  valkey: { workload: "database" },
  memcached: { workload: "database", says: ["memcache"] },
  influxdb: { workload: "database", says: ["influx"] },
  elasticsearch: { workload: "database", says: ["elastic search"] },
  cassandra: { workload: "database" },
  nginx: { workload: "web_server" },
  apache: { workload: "web_server", says: ["httpd", "apache2"] },
  caddy: { workload: "web_server" },
  traefik: { workload: "web_server" },
  haproxy: { workload: "web_server" },
  wordpress: { workload: "web_server" },
  nodejs: { workload: "microservice", says: ["node js", "node.js", "node app", "node service", "node api", "express app"] },
  python: { workload: "microservice", says: ["flask", "django", "fastapi"] },
  tomcat: { workload: "microservice" },
  rabbitmq: { workload: "message_queue" },
  kafka: { workload: "message_queue" },
  mosquitto: { workload: "message_queue", says: ["mqtt"] },
  jenkins: { workload: "ci_runner" },
  gitlab_runner: { workload: "ci_runner", says: ["gitlab runner", "github runner", "actions runner"] },
  gitlab: { workload: "application" },
  gitea: { workload: "application", says: ["forgejo"] },
  vaultwarden: { workload: "application", says: ["bitwarden"] },
  immich: { workload: "application" },
  paperless: { workload: "application" },
  keycloak: { workload: "application" },
  home_assistant: { workload: "home_automation", says: ["home assistant", "hass"] },
  plex: { workload: "media_server" },
  jellyfin: { workload: "media_server" },
  pihole: { workload: "microservice", says: ["pi hole", "adguard"] },
  minio: { workload: "file_server" },
  ollama: { workload: "machine_learning" },
  nextcloud: { workload: "application" },
  grafana: { workload: "monitoring" },
  prometheus: { workload: "monitoring" },
  minecraft: { workload: "game_server" },
  pfsense: { workload: "router", says: ["opnsense"] },
};

/** Operating systems: how each is called. A version may follow. */
export const SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  ubuntu: ["ubuntu"],
  debian: ["debian"],
  alpine: ["alpine", "alpine linux"],
  fedora: ["fedora"],
  centos: ["centos"],
  rockylinux: ["rocky", "rocky linux", "rockylinux"],
  almalinux: ["alma", "alma linux", "almalinux"],
  archlinux: ["arch linux", "archlinux"],
  opensuse: ["opensuse", "suse"],
  nixos: ["nixos"],
  freebsd: ["freebsd"],
  linux: ["linux"],
  "windows server": ["windows server"],
  windows: ["windows", "win"],
};

/** One word each: an image that has one of them in its name brings a system. */
export const OS_NAMES: ReadonlySet<string> = new Set(
  Object.entries(SYSTEMS)
    .flatMap(([name, words]) => [name, ...words])
    .filter((word) => !word.includes(" ") && word !== "linux"),
);

const ARCHES: Readonly<Record<string, readonly string[]>> = {
  x86_64: ["x86_64", "x86", "x64", "amd64", "intel", "amd"],
  aarch64: ["aarch64", "arm64", "arm", "armv8", "raspberry pi", "raspberry"],
  armv7l: ["armv7l", "armv7", "armhf", "armv6", "armel"],
  riscv64: ["riscv64", "riscv", "risc v"],
  ppc64le: ["ppc64le", "ppc64el", "power"],
  s390x: ["s390x"],
};

/** An architecture by the name that the kernel has for it; platforms and people have others. */
export function archOf(name: string): string {
  const word = name.trim().toLowerCase();
  return Object.entries(ARCHES).find(([, words]) => words.includes(word))?.[0] ?? word;
}

export const ARCH_WORDS: readonly (readonly [word: string, arch: string])[] = Object.entries(ARCHES).flatMap(([arch, words]) =>
  words.map((word) => [word.replaceAll("_", " "), arch] as const),
);

/** Tiers that connections are tagged with, and other ways to write them. The same forms match each other. */
export const TIERS: Readonly<Record<string, readonly string[]>> = {
  production: ["production", "prod", "live"],
  staging: ["staging", "stage", "preprod", "pre-production", "preproduction"],
  testing: ["testing", "test", "qa"],
  development: ["development", "dev"],
};

/** Whether a tag has the wanted value: the same text, or another form of the same tier. Case does not matter. */
export function sameTag(value: string, wanted: string): boolean {
  const normal = (text: string): string => {
    const word = text.trim().toLowerCase();
    return Object.entries(TIERS).find(([, words]) => words.includes(word))?.[0] ?? word;
  };
  return normal(value) === normal(wanted);
}

/** Phrases that say one thing about the workload. `no` or `without` before it turns a yes into a no. */
export const PHRASES: readonly (readonly [phrases: readonly string[], says: Readonly<Record<string, unknown>>])[] = [
  [["vm", "virtual machine", "full virtualization", "full virtualisation", "hypervisor"], { isolation: "vm" }],
  [["system container", "lxc", "lxc container", "os container"], { isolation: "system-container" }],
  [["app container", "application container", "oci container"], { isolation: "app-container" }],
  [["container"], { isolation: "container" }],
  [["gpu", "gpu passthrough", "graphics card", "cuda", "gpu pass through", "nvidia gpu", "nvidia"], { gpu: true }],
  [["pci", "pci passthrough", "pci device", "pcie", "pci pass through"], { pci: true }],
  [
    [
      "complex network",
      "complex networking",
      "several networks",
      "multiple networks",
      "several nics",
      "multiple nics",
      "vlan",
      "complicated networking",
      "several network interfaces",
      "multiple network interfaces",
      "several interfaces",
      "multiple interfaces",
      "several network cards",
    ],
    { network: "complex" },
  ],
  [["simple network", "simple networking"], { network: "simple" }],
  [
    ["nesting", "nested container", "containers inside", "container inside", "docker inside", "with docker", "running docker", "docker in it"].concat(
      ["nested docker", "docker support", "run docker", "runs docker", "for docker", "run containers", "docker enabled"],
    ),
    { nesting: true },
  ],
  [["privileged", "privilege"], { privileged: true }],
  [["unprivileged"], { privileged: false }],
  [
    [
      "persistent",
      "persistence",
      "persistent storage",
      "persistent data",
      "keep its data",
      "keeps its data",
      "must survive",
      "survive",
      "survives",
      "durable",
    ],
    { persistent: true },
  ],
  [["stateless"], { persistent: false }],
  [["temporary", "ephemeral", "short lived", "throwaway", "disposable", "for a moment", "for now"], { lifetime: "short" }],
  [["permanent", "long lived", "long running", "always on"], { lifetime: "long" }],
  [
    [
      "on different nodes",
      "on different hosts",
      "on different machines",
      "on separate nodes",
      "on separate hosts",
      "spread",
      "spread out",
      "apart",
    ].concat([
      "not on the same",
      "not together",
      "not all on one",
      "spread across nodes",
      "spread over nodes",
      "on distinct nodes",
      "anti affinity",
      "with anti affinity",
    ]),
    { anti_affinity: ["self"] },
  ],
];

/** Words that carry nothing for the choice. */
export const FILLER: ReadonlySet<string> = new Set(
  (
    "a an the some any new another please pls i we you need needs want wants would like could can should get give me us my our let lets " +
    "with of for and or to that which is are be it its as by run runs running create make deploy host hosting start launch spin up set setup place put " +
    "where have has having at least most about around roughly up in on from using via " +
    "server machine instance box node host thing one something somewhere workload guest system computer " +
    "more than also and/or boxes image images accessible reachable private in total each size sized kind type sort good best place room space enough free left there must has replica copy copies"
  ).split(" "),
);
