import { basename } from "node:path";
import { type Binding, type Box, checkReference, idOf, type Mount, newId, type State, withTag } from "./state.js";
import { Refusal } from "./wire.js";

/** What POST /containers/create takes, as far as this sandbox knows it. */
interface CreateBody {
  readonly Image?: string;
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Tty?: boolean;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly HostConfig?: {
    readonly Binds?: readonly string[] | null;
    readonly PortBindings?: Readonly<Record<string, readonly Partial<Binding>[]>> | null;
    readonly RestartPolicy?: { readonly Name?: string; readonly MaximumRetryCount?: number };
    readonly NetworkMode?: string;
    readonly Memory?: number;
    readonly NanoCpus?: number;
    readonly PidsLimit?: number;
  };
  readonly Healthcheck?: object;
}

export const NAMES = "[a-zA-Z0-9][a-zA-Z0-9_.-]";
export const isName = (text: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text);
export const MIN_MEMORY = 6 * 1024 * 1024;

/** Makes a container, in the order in which the real engine looks for faults. */
export function createBox(state: State, name: string | null, body: CreateBody): Box {
  if (Object.keys(body).length === 0) throw new Refusal(400, "Config cannot be empty in order to create a container");
  const host = body.HostConfig ?? {};
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    if (!/^\d+(\/(tcp|udp|sctp))?$/.test(port)) throw new Refusal(400, `invalid port specification: "${port}"`);
    for (const { HostPort = "" } of bindings)
      if (HostPort !== "" && !(Number(HostPort) >= 0 && Number(HostPort) <= 65535))
        throw new Refusal(400, `invalid port specification: "${HostPort}"`);
  }
  const restart = { Name: host.RestartPolicy?.Name || "no", MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0 };
  checkRestart(restart);
  const memory = host.Memory ?? 0;
  if (memory > 0 && memory < MIN_MEMORY) throw new Refusal(400, "Minimum memory limit allowed is 6MB");
  const nanoCpus = host.NanoCpus ?? 0;
  if (nanoCpus < 0 || nanoCpus > state.cpus * 1e9)
    throw new Refusal(400, `Range of CPUs is from 0.01 to ${state.cpus.toFixed(2)}, as there are only ${state.cpus} CPUs available`);

  const reference = body.Image ?? "";
  if (reference === "" && !body.Cmd?.length) throw new Refusal(400, "No command specified");
  const image = reference === "" ? undefined : state.findImage(reference);
  if (!image && reference !== "") {
    checkReference(reference);
    throw new Refusal(404, `No such image: ${withTag(reference)}`);
  }
  const argv = [...(body.Entrypoint ?? []), ...(body.Cmd?.length ? body.Cmd : (image?.command ?? []))];
  if (argv.length === 0) throw new Refusal(400, "No command specified");

  const id = newId();
  const wanted = name?.replace(/^\//, "") || `sandbox_${id.slice(0, 6)}`;
  if (!isName(wanted)) throw new Refusal(400, `Invalid container name (${name ?? ""}), only ${NAMES} are allowed`);
  const holder = state.boxes.find((box) => box.name === wanted);
  if (holder)
    throw new Refusal(
      409,
      `Conflict. The container name "/${wanted}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
  const mounts = (host.Binds ?? []).map(mountOf);
  for (const mount of mounts) if (mount.Name) keepVolume(state, mount.Name);

  const mode = host.NetworkMode || "default";
  const box: Box = {
    id,
    name: wanted,
    image: reference,
    imageId: image?.id ?? "",
    argv,
    created: Date.now(),
    status: "created",
    exitCode: 0,
    error: "",
    pid: 0,
    tty: body.Tty === true,
    user: body.User ?? "",
    cwd: body.WorkingDir ?? "",
    env: body.Env ?? [],
    labels: { ...image?.labels, ...body.Labels },
    exposed: body.ExposedPorts ?? {},
    bindings: Object.fromEntries(
      Object.entries(host.PortBindings ?? {}).map(([port, bindings]) => [
        port.includes("/") ? port : `${port}/tcp`,
        bindings.map(({ HostIp = "", HostPort = "" }) => ({ HostIp, HostPort })),
      ]),
    ),
    binds: host.Binds ?? [],
    mounts,
    networkMode: mode,
    networks: { [mode === "default" ? "bridge" : mode]: { ip: "" } },
    restart,
    memory,
    nanoCpus,
    pids: host.PidsLimit ?? 0,
    ...(body.Healthcheck ? { healthcheck: body.Healthcheck, health: "starting" as const } : {}),
    files: new Map(),
    log: [],
    load: { cores: 0.01, memory: 1_000_000 },
  };
  state.boxes.unshift(box);
  return box;
}

export function checkRestart({ Name, MaximumRetryCount }: Box["restart"]): void {
  if (!["no", "always", "unless-stopped", "on-failure"].includes(Name)) throw new Refusal(400, `invalid restart policy '${Name}'`);
  if (MaximumRetryCount !== 0 && Name !== "on-failure") throw new Refusal(400, `maximum retry count cannot be used with restart policy '${Name}'`);
}

function mountOf(bind: string): Mount {
  const [source = "", target, mode = ""] = bind.split(":");
  const bad = (path: string): Refusal =>
    new Refusal(
      500,
      `invalid volume specification: '${bind}': invalid mount config for type "volume": invalid mount path: '${path}' mount path must be absolute`,
    );
  if (target === undefined) throw bad(source);
  if (!target.startsWith("/")) throw bad(target);
  if (!/^((ro|rw|z|Z)(,|$))*$/.test(mode)) throw new Refusal(500, `invalid mode: ${mode}`);
  const RW = !mode.split(",").includes("ro");
  if (source.startsWith("/")) return { Type: "bind", Source: source, Destination: target, Mode: mode, RW };
  if (source.length === 1) throw new Refusal(400, `create ${source}: volume name is too short, names should be at least two alphanumeric characters`);
  if (!isName(source))
    throw new Refusal(
      400,
      `create ${source}: "${source}" includes invalid characters for a local volume name, only "${NAMES}" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  return { Type: "volume", Name: source, Source: `/var/lib/docker/volumes/${source}/_data`, Destination: target, Mode: mode || "z", RW };
}

function keepVolume(state: State, name: string): void {
  if (!state.volumes.some((volume) => volume.name === name)) state.volumes.push({ name, created: Date.now(), labels: null, anonymous: false });
}

/** Starts it, or says why not as the engine does: a taken port, a missing network, a program that isn't there. */
export function startBox(state: State, box: Box, taskError?: string): boolean {
  if (box.status === "paused") throw new Refusal(409, "cannot start a paused container, try unpause instead");
  if (box.status === "running" || box.status === "restarting") return false;
  const fail = (status: number, exitCode: number, error: string): Refusal => {
    Object.assign(box, { exitCode, error });
    return new Refusal(status, error);
  };
  if (taskError) throw fail(500, 128, taskError);
  for (const network of Object.keys(box.networks))
    if (!state.networks.some(({ name }) => name === network)) throw fail(404, 128, `network ${network} not found`);
  const taken = takenPort(state, box);
  if (taken)
    throw fail(
      500,
      128,
      `driver failed programming external connectivity on endpoint ${box.name} (${idOf(box.id)}): Bind for ${taken} failed: port is already allocated`,
    );
  const program = box.argv[0] ?? "";
  if (!PROGRAMS.has(basename(program)))
    throw fail(
      400,
      127,
      `failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "${program}": executable file not found in $PATH: unknown`,
    );
  for (const [network, at] of Object.entries(box.networks)) {
    at.ip = hasAddresses(network) ? state.freeAddress(network) : "";
    at.id = state.network(network).id;
  }
  Object.assign(box, { status: "running", startedAt: Date.now(), exitCode: 0, error: "", pid: state.nextPid() });
  runMain(box);
  return true;
}

export const hasAddresses = (network: string): boolean => network !== "host" && network !== "none";

const PROGRAMS = new Set("sh sleep true false echo cat tail top nginx httpd-foreground docker-entrypoint.sh node redis-server postgres".split(" "));

/** What the main process does at once: print, and end if it is a short one. */
function runMain(box: Box): void {
  const [program = "", ...args] = box.argv;
  const script = basename(program) === "sh" && args[0] === "-c" ? (args[1] ?? "") : box.argv.join(" ");
  for (const step of script.split(/;|&&/).map((part) => part.trim())) {
    const said = /^echo (.*?)(\s*>&2)?$/.exec(step);
    if (said) box.log.push({ at: Date.now(), stream: said[2] ? "stderr" : "stdout", text: (said[1] ?? "").replace(/^(["'])(.*)\1$/, "$2") });
    const ended = /^(?:exit (\d+)|(true)|(false))$/.exec(step);
    if (ended) return endBox(box, ended[1] !== undefined ? Number(ended[1]) : ended[3] ? 1 : 0);
    if (!said) return; // anything else goes on running
  }
  endBox(box, 0);
}

export function endBox(box: Box, exitCode: number): void {
  Object.assign(box, { status: "exited", exitCode, finishedAt: Date.now(), pid: 0 });
  for (const at of Object.values(box.networks)) at.ip = "";
}

function takenPort(state: State, box: Box): string | undefined {
  const used = new Set(
    state.boxes
      .filter((other) => other !== box && other.status !== "created" && other.status !== "exited")
      .flatMap((other) => Object.entries(other.bindings).flatMap(([port, bindings]) => bindings.map((binding) => placeOf(port, binding)))),
  );
  const wanted = Object.entries(box.bindings).flatMap(([port, bindings]) => bindings.map((binding) => placeOf(port, binding)));
  return wanted.find((place) => !place.endsWith(":") && used.has(place))?.replace(/^\w+ /, "");
}

const placeOf = (port: string, { HostIp, HostPort }: Binding): string => `${port.split("/")[1]} ${HostIp || "0.0.0.0"}:${HostPort}`;

export function removeBox(state: State, box: Box, { force, volumes }: { force: boolean; volumes: boolean }): void {
  if (!force && box.status === "paused")
    throw new Refusal(
      409,
      `You cannot remove a paused container ${box.id}. Unpause and then stop the container before attempting removal or force remove`,
    );
  if (!force && box.status === "running")
    throw new Refusal(409, `You cannot remove a running container ${box.id}. Stop the container before attempting removal or force remove`);
  state.boxes.splice(state.boxes.indexOf(box), 1);
  const own = volumes ? box.mounts.filter(({ Name }) => state.volumes.some(({ name, anonymous }) => anonymous && name === Name)) : [];
  for (const { Name } of own)
    state.volumes.splice(
      state.volumes.findIndex(({ name }) => name === Name),
      1,
    );
}
