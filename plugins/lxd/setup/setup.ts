/**
 * Makes a host ready and connects to it, in steps that each look first whether there is anything to do: run again, it goes on where it stopped.
 * @module
 */
import { type ConnectingArgs, ProxMcpError, secret, type SshClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { Admin } from "./admin.js";
import { install, planFor } from "./install.js";
import { type Login, loginOf } from "./login.js";
import { lackOf, preseed, wordsOf } from "./preseed.js";
import { Step, Steps } from "./steps.js";
import { installed, type Software, type Survey, survey, TITLES } from "./survey.js";
import { distrust, type Reached, reach, serverOf, trust } from "./trust.js";

export const SetupInput = {
  target: z.string().min(1).describe("user@host or user@host:port"),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/, "letters, digits, `_`, `.` and `-`")
    .optional()
    .describe("Name of the connection; default: the host's"),
  software: z.enum(["auto", "lxd", "incus"]).default("auto").describe("auto: what is there, else LXD, else Incus"),
  road: z.enum(["https", "ssh"]).default("https").describe("ssh: keep the API off the network"),
  port: z.int().min(1).max(65_535).default(8443).describe("Of the API, where it listens nowhere yet"),
  storage: z.enum(["dir", "zfs", "btrfs", "lvm"]).optional().describe("Driver of the first pool; default: by what the host has"),
  key_file: z.string().optional().describe("SSH private key here; default: the agent, then ~/.ssh"),
  passphrase: secret(z.string(), "Of that key").optional(),
  password: secret(z.string(), "SSH password").optional(),
  fingerprint: z.string().optional().describe("SSH host key to accept, SHA256:..."),
  known_hosts: z.string().optional().describe("known_hosts file"),
};

export const SetupOutput = z.object({
  name: z.string(),
  software: z.string(),
  road: z.enum(["https", "ssh"]),
  address: z.string().optional(),
  steps: z.array(Step),
  instances: z.int(),
  file: z.string().optional(),
  entry: z.looseObject({}).optional(),
});

type Args = ConnectingArgs<LxdClient, z.output<z.ZodObject<typeof SetupInput>>>;

export async function setUp(args: Args): Promise<z.input<typeof SetupOutput>> {
  const { input, ssh, keeper, signal, note } = args;
  const login = await loginOf(input);
  const steps = new Steps(`${login.user}@${login.host}`, args.progress);
  // What can't be written down in the end had better not be begun.
  await keeper.ready(input.name ?? nameFor(login.host, undefined));
  const shell = ssh.open(login.target);
  try {
    const host = await steps.take("ssh", async () => {
      const result = await survey(shell, signal);
      return { result, did: `${result.user}@${login.host} on ${result.os} (${result.arch})` };
    });
    const wanted = input.software === "auto" ? undefined : input.software;
    const there = await steps.take("detect", async () => {
      const result = installed(host, wanted);
      const missing = wanted ? `${TITLES[wanted]} is not installed` : "neither LXD nor Incus is installed";
      return { result, did: result ? describe(host, result) : missing };
    });
    const { software, host: ready } = await steps.take("install", async () => await put(args, steps, shell, { host, login, there, wanted }));
    const admin = await steps.take("init", async () => {
      const opened = await Admin.open(software, shell, ready, signal);
      const lack = await lackOf(opened, ready, { port: input.road === "https" ? input.port : undefined, storage: input.storage }, signal);
      if (!lack) return { result: opened, skip: "it has storage, a network and a default profile" };
      steps.say("init", wordsOf(lack));
      await preseed(opened, lack, signal);
      return { result: opened, did: wordsOf(lack) };
    });
    const made = await connected(args, steps, admin, { login, host: ready });
    const kept = await written(args, steps, admin, made);
    const instances = await steps.take("prove", async () => {
      const client = await args.connect({ name: made.name, options: kept.options });
      const listed = await client.get<readonly unknown[]>("/1.0/instances", { doing: "list the instances", signal });
      return { result: listed.length, did: `${made.name} lists ${listed.length} instances` };
    });
    const { environment } = await serverOf(admin, signal);
    if (made.reached?.tunnelled) note(`The API of ${login.host} does not answer from here, so ${made.name} reaches it through SSH.`);
    return {
      ...{ name: made.name, software: `${TITLES[software]} ${environment?.server_version ?? ""}`.trim(), steps: steps.taken, instances },
      road: made.reached && !made.reached.tunnelled ? "https" : "ssh",
      ...(made.reached ? { address: made.reached.url } : {}),
      ...(kept.file === undefined ? (kept.fresh ? { entry: kept.entry } : {}) : { file: kept.file }),
    };
  } finally {
    await shell.close();
  }
}

const describe = (host: Survey, software: Software): string =>
  `${TITLES[software]} ${host.versions[software]}${host.packed[software] ? ` (${host.packed[software]})` : ""}`;

interface Putting {
  readonly host: Survey;
  readonly login: Login;
  readonly there: Software | undefined;
  readonly wanted: Software | undefined;
}

