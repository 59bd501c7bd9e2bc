import { gunzipSync, gzipSync } from "node:zlib";
import type { SandboxReply } from "proxmcp/testing";
import { accepted, Refusal, sync } from "./answers.js";
import { guestOf } from "./guests.js";
import { createFault } from "./faults.js";
import type { Task } from "./operations.js";
import type { Call } from "./router.js";
import { freeze, type Frozen, thaw } from "./frozen.js";
import type { Backup, Guest } from "./world.js";

const render = ({ content: _, ...backup }: Backup) => ({ ...backup, container_only: backup.instance_only });

function backupOf(call: Call, guest: Guest): Backup {
  const found = guest.backups.find(({ name }) => name === call.names[1]);
  if (!found) throw new Refusal(404, "Load backup from database: Instance backup not found");
  return found;
}

export function listBackups(call: Call): SandboxReply {
  const guest = guestOf(call);
  const full = Number(call.query.get("recursion") ?? 0) > 0;
  return sync(guest.backups.map((backup) => (full ? render(backup) : `/1.0/instances/${guest.name}/backups/${encodeURIComponent(backup.name)}`)));
}

export const showBackup = (call: Call): SandboxReply => sync(render(backupOf(call, guestOf(call))));

const started = (call: Call, description: string, run: (task: Task) => Promise<void> | void): SandboxReply => {
  const guest = guestOf(call);
  return accepted(
    call.world.operations.start({
      description,
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      run,
    }),
  );
};

const COMPRESSORS = ["none", "gzip", "bzip2", "xz", "lz4", "zstd", "squashfs"];

export function createBackup(call: Call): SandboxReply {
  const guest = guestOf(call);
  const body = call.json<{
    name?: string;
    expires_at?: string;
    instance_only?: boolean;
    optimized_storage?: boolean;
    compression_algorithm?: string;
  }>();
  let name = body.name ?? "";
  if (name.includes("/")) throw new Refusal(400, "Backup names may not contain slashes");
  const { compression_algorithm: compressor } = body;
  if (compressor && !COMPRESSORS.includes(compressor)) throw new Refusal(400, `Invalid compression algorithm "${compressor}"`);
  for (let number = 0; !name; number += 1) if (!guest.backups.some((one) => one.name === `backup${number}`)) name = `backup${number}`;
  return started(call, "Backing up instance", async (task) => {
    if (guest.backups.some((one) => one.name === name)) throw new Error(`Create backup: Backup "${guest.name}/${name}" already exists`);
    await task.pause(call.world.taskTime);
    const instanceOnly = body.instance_only ?? false;
    guest.backups.push({
      name,
      created_at: new Date().toISOString(),
      expires_at: body.expires_at ?? "0001-01-01T00:00:00Z",
      instance_only: instanceOnly,
      optimized_storage: body.optimized_storage ?? false,
      content: gzipSync(JSON.stringify(freeze(guest, !instanceOnly))),
    });
  });
}

export function renameBackup(call: Call): SandboxReply {
  const guest = guestOf(call);
  const backup = backupOf(call, guest);
  const { name = "" } = call.json<{ name?: string }>();
  if (name.includes("/")) throw new Refusal(400, "Backup names may not contain slashes");
  return started(call, "Renaming instance backup", () => void (backup.name = name));
}

export function deleteBackup(call: Call): SandboxReply {
  const guest = guestOf(call);
  const backup = backupOf(call, guest);
  return started(call, "Removing instance backup", () => void (guest.backups = guest.backups.filter((one) => one !== backup)));
}

/** `GET .../export`: the file itself. */
export function exportBackup(call: Call): SandboxReply {
  const { content } = backupOf(call, guestOf(call));
  const headers = { "accept-ranges": "bytes", "content-disposition": "inline;filename=", "content-type": "application/octet-stream" };
  return { status: 200, headers: { ...headers, "content-length": String(content.length) }, body: new Uint8Array(content) };
}

/** `POST /1.0/instances` with a backup as its body. */
export function importBackup(call: Call): SandboxReply {
  const { world } = call;
  let frozen: Frozen;
  try {
    frozen = JSON.parse(gunzipSync(call.body).toString()) as Frozen;
  } catch {
    throw new Refusal(500, "Unsupported compression");
  }
  const said = (name: string): string | undefined => call.headers[`x-${world.host.flavor}-${name}`] as string | undefined;
  const pool = said("pool");
  if (pool && !world.pools.has(pool)) throw new Refusal(500, "Storage pool not found: Storage pool not found");
  const name = said("name") ?? frozen.name;
  return accepted(
    world.operations.start({
      description: "Restoring backup",
      instances: [`/1.0/instances/${name}`],
      containers: frozen.type === "container",
      taskError: call.taskError,
      async run(task) {
        if (world.guests.has(name)) throw new Error("Create instance from backup: Cannot restore volume, already exists on target");
        await task.pause(world.taskTime);
        const fault = createFault(world, name, frozen);
        if (fault) throw new Error(`Create instance from backup: ${fault}`);
        world.add({ ...thaw(frozen), name });
      },
    }),
  );
}
