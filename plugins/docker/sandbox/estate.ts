import type { LogLine, Status } from "./state.js";

/** A container to begin with. Times are ages in seconds. */
export interface SeedContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly status?: Status;
  /** Seconds since it was created, started and ended. */
  readonly age?: number;
  readonly up?: number;
  readonly ended?: number;
  readonly exitCode?: number;
  readonly health?: "healthy" | "unhealthy" | "starting";
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: Readonly<Record<string, string>>;
  readonly binds?: readonly string[];
  readonly network?: string;
  readonly restart?: string;
  readonly memory?: number;
  readonly cpu?: number;
  readonly tty?: boolean;
  readonly load?: { readonly cores: number; readonly memory: number };
  readonly log?: readonly (readonly [stream: LogLine["stream"], text: string])[];
}

export interface SeedImage {
  readonly reference?: string;
  readonly size: number;
  readonly age: number;
  readonly command: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** The swarm that the engine manages. A service without `replicas` runs on each node. */
export interface SeedSwarm {
  readonly nodes: readonly {
    readonly name: string;
    readonly role?: "manager" | "worker";
    readonly availability?: "active" | "pause" | "drain";
    readonly state?: "ready" | "down";
    readonly labels?: Readonly<Record<string, string>>;
  }[];
  readonly services: readonly {
    readonly name: string;
    readonly image: string;
    readonly replicas?: number;
    readonly stack?: string;
    /** Published port by target port. */
    readonly ports?: Readonly<Record<string, number>>;
  }[];
}

/** What a sandbox begins with. Given as the option `estate`; "empty" has only the images and the engine's own networks. */
export interface Estate {
  readonly containers?: readonly SeedContainer[];
  readonly images?: readonly SeedImage[];
  /** Images that can be pulled. */
  readonly registry?: readonly SeedImage[];
  readonly networks?: readonly { readonly name: string; readonly subnet: string; readonly internal?: boolean }[];
  readonly volumes?: readonly { readonly name: string; readonly labels?: Readonly<Record<string, string>> }[];
  readonly swarm?: SeedSwarm;
}

const MB = 1_000_000;
const DAY = 86_400;

const shopLabels = (service: string, labels: Record<string, string> = {}): Record<string, string> => ({
  "com.docker.compose.project": "shop",
  "com.docker.compose.service": service,
  "com.docker.compose.version": "2.24.5",
  "com.docker.compose.oneoff": "False",
  "com.docker.compose.project.working_dir": "/srv/shop",
  "com.docker.compose.project.config_files": "/srv/shop/compose.yaml",
  "com.docker.compose.depends_on":
    service === "web" ? "api:service_healthy:false" : service === "api" ? "db:service_healthy:true,cache:service_started:false" : "",
  env: "prod",
  team: "shop",
  ...labels,
});

const IMAGES: readonly SeedImage[] = [
  { reference: "nginx:1.27", size: 187 * MB, age: 40 * DAY, command: ["nginx", "-g", "daemon off;"] },
  { reference: "postgres:16", size: 432 * MB, age: 55 * DAY, command: ["docker-entrypoint.sh", "postgres"] },
  { reference: "redis:7", size: 116 * MB, age: 62 * DAY, command: ["docker-entrypoint.sh", "redis-server"] },
  { reference: "ghcr.io/acme/shop-api:2.3.1", size: 268 * MB, age: 9 * DAY, command: ["node", "server.js"], labels: { team: "shop" } },
  { reference: "busybox:1.36", size: 4 * MB, age: 210 * DAY, command: ["sh"] },
  { size: 265 * MB, age: 23 * DAY, command: ["node", "server.js"], labels: { team: "shop" } },
];

export const DEFAULT_ESTATE: Estate = {
  images: IMAGES,
  registry: [
    { reference: "alpine:3.20", size: 8 * MB, age: 90 * DAY, command: ["/bin/sh"] },
    { reference: "alpine:latest", size: 8 * MB, age: 30 * DAY, command: ["/bin/sh"] },
    { reference: "nginx:latest", size: 192 * MB, age: 12 * DAY, command: ["nginx", "-g", "daemon off;"] },
    { reference: "httpd:2.4", size: 148 * MB, age: 20 * DAY, command: ["httpd-foreground"] },
    ...IMAGES,
  ],
  networks: [
    { name: "shop_front", subnet: "172.20.0.0/16" },
    { name: "shop_back", subnet: "172.21.0.0/16", internal: true },
  ],
  volumes: [{ name: "shop_db", labels: { "com.docker.compose.project": "shop" } }, { name: "ci_cache" }, { name: "grafana_data" }],
  containers: [
    {
      name: "shop-web",
      image: "nginx:1.27",
      age: 30 * DAY,
      up: 6 * DAY,
      health: "healthy",
      labels: shopLabels("web"),
      ports: { "80/tcp": "8080", "443/tcp": "8443" },
      network: "shop_front",
      restart: "unless-stopped",
      memory: 268_435_456,
      cpu: 1,
      load: { cores: 0.08, memory: 42 * MB },
      log: [
        ["stdout", "/docker-entrypoint.sh: Configuration complete; ready for start up"],
        ["stderr", "[notice] 1#1: start worker processes"],
        ["stdout", '10.0.4.17 - - "GET / HTTP/1.1" 200 615'],
        ["stderr", '[error] 29#29: *42 open() "/usr/share/nginx/html/robots.txt" failed (2: No such file or directory)'],
        ["stdout", '10.0.4.17 - - "GET /robots.txt HTTP/1.1" 404 153'],
      ],
    },
    {
      name: "shop-api",
      image: "ghcr.io/acme/shop-api:2.3.1",
      age: 9 * DAY,
      up: 9 * DAY - 60,
      health: "unhealthy",
      env: ["NODE_ENV=production", "DATABASE_PASSWORD=hunter2-not-shown"],
      labels: shopLabels("api"),
      ports: { "3000/tcp": "127.0.0.1:3000" },
      network: "shop_back",
      restart: "unless-stopped",
      memory: 536_870_912,
      cpu: 2,
      load: { cores: 1.4, memory: 471 * MB },
      log: [
        ["stdout", "listening on :3000"],
        ["stderr", "error: connect ETIMEDOUT payments.internal:443"],
        ["stderr", "error: connect ETIMEDOUT payments.internal:443"],
      ],
    },
    {
      name: "shop-db",
      image: "postgres:16",
      age: 30 * DAY,
      up: 30 * DAY - 90,
      health: "healthy",
      env: ["POSTGRES_USER=shop", "POSTGRES_PASSWORD=hunter2-not-shown"],
      labels: shopLabels("db", { backup: "nightly" }),
      ports: { "5432/tcp": "" },
      binds: ["shop_db:/var/lib/postgresql/data"],
      network: "shop_back",
      restart: "unless-stopped",
      memory: 2_147_483_648,
      cpu: 4,
      load: { cores: 0.6, memory: 1310 * MB },
      log: [["stderr", "LOG:  database system is ready to accept connections"]],
    },
    {
      name: "shop-cache",
      image: "redis:7",
      age: 30 * DAY,
      up: 30 * DAY - 80,
      labels: shopLabels("cache"),
      ports: { "6379/tcp": "" },
      network: "shop_back",
      restart: "unless-stopped",
      memory: 134_217_728,
      load: { cores: 0.02, memory: 18 * MB },
      log: [["stdout", "* Ready to accept connections tcp"]],
    },
    {
      name: "ci-runner-7",
      image: "busybox:1.36",
      command: ["sh", "-c", "run-job 7"],
      status: "exited",
      age: 5400,
      up: 5400,
      ended: 4100,
      exitCode: 1,
      labels: { env: "ci", team: "platform" },
      binds: ["ci_cache:/cache"],
      log: [
        ["stdout", "job 7: 412 tests, 1 failed"],
        ["stderr", "FAIL test/cart.test.js"],
      ],
    },
    {
      name: "ci-runner-8",
      image: "busybox:1.36",
      command: ["sh", "-c", "run-job 8"],
      age: 240,
      up: 238,
      labels: { env: "ci", team: "platform" },
      binds: ["ci_cache:/cache"],
      cpu: 2,
      load: { cores: 1.9, memory: 96 * MB },
      log: [["stdout", "job 8: running"]],
    },
    {
      name: "staging-web",
      image: "nginx:1.27",
      status: "paused",
      age: 12 * DAY,
      up: 3 * DAY,
      labels: { env: "staging", team: "shop" },
      ports: { "80/tcp": "8081" },
      load: { cores: 0, memory: 31 * MB },
    },
    {
      name: "debug-shell",
      image: "busybox:1.36",
      command: ["sh"],
      age: 2 * DAY,
      up: 2 * DAY - 5,
      tty: true,
      labels: { env: "dev" },
      load: { cores: 0, memory: MB },
      log: [["stdout", "/ # hostname"]],
    },
    {
      name: "migrate-once",
      image: "ghcr.io/acme/shop-api:2.3.1",
      command: ["node", "migrate.js"],
      status: "created",
      age: 7200,
      labels: { env: "prod" },
    },
  ],
};
