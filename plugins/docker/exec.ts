import { ProxMcpError } from "proxmcp/plugin";
import { type Ask, type DockerClient, withDeadline } from "./client.js";
import { FrameDecoder } from "./frames.js";
import { Head } from "./output.js";

export interface ExecOptions {
  readonly command: readonly string[];
  readonly user?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  /** Seconds. */
  readonly timeout: number;
  /** Bytes kept of each stream. */
  readonly maxOutput: number;
}

export interface ExecResult {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

interface ExecState {
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid?: number;
}

/** Runs a command in a container: POST /containers/{id}/exec, POST /exec/{id}/start, GET /exec/{id}/json. */
export async function execInContainer(client: DockerClient, key: string, options: ExecOptions, outer: AbortSignal): Promise<ExecResult> {
  const { command, cwd, timeout, maxOutput } = options;
  const what = `run ${JSON.stringify(command[0])} in container "${key}"`;
  const stdout = new Head(maxOutput);
  const stderr = new Head(maxOutput);
  let started = false;
  const late = (): ProxMcpError =>
    new ProxMcpError(
      "TIMEOUT",
      `Unable to ${what} within ${timeout} s.${started ? " It goes on in the container: Docker cannot end it from outside." : ""}`,
      {
        next: "Look whether it still runs (exec `ps`) before trying again, or pass a larger `timeout`.",
        data: { stdout: stdout.text(), stderr: stderr.text() },
      },
    );

  return await withDeadline(timeout, late, async (limit) => {
    const signal = AbortSignal.any([outer, limit]);
    if (cwd !== undefined) await client.requires("1.35", "`cwd`", signal);
    const container = await client.container(key, signal);
    const { Id } = await client.json<{ Id: string }>({ what, method: "POST", path: `${container}/exec`, json: execBody(options), signal });
    const path = `/exec/${encodeURIComponent(Id)}`;
    const frames = new FrameDecoder((stream, bytes) => (stream === "stderr" ? stderr : stdout).push(bytes));
    started = true;
    const ask = { what, method: "POST", path: `${path}/start`, json: { Detach: false, Tty: false }, signal } as const;
    for await (const chunk of options.stdin === undefined ? client.stream(ask) : conversation(client, ask, options.stdin)) frames.push(chunk);
    if (frames.unfinished) throw new ProxMcpError("UNREACHABLE", `Unable to ${what}: the engine at ${client.address} broke the connection off.`);
    const state = await finished(client, what, path, signal);
    // Older engines answer 200 and put the reason into the output of a process that never was; newer ones answer 400 to the start.
    if (state.Pid === 0 && (state.ExitCode === 126 || state.ExitCode === 127))
      throw new ProxMcpError("INVALID_INPUT", `Unable to ${what}: ${stdout.text().trim()}`, {
        tried: [`POST ${container}/exec`],
        data: { exit_code: state.ExitCode },
      });
    return { exit_code: state.ExitCode ?? -1, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated || stderr.truncated };
  });
}

/** Says something to a process and hears what it answers, over the hijacked connection. The end of what is said is the end of its stdin. */
async function* conversation(client: DockerClient, ask: Ask, stdin: string): AsyncGenerator<Uint8Array> {
  const stream = await client.hijack(ask);
  const leave = (): void => void stream.destroy(ask.signal.reason as Error);
  ask.signal.addEventListener("abort", leave, { once: true });
  try {
    stream.end(stdin);
    yield* client.bytes({ body: stream }, ask);
  } finally {
    ask.signal.removeEventListener("abort", leave);
    stream.destroy();
  }
}

const execBody = ({ command, user, cwd, env, stdin }: ExecOptions): Record<string, unknown> => ({
  AttachStdin: stdin !== undefined,
  AttachStdout: true,
  AttachStderr: true,
  Tty: false,
  Cmd: command,
  ...(user === undefined ? {} : { User: user }),
  ...(cwd === undefined ? {} : { WorkingDir: cwd }),
  ...(env ? { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) } : {}),
});

/** The output can end a moment before the engine knows how the process ended, or long before, when it goes on with its output closed. */
async function finished(client: DockerClient, what: string, path: string, signal: AbortSignal): Promise<ExecState> {
  for (let wait = 10; ; wait = Math.min(wait * 2, 1000)) {
    const state = await client.json<ExecState>({ what, path: `${path}/json`, signal });
    if (!state.Running && state.ExitCode !== null) return state;
    await client.clock.sleep(wait, signal);
  }
}
