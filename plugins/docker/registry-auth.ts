import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DockerClient } from "./client.js";

/** A login for one registry, in the words of the API. */
interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

/** The docker command's own settings, as far as they hold logins. */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

const HUB = "https://index.docker.io/v1/";
const HELPER_SECONDS = 10;
const HELPER_BYTES = 64 * 1024;

/** The registry of a reference: what stands before the first slash, if that looks like a host. */
export function registryOf(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  return rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
}

/** Folder of the docker command's settings. */
export const dockerFolder = (env: Readonly<Record<string, string | undefined>> = process.env): string =>
  env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker");

/**
 * `X-Registry-Auth` for a reference: a login of the connection, else one of the docker command (its file, or the program that keeps
 * them). Where there is none the registry is asked anonymously; a push wants the header even then.
 */
export async function authHeader(client: DockerClient, reference: string, signal: AbortSignal, always = false): Promise<Record<string, string>> {
  const login = await loginFor(client, registryOf(reference), signal);
  if (!login && !always) return {};
  return { "x-registry-auth": encoded(login ?? {}) };
}

/** `X-Registry-Config` for a build: the logins for the registries of all its base images. */
export async function buildAuthHeader(client: DockerClient, hosts: readonly string[], signal: AbortSignal): Promise<Record<string, string>> {
  const logins: Record<string, Login> = {};
  for (const host of new Set(hosts)) {
    const login = await loginFor(client, host, signal);
    if (login) logins[login.serveraddress] = login;
  }
  return Object.keys(logins).length ? { "x-registry-config": encoded(logins) } : {};
}

/** Base64 for addresses, but with its padding: without it older engines take the header for none. */
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");

async function loginFor({ options }: DockerClient, host: string, signal: AbortSignal): Promise<Login | undefined> {
  const own = options.registries?.[host];
  const serveraddress = host === "docker.io" ? HUB : host;
  if (own) return { ...own, serveraddress };
  const config = await readConfig();
  const helper = config.credHelpers?.[host] ?? config.credHelpers?.[serveraddress] ?? config.credsStore;
  const kept = helper ? await fromHelper(helper, serveraddress, signal) : undefined;
  if (kept) return { ...kept, serveraddress };
  const entry = Object.entries(config.auths ?? {}).find(([address]) => hostOf(address) === hostOf(serveraddress))?.[1];
  if (entry?.identitytoken) return { identitytoken: entry.identitytoken, serveraddress };
  const [username = "", ...password] = Buffer.from(entry?.auth ?? "", "base64")
    .toString("utf8")
    .split(":");
  return username ? { username, password: password.join(":"), serveraddress } : undefined;
}

/** Addresses are written as host, https://host or https://host/v1/. */
const hostOf = (address: string): string => address.replace(/^https?:\/\//, "").split("/")[0] ?? "";

async function readConfig(): Promise<DockerConfig> {
  try {
    return JSON.parse(await readFile(join(dockerFolder(), "config.json"), "utf8")) as DockerConfig;
  } catch {
    return {}; // none, or none that can be read: then there is no login in it
  }
}

/** Asks `docker-credential-<name>`. One that isn't installed, fails or hangs is as good as one without a login. */
async function fromHelper(name: string, address: string, signal: AbortSignal): Promise<Omit<Login, "serveraddress"> | undefined> {
  if (!/^[\w.-]+$/.test(name)) return undefined;
  const output = await new Promise<string>((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const program = spawn(`docker-credential-${name}`, ["get"], {
      stdio: ["pipe", "pipe", "ignore"],
      signal: AbortSignal.any([signal, AbortSignal.timeout(HELPER_SECONDS * 1000)]),
    });
    // What it has started itself may hold its output open for ever: that is not waited for.
    const giveUp = (): void => {
      program.kill();
      program.stdout.destroy();
      resolve("");
    };
    program.once("error", giveUp);
    program.once("close", (code) => resolve(code === 0 ? Buffer.concat(chunks).toString("utf8") : ""));
    program.stdin.on("error", () => {}); // it may end without reading
    program.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > HELPER_BYTES) giveUp();
      else chunks.push(chunk);
    });
    program.stdin.end(address);
  });
  try {
    const { Username, Secret } = JSON.parse(output) as { Username?: string; Secret?: string };
    if (!Secret) return undefined;
    return Username === "<token>" ? { identitytoken: Secret } : { username: Username ?? "", password: Secret };
  } catch {
    return undefined;
  }
}
