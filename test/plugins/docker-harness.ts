import { type Action, type Connection, type Kind, type Progress, ProxMcpError, type Sandbox, type SandboxOptions } from "proxmcp/plugin";
import { z } from "zod";
import { UndiciHttp } from "../../core/transport/http.js";
import { Ssh2 } from "../../core/transport/ssh.js";
import { DockerClient } from "../../plugins/docker/client.js";
import { containers } from "../../plugins/docker/kinds/containers.js";
import { images } from "../../plugins/docker/kinds/images.js";
import { networks } from "../../plugins/docker/kinds/networks.js";
import { volumes } from "../../plugins/docker/kinds/volumes.js";
import { DockerConnection } from "../../plugins/docker/options.js";
import { start } from "../../plugins/docker/sandbox/index.js";

const KINDS: Readonly<Record<string, Kind<DockerClient>>> = { container: containers, image: images, network: networks, volume: volumes };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { now: () => Date.now(), sleep: (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds)) };

export function clientOf(options: unknown): DockerClient {
  const checked = DockerConnection.parse(options);
  return new DockerClient(new UndiciHttp(), { name: "d", provider: "docker", options: checked, tags: {} } as Connection<never>, clock, new Ssh2());
}

type Signal = Parameters<DockerClient["apiVersion"]>[0];
type Row = Record<string, unknown>;

/** A sandbox with a client on it, and its operations by name. */
export interface Dock {
  readonly sandbox: Sandbox;
  readonly client: DockerClient;
  readonly notes: string[];
  readonly progressed: Progress[];
  /** What was sent, as "GET /path". */
  asked(): string[];
  list(kind: string, where?: Row, signal?: Signal): Promise<Row[]>;
  get(kind: string, key: string, signal?: Signal): Promise<Row>;
  run(kind: string, verb: string, key: string, input?: Row, signal?: Signal): Promise<Row>;
  close(): Promise<void>;
}

export async function dock(options: SandboxOptions = {}): Promise<Dock> {
  const sandbox = await start({ taskTime: 5, ...options });
  const client = clientOf(sandbox.connection);
  const notes: string[] = [];
  const progressed: Progress[] = [];
  const argsOf = (signal: AbortSignal) => ({
    ...{ client, signal, clock, log: silent, at: {} },
    progress: (progress: Progress) => void progressed.push(progress),
    task: () => {},
    note: (sentence: string) => void notes.push(sentence),
  });
  return {
    sandbox,
    client,
    notes,
    progressed,
    asked: () => sandbox.requests.map(({ method, path }) => `${method} ${path}`),
    list: async (kind: string, where: Record<string, unknown> = {}, signal = new AbortController().signal) =>
      (await KINDS[kind]!.list!({ ...argsOf(signal), where, needs: new Set<string>() })) as Record<string, unknown>[],
    get: async (kind: string, key: string, signal = new AbortController().signal) =>
      z.strictObject((KINDS[kind]!.item as z.ZodObject).shape).parse(await KINDS[kind]!.get!({ ...argsOf(signal), key })) as Record<string, unknown>,
    run: async (kind: string, verb: string, key: string, input: Record<string, unknown> = {}, signal = new AbortController().signal) => {
      const action = KINDS[kind]!.actions![verb] as Action<DockerClient>;
      const parsed = z.strictObject((action.input ?? {}) as z.ZodRawShape).parse(input);
      const result = await action.run({ ...argsOf(signal), key, input: parsed as never } as never);
      return (action.output ? (action.output as z.ZodObject).parse(result) : result) as Record<string, unknown>;
    },
    close: async () => {
      await client.close();
      await sandbox.close();
    },
  };
}

/** The error that a promise must end with. */
export async function failure(promise: Promise<unknown>): Promise<ProxMcpError> {
  try {
    const value = await promise;
    throw new Error(`it should have failed, and answered ${JSON.stringify(value)}`);
  } catch (error) {
    if (error instanceof ProxMcpError) return error;
    throw error;
  }
}
