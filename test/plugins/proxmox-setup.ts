import type { Clock, Logger, SandboxOptions, Ssh } from "proxmcp/plugin";
import { createProxMcp, type ProxMcp } from "../../core/index.js";
import { UndiciHttp } from "../../core/transport/http.js";
import { ProxmoxClient } from "../../plugins/proxmox/client.js";
import { ProxmoxConnection } from "../../plugins/proxmox/connection.js";
import provider from "../../plugins/proxmox/index.js";
import { type Estate, start } from "../../plugins/proxmox/sandbox/index.js";

type Options = Omit<SandboxOptions, "estate"> & { readonly estate?: Estate };
export type StartedSandbox = Awaited<ReturnType<typeof start>>;

const opened: { close(): Promise<void> | void }[] = [];

/** Closes everything that was opened since the last time, newest first. */
export async function closeAll(): Promise<void> {
  for (const one of opened.splice(0).reverse()) await one.close();
}

export async function sandboxOf(options: Options = {}): Promise<StartedSandbox> {
  const sandbox = await start({ taskTime: 15, ...options });
  opened.push(sandbox);
  return sandbox;
}

export const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Waits without waiting: time passes at once, and is counted. */
export function fastClock(): Clock & { readonly slept: number[] } {
  let now = 1_800_000_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
      await new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, 5)));
      signal?.throwIfAborted();
    },
  };
}

/** For tests in which nothing may be reached by SSH. */
const noSsh: Ssh = {
  open: () => {
    throw new Error("no SSH here");
  },
};

const noPeers = {
  names: [],
  client: () => {
    throw new Error("no other clusters here");
  },
};

export function clientOf(connection: Readonly<Record<string, unknown>>, clock: Clock = fastClock(), ssh: Ssh = noSsh): ProxmoxClient {
  const options = ProxmoxConnection.parse(connection);
  const client = new ProxmoxClient(new UndiciHttp(), { name: "test", provider: "proxmox", options, tags: {} }, logger, clock, ssh, noPeers);
  opened.push(client);
  return client;
}

/** A ProxMCP with one connection for each sandbox. */
export async function appOf(sandboxes: Readonly<Record<string, StartedSandbox>>): Promise<ProxMcp> {
  const connections = Object.fromEntries(Object.entries(sandboxes).map(([name, { connection }]) => [name, { provider: "proxmox", ...connection }]));
  const app = await createProxMcp({ plugins: [provider as never], connections, env: {}, log: { level: "silent" } } as never);
  opened.push(app);
  return app;
}

export const signal = (): AbortSignal => new AbortController().signal;

/** The error that a promise fails with. */
export async function failure(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; next: string; tried?: string[]; data?: Record<string, unknown> }> {
  try {
    await promise;
  } catch (error) {
    return (error as { report(): never }).report();
  }
  throw new Error("it did not fail");
}
