import { ProxMcpError } from "proxmcp/plugin";

/** What a new container is made from: the arguments of the tool. */
export interface RunOptions {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly ports?: readonly string[] | undefined;
  readonly volumes?: readonly string[] | undefined;
  readonly networks?: readonly string[] | undefined;
  readonly restart?: string | undefined;
  readonly memory?: number | undefined;
  readonly cpu?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly health?: HealthCheck | undefined;
}

export interface HealthCheck {
  /** For the shell of the container. */
  readonly command: string;
  /** Seconds. */
  readonly interval?: number | undefined;
  readonly retries?: number | undefined;
}

type Bindings = Record<string, { HostIp: string; HostPort: string }[]>;

/** The body of POST /containers/create. */
export function createBody(options: RunOptions): Record<string, unknown> {
  const { image, command, env, ports = [], volumes = [], networks = [], restart, memory, cpu, labels, health } = options;
  const bindings = portBindings(ports);
  for (const volume of volumes) checkVolume(volume);
  return {
    Image: image,
    ...(command ? { Cmd: command } : {}),
    ...(env ? { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) } : {}),
    ...(labels ? { Labels: labels } : {}),
    ...(health ? { Healthcheck: healthCheck(health) } : {}),
    // Both are needed: a binding of a port that isn't exposed is ignored by older engines.
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    HostConfig: {
      PortBindings: bindings,
      ...(volumes.length ? { Binds: volumes } : {}),
      ...(networks[0] ? { NetworkMode: networks[0] } : {}),
      ...(restart ? { RestartPolicy: { Name: restart } } : {}),
      ...(memory ? { Memory: memory } : {}),
      ...(cpu ? { NanoCpus: Math.round(cpu * 1e9) } : {}),
    },
  };
}

/** Times are nanoseconds in the API. */
const healthCheck = ({ command, interval, retries }: HealthCheck): Record<string, unknown> => ({
  Test: ["CMD-SHELL", command],
  ...(interval ? { Interval: interval * 1e9 } : {}),
  ...(retries ? { Retries: retries } : {}),
});

const PORT = /^(?:(?:(?<ip>\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):)?(?<host>\d*):)?(?<inside>\d+)(?:\/(?<protocol>tcp|udp|sctp))?$/i;

/** "8080:80", "127.0.0.1:53:53/udp", "[::1]:80:80", "80" (on any free port of the host). */
export function portBindings(ports: readonly string[]): Bindings {
  const bindings: Bindings = {};
  for (const port of ports) {
    const { ip = "", host = "", inside = "", protocol = "tcp" } = PORT.exec(port)?.groups ?? {};
    if (!isPort(inside) || (host !== "" && !isPort(host)))
      throw invalid("ports", `"${port}" is no port: write host:container as in "8080:80" or "127.0.0.1:53:53/udp", one port at a time`);
    const binding = { HostIp: ip.replace(/^\[|\]$/g, ""), HostPort: host };
    (bindings[`${Number(inside)}/${protocol.toLowerCase()}`] ??= []).push(binding);
  }
  return bindings;
}

const isPort = (text: string): boolean => Number(text) >= 1 && Number(text) <= 65535;

/** "data:/var/lib/x", "/srv/x:/x:ro". The engine takes a mistake in these for a name and says so in odd ways. */
function checkVolume(volume: string): void {
  const [source = "", target = "", mode = "", ...rest] = volume.split(":");
  const sound = /^(\/|[a-zA-Z0-9][\w.-]+$)/.test(source) && target.startsWith("/") && /^((ro|rw|z|Z)(,|$))*$/.test(mode) && rest.length === 0;
  if (!sound) throw invalid("volumes", `"${volume}" is no volume: write name:/path or /host/path:/path, with ":ro" for read-only`);
}

const invalid = (field: string, message: string): ProxMcpError => new ProxMcpError("INVALID_INPUT", message, { data: { field } });

interface PublishedPort {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

/** Ports as listings have them, in the words that create takes: "8080:80/tcp", "80/tcp" when not published. */
export function portsOf(ports: readonly PublishedPort[] | null | undefined): string[] {
  const texts = (ports ?? []).map(({ IP, PrivatePort, PublicPort, Type }) => portText(`${PrivatePort}/${Type}`, IP, PublicPort));
  return [...new Set(texts)].sort(); // the same port on IPv4 and IPv6 is one to us
}

/** The same from the map of inspect: `{"80/tcp": [{HostIp, HostPort}] | null}`. */
export function portsOfMap(ports: Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>> | null | undefined): string[] {
  const texts = Object.entries(ports ?? {}).flatMap(([inside, bindings]) =>
    bindings?.length ? bindings.map(({ HostIp, HostPort }) => portText(inside, HostIp, HostPort)) : [inside],
  );
  return [...new Set(texts)].sort();
}

function portText(inside: string, ip: string | undefined, host: number | string | undefined): string {
  const everywhere = !ip || ip === "0.0.0.0" || ip === "::";
  const address = everywhere ? "" : `${ip.includes(":") ? `[${ip}]` : ip}:`;
  return host || !everywhere ? `${address}${host ?? ""}:${inside}` : inside;
}
