import { type Action, isProxMcpError, type Kind, type Peers, type Progress, ProxMcpError, type Sandbox, type SandboxOptions } from "proxmcp/plugin";
import { z } from "zod";
import { UndiciHttp } from "../../core/transport/http.js";
import { LxdClient } from "../../plugins/lxd/client.js";
import provider from "../../plugins/lxd/index.js";
import { LxdConnection } from "../../plugins/lxd/options.js";
import { type Estate, start } from "../../plugins/lxd/sandbox/index.js";

type Row = Record<string, unknown>;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Pauses are short, so that what is tried again is tried soon. */
const clock = { now: () => Date.now(), sleep: (milliseconds: number) => new Promise<void>((done) => setTimeout(done, Math.min(milliseconds, 5))) };

const noSsh = {
  open: () => {
    throw new Error("no SSH here");
  },
};
const alone: Peers = {
  names: ["host"],
  client: (name) => {
    throw new ProxMcpError("CONNECTION_UNKNOWN", `There is no "${name}".`);
  },
};

export const clientOf = (options: Row): LxdClient =>
  new LxdClient(new UndiciHttp(), { name: "host", provider: "lxd", options: LxdConnection.parse(options), tags: {} }, silent, clock, alone, noSsh);

/** A sandbox with a client on it, and the operations of the plugin by their names. */
export interface Host {
  readonly sandbox: Sandbox;
  readonly client: LxdClient;
  readonly notes: string[];
  readonly progressed: Progress[];
  /** What was sent since the last look, as "GET /path". Waits for operations are left out. */
  asked(): string[];
  /** The JSON body of the last request with this method. */
  sent(method: string): Row;
  list(kind: string, where?: Row, at?: Row): Promise<Row[]>;
  get(kind: string, key: string, at?: Row): Promise<Row>;
  run(kind: string, verb: string, key: string, input?: Row, at?: Row, signal?: AbortSignal): Promise<Row>;
  test(): ReturnType<typeof provider.test>;
  capacity(): ReturnType<NonNullable<typeof provider.capacity>>;
  close(): Promise<void>;
}

export async function host(options: Omit<SandboxOptions, "estate"> & { readonly estate?: Estate } = {}, more: Row = {}): Promise<Host> {
  const sandbox = await start({ taskTime: 5, ...options });
  const client = clientOf({ ...sandbox.connection, ...more });
  const notes: string[] = [];
  const progressed: Progress[] = [];
  let seen = 0;
  const argsOf = (signal = new AbortController().signal) => ({
    client,
    signal,
    clock,
    log: silent,
    progress: (progress: Progress) => void progressed.push(progress),
    task: () => {},
    note: (sentence: string) => void notes.push(sentence),
  });
  const kindOf = (name: string): Kind<LxdClient> => {
    const found = provider.kinds.find((kind) => kind.name === name);
    if (!found) throw new Error(`no kind ${name}`);
    return found;
  };
  /** Items hold the declared fields and no others. */
  const checked = (kind: string, row: unknown): Row => z.strictObject((kindOf(kind).item as z.ZodObject).shape).parse(row) as Row;
  return {
    sandbox,
    client,
    notes,
    progressed,
    asked: () => {
      const fresh = sandbox.requests.slice(seen).map(({ method, path }) => `${method} ${path}`);
      seen = sandbox.requests.length;
      return fresh.filter((line) => !line.endsWith("/wait"));
    },
    sent: (method) => sandbox.requests.findLast((request) => request.method === method)?.json() ?? {},
    list: async (kind, where = {}, at = {}) => {
      const listed = await kindOf(kind).list?.({ ...argsOf(), where, at, needs: new Set<string>() });
      const rows = Array.isArray(listed) ? (listed as unknown[]) : ((listed as { items?: readonly unknown[] } | undefined)?.items ?? []);
      return rows.map((row) => checked(kind, row));
    },
    get: async (kind, key, at = {}) => checked(kind, await kindOf(kind).get?.({ ...argsOf(), key, at })),
    run: async (kind, verb, key, input = {}, at = {}, signal) => {
      const action = kindOf(kind).actions?.[verb] as Action<LxdClient>;
      const parsed = z.strictObject((action.input ?? {}) as z.ZodRawShape).parse(input);
      const result = await action.run({ ...argsOf(signal), key, at, input: parsed } as never);
      return (action.output ? (action.output as z.ZodObject).parse(result) : (result ?? {})) as Row;
    },
    test: () => provider.test(argsOf()),
    capacity: () => provider.capacity?.(argsOf()) ?? Promise.resolve({ places: [] }),
    close: async () => {
      await client.close();
      await sandbox.close();
    },
  };
}

/** The error that a promise must end with. */
export async function failure(promise: Promise<unknown>): Promise<ProxMcpError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (isProxMcpError(error)) return error;
    throw error;
  }
  throw new Error(`it should have failed, and answered ${JSON.stringify(value)}`);
}