/** Has the host have the software: asked for first. */
async function put({ agree, signal }: Args, steps: Steps, shell: SshClient, { host, login, there, wanted }: Putting) {
  if (there) return { result: { software: there, host }, skip: `${describe(host, there)} is there` };
  const plan = planFor(host, wanted);
  const what = plan.software ? TITLES[plan.software] : "LXD or Incus";
  await agree(`Install ${what} by ${plan.by} on ${login.user}@${login.host} (${host.os}, ${host.arch})?`);
  const look = async (): Promise<Survey> => await survey(shell, signal);
  const got = await install(shell, host, plan, { signal, look, tell: (command) => steps.say("install", command) });
  const after = await look();
  const software = installed(after, got);
  if (!software)
    throw new ProxMcpError("TASK_FAILED", `${TITLES[got]} was installed by ${plan.by}, and its commands are not found.`, {
      next: "See on the host whether the installation is whole, then run this again.",
    });
  return { result: { software, host: after }, did: `${describe(after, software)} by ${plan.by}` };
}

interface Connected {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Absent where everything goes through SSH to the socket. */
  readonly reached?: Reached;
  /** Our certificate, if it was made just now. */
  readonly cert?: string;
  /** There was such a connection, and it works. */
  readonly known: boolean;
}

/** Options with which the server lets us in: those that are configured, if it does already; otherwise a new certificate, enrolled. */
async function connected(args: Args, steps: Steps, admin: Admin, { login, host }: { login: Login; host: Survey }): Promise<Connected> {
  const { input, http, keeper, connect, certificate, signal } = args;
  return await steps.take<Connected>("trust", async () => {
    const server = await serverOf(admin, signal);
    const reached = input.road === "https" ? await reach(http, server, login, signal) : undefined;
    const name = input.name ?? nameFor(login.host, server.environment?.server_name);
    const present = keeper.connections.find((one) => one.name === name);
    if (present) {
      const works = await connect(present)
        .then(
          async (client) => await client.freshServer(signal).then(({ environment }) => environment?.server_name === server.environment?.server_name),
        )
        .catch(() => {
          signal.throwIfAborted();
          return false;
        });
      if (works)
        return { result: { name, options: present.options, known: true, ...(reached ? { reached } : {}) }, skip: `${name} is connected and trusted` };
      if (!leadsTo(present.options, login.host))
        throw new ProxMcpError("CONFLICT", `There is a connection ${name} already, and it leads elsewhere.`, { next: "Choose another name." });
    }
    if (!reached)
      return {
        result: { name, options: { ...socketFor(host, admin.software), ssh: login.options }, known: false },
        skip: "through SSH nobody needs a certificate",
      };
    const { key, cert } = await certificate(`proxmcp-${name}`);
    const options = { url: reached.url, cert, key, fingerprint: reached.fingerprint, ...(reached.tunnelled ? { ssh: login.options } : {}) };
    const by = await trust(args, admin, server, { name, cert, options });
    return {
      result: { name, options, reached, cert, known: false },
      did: `our certificate was enrolled by ${by === "token" ? "a trust token" : "the host's command"}`,
    };
  });
}

/** Writes the connection down. A certificate that is kept nowhere is taken back. */
async function written({ keeper, note }: Args, steps: Steps, admin: Admin, made: Connected) {
  return await steps.take("keep", async () => {
    if (made.known) return { result: { options: made.options, entry: {}, file: undefined, fresh: false }, skip: `${made.name} is in the config` };
    try {
      const { file, entry, notes } = await keeper.keep({ name: made.name, options: made.options });
      for (const sentence of notes) note(sentence);
      const { provider: _, ...options } = entry;
      return { result: { options, entry, file, fresh: true }, did: `${made.name} in ${file ?? "no file: see the notes"}` };
    } catch (error) {
      if (made.cert !== undefined) await distrust(admin, made.cert);
      throw error;
    }
  });
}

/** Where both are on one host, the socket says which is meant. Otherwise the one there is will be found. */
function socketFor({ versions, packed }: Survey, software: Software): { readonly socket?: string } {
  if (!versions.lxd || !versions.incus) return {};
  if (software === "incus") return { socket: "/var/lib/incus/unix.socket" };
  return { socket: packed.lxd === "snap" ? "/var/snap/lxd/common/lxd/unix.socket" : "/var/lib/lxd/unix.socket" };
}

/** A host that is called by its address takes the name that it has for itself. */
function nameFor(host: string, own: string | undefined): string {
  const name = /^[\d.]+$|:/.test(host) && own ? own : host;
  return (
    name
      .replaceAll(/[^A-Za-z0-9_.-]/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 60) || "host"
  );
}

function leadsTo(options: Readonly<Record<string, unknown>>, host: string): boolean {
  const { url, ssh } = options as { url?: string; ssh?: { host?: string } };
  return ssh?.host === host || (url !== undefined && URL.parse(url)?.hostname.replace(/^\[|\]$/g, "") === host);
}
