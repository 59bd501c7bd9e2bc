import { randomUUID } from "node:crypto";
import { type ActionArgs } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { execRecorded } from "./exec-recorded.js";
import { execStreamed } from "./exec-streamed.js";

/** The longest a command may be waited for, in seconds. */
export const EXEC_LIMIT = 3600;

export const ExecInput = {
  command: z.array(z.string()).min(1).describe('Program and arguments, e.g. ["sh", "-c", "df -h"]'),
  stdin: z.string().optional().describe("Standard input"),
  environment: z.record(z.string(), z.string()).optional().describe("Variables to add"),
  user: z.int().min(0).optional().describe("Numeric id, default 0"),
  group: z.int().min(0).optional().describe("Numeric id"),
  cwd: z.string().optional().describe("Folder"),
  timeout: z.int().min(1).max(EXEC_LIMIT).default(60).describe("Seconds until it is killed"),
  max_output: z
    .int()
    .min(1)
    .max(4 * 1024 * 1024)
    .default(64 * 1024)
    .describe("Bytes kept of each stream"),
  record: z.boolean().default(false).describe("Record its output there; it outlives the timeout"),
};

export const ExecResult = z.object({
  exit_code: z.int().describe("Its exit code; absent when it was killed or still runs").optional(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean().describe("Whether output was cut off"),
  timed_out: z.boolean().describe("Whether it was still running at the timeout"),
  logs: z.array(z.string()).describe("Where the output of a command that still runs is kept: for `logs`").optional(),
});
export type Input = z.output<z.ZodObject<typeof ExecInput>>;
export type Result = z.input<typeof ExecResult>;
export type ExecArgs = ActionArgs<LxdClient, Input>;

/**
 * Runs a command: `POST /1.0/instances/{name}/exec`. Over websockets, so that it can be spoken to and killed; or recorded on the server, so
 * that it may outlive the call. A road that carries no websockets leaves the second, and killing still works.
 */
export async function execCommand(args: ExecArgs): Promise<Result> {
  const { client, input, signal } = args;
  if (input.record) return await execRecorded(args);
  await client.server(signal); // from then on the road is known
  return client.road === undefined || input.stdin !== undefined ? await execStreamed(args) : await execRecorded(args, randomUUID());
}
