import { accepted, Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import { memberNames } from "./spread.js";
import { poolOf } from "./storage-pools.js";
import { madeAt, volumeOf } from "./storage-volumes.js";
import type { Volume, VolumeSnapshot } from "./storage-state.js";

const NEVER = "0001-01-01T00:00:00Z";
const find = (volume: Volume, name: string): VolumeSnapshot | undefined => volume.snapshots.find((one) => one.name === name);

function snapshotOf(call: Call, volume: Volume): VolumeSnapshot {
  const found = find(volume, call.names[2] ?? "");
  if (!found) throw new Refusal(404, "Storage pool volume not found");
  return found;
}

/**
 * `GET .../volumes/custom/{volume}/snapshots`: names with that of the volume before them; nothing where there is no such volume, or where it is
 * on another member of the cluster.
 */
export function listVolumeSnapshots(call: Call) {
  const pool = poolOf(call);
  const volume = [...pool.volumes.values()].find(
    ({ name, location }) => name === call.names[1] && location === (memberNames(call.world)[0] ?? "none"),
  );
  const full = Number(call.query.get("recursion") ?? 0) > 0;
  return sync(
    (volume?.snapshots ?? []).map((one) =>
      full
        ? { ...one, name: `${volume?.name}/${one.name}`, content_type: "" }
        : `/1.0/storage-pools/${pool.name}/volumes/custom/${volume?.name}/snapshots/${one.name}`,
    ),
  );
}

export function showVolumeSnapshot(call: Call) {
  const volume = volumeOf(call, poolOf(call));
  const snapshot = snapshotOf(call, volume);
  return sync({ ...snapshot, expires_at: snapshot.expires_at ?? NEVER, content_type: volume.content_type });
}

const task = (call: Call, description: string, run: () => void) =>
  accepted(
    call.world.operations.start({
      description,
      instances: [],
      taskError: call.taskError,
      async run(one) {
        await one.pause(call.world.taskTime);
        run();
      },
    }),
  );

/** `POST .../snapshots`. Without a name the server numbers them: snap0, snap1. */
export function createVolumeSnapshot(call: Call) {
  const volume = volumeOf(call, poolOf(call));
  const body = call.json<{ name?: string; expires_at?: string }>();
  let name = body.name ?? "";
  if (name.includes("/")) throw new Refusal(400, 'Storage name cannot contain "/"');
  if (/\s/.test(name)) throw new Refusal(400, "Storage name cannot contain white space");
  for (let number = 0; !name; number += 1) if (!find(volume, `snap${number}`)) name = `snap${number}`;
  if (find(volume, name)) throw new Refusal(409, `Snapshot "${name}" already in use`);
  return task(call, "Creating storage volume snapshot", () => {
    volume.snapshots.push({
      name,
      // That of its volume, whatever is sent.
      description: volume.description,
      expires_at: body.expires_at ?? null,
      created_at: madeAt(call.world),
      config: { ...volume.config },
    });
  });
}

/** `PUT .../snapshots/{snapshot}`: when it expires, and its description. */
export function putVolumeSnapshot(call: Call) {
  const snapshot = snapshotOf(call, volumeOf(call, poolOf(call)));
  const { expires_at: expires = null, description = "" } = call.json<{ expires_at?: string | null; description?: string }>();
  Object.assign(snapshot, { expires_at: expires === NEVER ? null : expires, description });
  return sync(null);
}

/** `POST .../snapshots/{snapshot}`: another name. */
export function renameVolumeSnapshot(call: Call) {
  const volume = volumeOf(call, poolOf(call));
  const { name = "" } = call.json<{ name?: string }>();
  return task(call, "Renaming storage volume snapshot", () => {
    const snapshot = find(volume, call.names[2] ?? "");
    if (!snapshot) {
      const path = `${volume.name}/${call.names[2]}`;
      throw new Error(
        `Storage volume "${path}" in project "default" of type "custom" does not exist on pool "${call.names[0]}": Storage volume not found`,
      );
    }
    if (find(volume, name)) throw new Error(`Failed to rename "${snapshot.name}" to "${name}": rename ${snapshot.name} ${name}: file exists`);
    snapshot.name = name;
  });
}

export function deleteVolumeSnapshot(call: Call) {
  const volume = volumeOf(call, poolOf(call));
  const snapshot = snapshotOf(call, volume);
  return task(call, "Deleting storage volume snapshot", () => void (volume.snapshots = volume.snapshots.filter((one) => one !== snapshot)));
}
