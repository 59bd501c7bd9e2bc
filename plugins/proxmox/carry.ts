/**
 * Carries the file of a backup from a node of one cluster to a node of another, from shell to shell: the API hands out no backups.
 * @module
 */
import { basename, dirname } from "node:path";
import { Transform } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { type CallArgs, ProxMcpError, type SshClient } from "proxmcp/plugin";
import type { ProxmoxClient } from "./client.js";
import { openShell } from "./shell.js";
import { type Resource, resourcesOf } from "./resources.js";

type Args = Pick<CallArgs<ProxmoxClient>, "client" | "signal" | "progress">;

/** Whether both have SSH, so that a file can be carried. */
export const canCarry = (here: ProxmoxClient, far: ProxmoxClient): boolean => here.options.ssh !== undefined && far.options.ssh !== undefined;

/** The roomiest storage of a node where backups are files. A backup server keeps them as chunks of its own. */
export async function fileStorage(client: ProxmoxClient, node: string | undefined, signal: AbortSignal): Promise<{ node: string; storage: string }> {
  const rows = (await resourcesOf(client, signal)).filter(
    (row) =>
      row.type === "storage" &&
      row.status === "available" &&
      row.plugintype !== "pbs" &&
      (node === undefined || row.node === node) &&
      (row.content ?? "").split(",").includes("backup"),
  );
  const room = ({ maxdisk = 0, disk = 0 }: Resource): number => maxdisk - disk;
  const [best] = rows.sort((one, other) => room(other) - room(one));
  if (best?.storage === undefined || best.node === undefined)
    throw new ProxMcpError("NO_CAPACITY", `${client.name} has no storage${node ? ` on ${node}` : ""} that keeps backups as files.`, {
      next: "Allow backups on a directory storage there.",
    });
  return { node: best.node, storage: best.storage };
}

/**
 * Copies a backup. Its checksum is compared before it gets its name there, and what was begun is removed when anything fails.
 * Answers the id that the backup has there.
 */
export async function carry(
  { client, signal, progress }: Args,
  from: { readonly id: string; readonly node: string; readonly size?: number | undefined },
  far: ProxmoxClient,
  to: { readonly node: string; readonly storage: string },
): Promise<string> {
  const name = basename(from.id.split(":")[1] ?? "");
  const id = `${to.storage}:backup/${name}`;
  const [source, target] = await Promise.all([openShell(client, from.node, signal), openShell(far, to.node, signal)]);
  try {
    const [path, place] = await Promise.all([said(source, ["pvesm", "path", from.id], signal), said(target, ["pvesm", "path", id], signal)]);
    const part = `${place}.part`;
    // Its notes and its log lie beside it on the source, and are not carried: the far side knows neither the guest nor the task.
    await said(target, ["mkdir", "-p", dirname(place)], signal);
    try {
      await stream(source, path, target, part, { signal, progress, size: from.size });
      const [sent, arrived] = await Promise.all([source, target].map((shell, at) => said(shell, ["sha256sum", at === 0 ? path : part], signal)));
      if (sent?.split(" ")[0] !== arrived?.split(" ")[0])
        throw new ProxMcpError("TASK_FAILED", `What arrived on ${far.name} is not what was sent: the checksums of ${name} differ.`);
      await said(target, ["mv", part, place], signal);
    } catch (error) {
      await target.exec(["rm", "-f", part], { signal: AbortSignal.timeout(30_000) }).catch(() => {}); // the error that led here counts
      throw error;
    }
    return id;
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

async function stream(
  source: SshClient,
  path: string,
  target: SshClient,
  part: string,
  { signal, progress, size }: Pick<Args, "signal" | "progress"> & { readonly size: number | undefined },
): Promise<void> {
  const [reading, writing] = await Promise.all([
    source.dialCommand(["cat", path], signal),
    target.dialCommand(["sh", "-c", 'umask 077 && cat > "$0"', part], signal),
  ]);
  let bytes = 0;
  let told = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      // Once for each percent, or 64 MiB where the size is not known.
      const step = size === undefined ? 64 * 2 ** 20 : Math.max(1, size / 100);
      if (bytes - told >= step) {
        told = bytes;
        progress({ progress: bytes, ...(size === undefined ? {} : { total: size }), message: `${Math.round(bytes / 2 ** 20)} MiB sent` });
      }
      done(null, chunk);
    },
  });
  writing.resume(); // it says nothing, but has to be read to its end
  await Promise.all([pipeline(reading, meter, writing, { signal }), finished(writing, { signal })]);
}

async function said(shell: SshClient, argv: readonly string[], signal: AbortSignal): Promise<string> {
  const { exitCode, stdout, stderr } = await shell.exec(argv, { signal });
  if (exitCode === 0) return stdout.trim();
  throw new ProxMcpError("TASK_FAILED", `\`${argv.join(" ")}\` failed: ${stderr.trim() || `exit code ${exitCode}`}`);
}
