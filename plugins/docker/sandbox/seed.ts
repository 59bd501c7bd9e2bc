import { createBox, hasAddresses } from "./containers.js";
import type { SeedContainer } from "./estate.js";
import type { Binding, State } from "./state.js";

/** Puts a container of the estate into place, without the checks and with its history. */
export function seedBox(state: State, seed: SeedContainer): void {
  const now = Date.now();
  const ago = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : now - seconds * 1000);
  const bindings: Record<string, Binding[]> = {};
  for (const [port, place] of Object.entries(seed.ports ?? {})) {
    const [hostPort = "", hostIp = ""] = place.split(":").reverse();
    if (place) bindings[port] = [{ HostIp: hostIp, HostPort: hostPort }];
  }
  const box = createBox(state, seed.name, {
    Image: seed.image,
    Cmd: seed.command ?? null,
    Env: seed.env ?? [],
    Labels: seed.labels ?? {},
    Tty: seed.tty ?? false,
    ExposedPorts: Object.fromEntries(Object.keys(seed.ports ?? {}).map((port) => [port, {}])),
    HostConfig: {
      Binds: seed.binds ?? [],
      PortBindings: bindings,
      RestartPolicy: { Name: seed.restart ?? "no" },
      NetworkMode: seed.network ?? "default",
      Memory: seed.memory ?? 0,
      NanoCpus: (seed.cpu ?? 0) * 1e9,
    },
  });
  const status = seed.status ?? "running";
  const live = status === "running" || status === "paused" || status === "restarting";
  if (live) for (const [network, at] of Object.entries(box.networks)) at.ip = hasAddresses(network) ? state.freeAddress(network) : "";
  Object.assign(box, {
    created: ago(seed.age ?? 3600),
    status,
    ...(status === "created" ? {} : { startedAt: ago(seed.up ?? 3600) }),
    ...(live ? { pid: state.nextPid() } : {}),
    ...(status === "exited" ? { finishedAt: ago(seed.ended ?? 60), exitCode: seed.exitCode ?? 0 } : {}),
    ...(seed.health ? { health: seed.health } : {}),
    ...(seed.load ? { load: seed.load } : {}),
  });
  const lines = seed.log ?? [];
  const from = box.startedAt ?? now;
  const until = box.finishedAt ?? now - 1000;
  lines.forEach(([stream, text], at) => box.log.push({ stream, text, at: Math.floor(from + ((until - from) * (at + 1)) / (lines.length + 1)) }));
}
