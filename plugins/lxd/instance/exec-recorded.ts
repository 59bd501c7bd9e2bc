import { ProxMcpError } from "proxmcp/plugin";
import type { Ask, Extract, LxdClient } from "../client.js";
import { taskFailed } from "../errors.js";
import type { Operation } from "../wire.js";
import { killCommand, MARK } from "./exec-kill.js";
import type { ExecArgs, Result } from "./exec.js";
import { pathOf } from "./power.js";

/**
 * A command with its output recorded on the server: no websocket is needed. The recorded files are read and then deleted; only a command
 * that is still running keeps them. With a `mark` it is not left to run on, but killed at the timeout.
 */
export async function execRecorded(args: ExecArgs, mark?: string): Promise<Result> {
  const { client, key, input, signal, progress, note } = args;
  const { timeout, stdin, record, max_output: cap, environment, ...command } = input;
  if (record && stdin !== undefined) {
    throw new ProxMcpError("INVALID_INPUT", "A recorded command has no standard input: leave out `record` or `stdin`.", {
      data: { argument: "stdin" },
    });
  }
  const request = `POST ${pathOf(key)}/exec`;
  const ask = { doing: `run a command in instance "${key}"`, signal, progress };
  const variables = environment || mark ? { environment: { ...environment, ...(mark ? { [MARK]: mark } : {}) } } : {};
  const body = { ...command, ...variables, "record-output": true, "wait-for-websocket": false, interactive: false };
  const started = await client.begin("POST", `${pathOf(key)}/exec`, body, ask);
  if (!started) throw withoutOperation(request);

  const deadline = AbortSignal.timeout(timeout * 1000);
  let operation: Operation;
  try {
    operation = await client.wait(started, request, { ...ask, signal: AbortSignal.any([signal, deadline]) });
  } catch (error) {
    if (!signal.aborted && !deadline.aborted) throw error;
    if (mark) await killCommand(client, key, mark, undefined);
    if (signal.aborted) throw error;
    if (mark) {
      const files = runningFiles(key, started.id);
      const written = await readOutput(client, files, cap, ask);
      await removeFiles(client, files.flat());
      note(killed(timeout));
      return { ...written, timed_out: true };
    }
    note(`The command still runs inside "${key}"; what it has written so far is shown. To end it, kill it from inside.`);
    const logs = ["stdout", "stderr"].map((stream) => `exec_${started.id}.${stream}`);
    return { ...(await readOutput(client, runningFiles(key, started.id), cap, ask)), timed_out: true, logs };
  }

  const code = operation.metadata?.return;
  const output = operation.metadata?.output as Readonly<Record<string, string>> | undefined;
  const files = output ? [output["1"], output["2"]].map((file) => [file ?? ""]) : runningFiles(key, started.id);
  try {
    // A program that can't be found or run fails the operation, with the exit code that a shell would give (127, 126): that
    // is a result of the command. Without a code, it never began.
    if (typeof code !== "number") throw taskFailed(ask.doing, request, operation);
    const result = await readOutput(client, files, cap, ask);
    if (result.truncated) note(beyond(cap));
    const stderr = operation.status_code !== 200 && !result.stderr ? operation.err : result.stderr;
    return { exit_code: code, ...result, stderr, timed_out: false };
  } finally {
    await removeFiles(client, files.flat());
  }
}

export const withoutOperation = (request: string): ProxMcpError =>
  new ProxMcpError("INVALID_OUTPUT", `${request}: the server ran the command without an operation, so there is no result to read.`);

export const killed = (timeout: number): string =>
  `The command was killed after ${timeout} s, with all that it had started; what it had written is shown.`;

export const beyond = (cap: number): string =>
  `Output beyond ${cap} bytes was dropped: write it to a file inside, and read that in parts, or pass a larger \`max_output\`.`;

/** Where the output of a command may be while it runs: Incus and newer LXD keep it in a folder of its own. */
const runningFiles = (instance: string, operation: string): readonly (readonly string[])[] =>
  ["stdout", "stderr"].map((stream) => recordedPaths(instance, `exec_${encodeURIComponent(operation)}.${stream}`));

export const recordedPaths = (instance: string, file: string): readonly string[] =>
  ["logs/exec-output", "logs"].map((folder) => `${pathOf(instance)}/${folder}/${file}`);

/** Standard output and error, each from the first of its places that has it. */
async function readOutput(client: LxdClient, files: readonly (readonly string[])[], cap: number, ask: Ask) {
  const [stdout, stderr] = await Promise.all(
    files.map(async (places): Promise<Extract> => {
      for (const place of places) {
        try {
          return await client.extract(place, { first: cap }, ask);
        } catch (error) {
          if (ask.signal.aborted || place === places.at(-1)) throw error;
        }
      }
      return { text: "", total: 0 };
    }),
  );
  const truncated = [stdout, stderr].some((one) => (one?.total ?? 0) > cap);
  return { stdout: stdout?.text ?? "", stderr: stderr?.text ?? "", truncated };
}

/** With a signal of its own: a call that is cancelled just now should leave no files behind either. */
async function removeFiles(client: LxdClient, files: readonly string[]): Promise<void> {
  const ask = { doing: "delete recorded output", signal: AbortSignal.timeout(5_000) };
  await Promise.allSettled(files.map((file) => client.change("DELETE", file, undefined, ask)));
}
