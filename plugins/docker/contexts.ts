import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FoundConnection } from "proxmcp/plugin";
import { dockerFolder } from "./registry-auth.js";

type Env = Readonly<Record<string, string | undefined>>;

/** contexts/meta/{sha256 of the name}/meta.json, as the docker command writes it. */
interface Meta {
  readonly Name?: string;
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

/**
 * What this user can reach without saying anything: the sockets of rootless engines, and the contexts of the docker command with their
 * certificates. The context that the command would use (DOCKER_CONTEXT, or the one that was chosen with `docker context use`) is preferred.
 */
export async function foundConnections(env: Env): Promise<readonly FoundConnection[]> {
  const current = env["DOCKER_CONTEXT"] || (await currentContext(env));
  const contexts = (await contextsIn(env)).map((found) => (found.name === safeName(current ?? "") ? { ...found, preferred: true } : found));
  const known = new Set(contexts.map(({ options }) => options["socket"]));
  return [...contexts, ...rootlessSockets(env).filter(({ socket }) => !known.has(socket))];
}

function rootlessSockets({ XDG_RUNTIME_DIR: runtime, HOME: home }: Env): FoundConnection[] {
  const found = (name: string, socket: string): FoundConnection => ({ name, socket, options: { socket }, from: socket });
  return [
    ...(runtime ? [found("docker-rootless", `${runtime}/docker.sock`), found("podman-rootless", `${runtime}/podman/podman.sock`)] : []),
    ...(home ? [found("docker-desktop", `${home}/.docker/desktop/docker.sock`), found("docker", `${home}/.docker/run/docker.sock`)] : []),
  ];
}

async function currentContext(env: Env): Promise<string | undefined> {
  if (!env["HOME"] && !env["DOCKER_CONFIG"]) return undefined;
  return (await jsonFile<{ currentContext?: string }>(join(dockerFolder(env), "config.json")))?.currentContext;
}

async function contextsIn(env: Env): Promise<FoundConnection[]> {
  if (!env["HOME"] && !env["DOCKER_CONFIG"]) return [];
  const folder = join(dockerFolder(env), "contexts");
  const ids = await readdir(join(folder, "meta")).catch((): string[] => []);
  const found = await Promise.all(
    ids.map(async (id) => contextOf(await jsonFile<Meta>(join(folder, "meta", id, "meta.json")), join(folder, "tls", id, "docker"))),
  );
  return found.filter((one) => one !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One context as a connection; nothing for one that leads to no engine that can be reached from here. */
async function contextOf(meta: Meta | undefined, tlsFolder: string): Promise<FoundConnection | undefined> {
  const { Host: host = "", SkipTLSVerify: unverified = false } = meta?.Endpoints?.docker ?? {};
  if (!meta?.Name) return undefined;
  const named = { name: safeName(meta.Name), from: `the docker context ${meta.Name}` };
  if (host.startsWith("unix://")) {
    const socket = host.slice("unix://".length);
    return { ...named, socket, options: { socket } };
  }
  if (!/^(tcp|https?|ssh):\/\/[^/]/.test(host) || (!host.startsWith("ssh:") && URL.parse(host.replace(/^tcp:/, "http:")) === null)) return undefined;
  if (host.startsWith("ssh:")) return { ...named, options: { url: host } };
  const files = await readdir(tlsFolder).catch((): string[] => []);
  const file = (option: string, name: string) => (files.includes(name) ? { [option]: { file: join(tlsFolder, name) } } : {});
  const pair = files.includes("cert.pem") && files.includes("key.pem") ? { ...file("cert", "cert.pem"), ...file("key", "key.pem") } : {};
  return { ...named, options: { url: host, ...file("ca", "ca.pem"), ...pair, ...(unverified ? { verify: false } : {}) } };
}

/** A connection's name has no plus sign; a context's may. */
const safeName = (name: string): string => name.replaceAll("+", "-").slice(0, 60);

async function jsonFile<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch {
    return undefined; // there is none, or it is damaged: then it describes nothing
  }
}
