import { type ActionArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Ask, Extract, LxdClient } from "../client.js";
import { taskFailed } from "../errors.js";
import type { Operation } from "../wire.js";
import { pathOf } from "./power.js";

/** Bytes kept of each output stream. */
export const OUTPUT_CAP = 64 * 1024;
/** The longest a command may be waited for, in seconds. */
export const EXEC_LIMIT = 3600;

export const ExecInput = {
  command: z.array(z.string()).min(1).describe('Program and arguments, e.g. ["sh", "-c", "df -h"]'),
  environment: z.record(z.string(), z.string()).optional().describe("Environment variables to add"),
  user: z.int().min(0).optional().describe("Numeric user id, default 0 (root)"),
  group: z.int().min(0).optional().describe("Numeric group id"),
  cwd: z.string().optional().describe("Directory to run in"),
  timeout: z.int().min(1).max(EXEC_LIMIT).default(60).describe("Seconds to wait for it"),
};

export const ExecResult = z.object({
  exit_code: z.int().describe("Its exit code; absent when it still runs").optional(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean().describe("Whether output was cut off"),
  timed_out: z.boolean().describe("Whether it was still running at the timeout"),
});
type Input = z.output<z.ZodObject<typeof ExecInput>>;

/**
 * Runs a command: `POST /1.0/instances/{name}/exec` with its output recorded on the server, so no websocket is needed. The recorded
 * files are read and then deleted; only a command that is still running keeps them.
 */
export async function execCommand(args: ActionArgs<LxdClient, Input>): Promise<z.input<typeof ExecResult>> {
  const { client, key, input, signal, progress, note } = args;
  const { timeout, ...command } = input;
  const request = `POST ${pathOf(key)}/exec`;
  const ask = { doing: `run a command in instance "${key}"`, signal, progress };
  const body = { ...command, "record-output": true, "wait-for-websocket": false, interactive: false };
  const started = await client.begin("POST", `${pathOf(key)}/exec`, body, ask);
  if (!started)
    throw new ProxMcpError("INVALID_OUTPUT", `${request}: the server ran the command without an operation, so there is no result to read.`);

  const deadline = AbortSignal.timeout(timeout * 1000);
  let operation: Operation;
  try {
    operation = await client.wait(started, request, { ...ask, signal: AbortSignal.any([signal, deadline]) });
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error;
    note(`The command still runs inside "${key}"; what it has written so far is shown. To end it, kill it from inside.`);
    return { ...(await readOutput(client, runningFiles(key, started.id), ask)), timed_out: true };
  }

  const code = operation.metadata?.return;
  const output = operation.metadata?.output as Readonly<Record<string, string>> | undefined;
  const files = output ? [output["1"], output["2"]].map((file) => [file ?? ""]) : runningFiles(key, started.id);
  try {
    // A program that can't be found or run fails the operation, with the exit code that a shell would give (127, 126): that
    // is a result of the command. Without a code, it never began.
    if (typeof code !== "number") throw taskFailed(ask.doing, request, operation);
    const result = await readOutput(client, files, ask);
    if (result.truncated) note(`Output beyond ${OUTPUT_CAP} bytes was dropped: write it to a file inside, and read that in parts.`);
    const stderr = operation.status_code !== 200 && !result.stderr ? operation.err : result.stderr;
    return { exit_code: code, ...result, stderr, timed_out: false };
  } finally {
    await removeFiles(client, files.flat());
  }
}

/** Where the output of a command may be while it runs: Incus and newer LXD keep it in a folder of its own. */
const runningFiles = (instance: string, operation: string): readonly (readonly string[])[] =>
  ["stdout", "stderr"].map((stream) =>
    ["logs/exec-output", "logs"].map((folder) => `${pathOf(instance)}/${folder}/exec_${encodeURIComponent(operation)}.${stream}`),
  );

/** Standard output and error, each from the first of its places that has it. */
async function readOutput(client: LxdClient, files: readonly (readonly string[])[], ask: Ask) {
  const [stdout, stderr] = await Promise.all(
    files.map(async (places): Promise<Extract> => {
      for (const place of places) {
        try {
          return await client.extract(place, { first: OUTPUT_CAP }, ask);
        } catch (error) {
          if (ask.signal.aborted || place === places.at(-1)) throw error;
        }
      }
      return { text: "", total: 0 };
    }),
  );
  const truncated = [stdout, stderr].some((one) => (one?.total ?? 0) > OUTPUT_CAP);
  return { stdout: stdout?.text ?? "", stderr: stderr?.text ?? "", truncated };
}

/** With a signal of its own: a call that is cancelled just now should leave no files behind either. */
async function removeFiles(client: LxdClient, files: readonly string[]): Promise<void> {
  const ask = { doing: "delete recorded output", signal: AbortSignal.timeout(5_000) };
  await Promise.allSettled(files.map((file) => client.change("DELETE", file, undefined, ask)));
}
