import { accepted, Refusal, sync } from "./answers.js";
import { guestOf } from "./guests.js";
import { moveGuest } from "./migration.js";
import { renderSnapshot } from "./render.js";
import type { Call } from "./router.js";
import type { Guest, Snapshot } from "./world.js";

export const snapshotMissing = (name: string, instance: string): string =>
  `Failed to fetch snapshot "${name}" of instance "${instance}" in project "default": InstanceSnapshot not found`;

function snapshotOf(call: Call, guest: Guest): Snapshot {
  const wanted = call.names[1] ?? "";
  const found = guest.snapshots.find(({ name }) => name === wanted);
  if (!found) {
    throw new Refusal(404, snapshotMissing(wanted, guest.name));
  }
  return found;
}

export function listSnapshots(call: Call) {
  const guest = guestOf(call);
  const full = Number(call.query.get("recursion") ?? 0) > 0;
  return sync(
    guest.snapshots.map((snapshot) =>
      full ? renderSnapshot(call.world, guest, snapshot) : `/1.0/instances/${guest.name}/snapshots/${encodeURIComponent(snapshot.name)}`,
    ),
  );
}

export function showSnapshot(call: Call) {
  const guest = guestOf(call);
  return sync(renderSnapshot(call.world, guest, snapshotOf(call, guest)));
}

/** `POST /1.0/instances/{name}/snapshots`. Without a name the server numbers them: snap0, snap1. */
export function createSnapshot(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  const body = call.json<{ name?: string; stateful?: boolean; expires_at?: string }>();
  let name = body.name ?? "";
  if (name.includes("/")) throw new Refusal(400, 'Invalid snapshot name: Cannot contain "/"');
  for (let number = 0; !name; number += 1) if (!guest.snapshots.some((one) => one.name === `snap${number}`)) name = `snap${number}`;
  return accepted(
    world.operations.start({
      description: "Snapshotting instance",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      async run(task) {
        const failed = `Failed creating instance snapshot record "${name}": `;
        if (body.stateful) throw new Error("Unable to create a stateful snapshot. CRIU isn't installed");
        if (/\s/.test(name)) throw new Error(`${failed}Invalid instance snapshot name: Cannot contain space or / characters`);
        if (guest.snapshots.some((one) => one.name === name)) {
          throw new Error(`${failed}Add snapshot info to the database: This "instances_snapshots" entry already exists`);
        }
        await task.pause(world.taskTime);
        guest.snapshots.push({
          name,
          created_at: new Date().toISOString(),
          expires_at: body.expires_at ?? "0001-01-01T00:00:00Z",
          stateful: false,
          of: {
            config: { ...guest.config },
            devices: structuredClone(guest.devices),
            profiles: [...guest.profiles],
            files: new Map(guest.files),
            description: guest.description,
          },
        });
      },
    }),
  );
}

/** `PUT /1.0/instances/{name}/snapshots/{snapshot}`: when it expires. */
export function putSnapshot(call: Call) {
  const guest = guestOf(call);
  const snapshot = snapshotOf(call, guest);
  const { expires_at } = call.json<{ expires_at?: string }>();
  return changed(call, guest, snapshot, "Updating snapshot", () => void (snapshot.expires_at = expires_at ?? NEVER));
}

/** `POST /1.0/instances/{name}/snapshots/{snapshot}`: renames it, or sends it to another server. */
export function postSnapshot(call: Call) {
  const guest = guestOf(call);
  const snapshot = snapshotOf(call, guest);
  const { name = "", migration } = call.json<{ name?: string; migration?: boolean }>();
  if (migration) return moveGuest(call, snapshot);
  if (guest.snapshots.some((one) => one.name === name)) throw new Refusal(409, `Name "${guest.name}/${name}" already in use`);
  return changed(call, guest, snapshot, "Renaming snapshot", () => void (snapshot.name = name));
}

const NEVER = "0001-01-01T00:00:00Z";

const changed = (call: Call, guest: Guest, snapshot: Snapshot, description: string, run: () => void) =>
  accepted(
    call.world.operations.start({
      description,
      instances: [`/1.0/instances/${guest.name}/snapshots/${snapshot.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      run,
    }),
  );

export function deleteSnapshot(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  const snapshot = snapshotOf(call, guest);
  return accepted(
    world.operations.start({
      description: "Deleting snapshot",
      instances: [`/1.0/instances/${guest.name}/${snapshot.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      async run(task) {
        await task.pause(world.taskTime);
        guest.snapshots = guest.snapshots.filter((one) => one !== snapshot);
      },
    }),
  );
}
