import { type ActionArgs, isProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { recordedPaths } from "./exec-recorded.js";
import { pathOf } from "./power.js";

/** Bytes read from the end of a log. */
const LOG_CAP = 64 * 1024;

export const LogsInput = {
  source: z
    .string()
    .regex(/^[\w.-]+$/, "console, or the name of a log file")
    .default("console")
    .describe("console, or a log file: lxc.log, qemu.log, recorded output"),
  lines: z.int().min(1).max(2000).default(100).describe("Lines from the end"),
};

export const LogsResult = z.object({
  source: z.string(),
  lines: z.array(z.string()),
  truncated: z.boolean().describe("Whether there were earlier lines"),
});
type Input = z.output<z.ZodObject<typeof LogsInput>>;

/** The end of an instance's log: `GET /1.0/instances/{name}/console` or `/logs/{file}`. */
export async function readLogs({ client, key, input, signal, note }: ActionArgs<LxdClient, Input>): Promise<z.input<typeof LogsResult>> {
  const { source, lines: wanted } = input;
  const ask = { doing: `read the ${source === "console" ? "console log" : source} of instance "${key}"`, signal };
  const paths =
    source === "console" ? [`${pathOf(key)}/console`] : source.startsWith("exec_") ? recordedPaths(key, source) : [`${pathOf(key)}/logs/${source}`];
  try {
    const { text, total } = await firstOf(paths, (path) => client.extract(path, { last: LOG_CAP }, ask));
    const all = plain(text).split("\n");
    if (all.at(-1) === "") all.pop();
    if (source === "console" && !all.length) note("The console has nothing new: some servers hand out each line of it only once.");
    return { source, lines: all.slice(-wanted), truncated: total > LOG_CAP || all.length > wanted };
  } catch (error) {
    // An empty console, and a log that was never written, are a missing file to the server.
    if (!isProxMcpError(error) || !/no such file|log file name .* not valid/.test(error.message)) throw error;
    note(
      source === "console"
        ? "The console has nothing new: some servers hand out each line of it only once."
        : `There is no ${source}: containers have lxc.log, virtual machines qemu.log.`,
    );
    return { source, lines: [], truncated: false };
  }
}

/** Servers keep recorded output in different folders. */
async function firstOf<Found>(paths: readonly string[], look: (path: string) => Promise<Found>): Promise<Found> {
  const [path = "", ...others] = paths;
  try {
    return await look(path);
  } catch (error) {
    if (!others.length || !isProxMcpError(error) || error.code !== "NOT_FOUND") throw error;
    return await firstOf(others, look);
  }
}

export const LogFiles = z.object({ files: z.array(z.string()) });

/** Names of the log files of an instance: `GET /1.0/instances/{name}/logs`, and where it has one the folder of recorded output. */
export async function listLogs({
  client,
  key,
  signal,
}: Pick<ActionArgs<LxdClient, object>, "client" | "key" | "signal">): Promise<z.input<typeof LogFiles>> {
  const ask = { doing: `list the logs of instance "${key}"`, signal };
  const own = await client.get<readonly string[] | null>(`${pathOf(key)}/logs`, ask);
  const recorded = await client.get<readonly string[] | null>(`${pathOf(key)}/logs/exec-output`, ask).catch((error: unknown) => {
    // Servers without such a folder take it for the name of a log, and a wrong one.
    if (isProxMcpError(error) && (error.code === "INVALID_INPUT" || error.code === "NOT_FOUND")) return [];
    throw error;
  });
  const names = [...(own ?? []), ...(recorded ?? [])].map((path) => decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)));
  return { files: names.filter((name) => name !== "exec-output").toSorted() };
}

// oxlint-disable-next-line no-control-regex -- terminal control sequences are what is taken out
const CONTROL = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[@-Z\\-_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** A console log as text: what only a terminal understands is taken out. */
const plain = (text: string): string => text.replace(CONTROL, "");
