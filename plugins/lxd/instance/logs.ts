import { type ActionArgs, isProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { pathOf } from "./power.js";

/** Bytes read from the end of a log. */
const LOG_CAP = 64 * 1024;

export const LogsInput = {
  source: z.enum(["console", "lxc.log", "qemu.log"]).default("console").describe("Console of the guest, or log of its runtime"),
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
  const path = source === "console" ? `${pathOf(key)}/console` : `${pathOf(key)}/logs/${source}`;
  try {
    const { text, total } = await client.extract(path, { last: LOG_CAP }, ask);
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

// oxlint-disable-next-line no-control-regex -- terminal control sequences are what is taken out
const CONTROL = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[@-Z\\-_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** A console log as text: what only a terminal understands is taken out. */
const plain = (text: string): string => text.replace(CONTROL, "");
