import { createHash } from "node:crypto";
import { parseSize } from "../sizes.js";
import { accepted, Refusal, sync } from "./answers.js";
import { fromImage } from "./estate.js";
import { guestOf, refuseBusy } from "./guests.js";
import { moveGuest } from "./migration.js";
import { renderGuest } from "./render.js";
import type { Call } from "./router.js";
import { checkName, configFault, deviceFault, parseFilter } from "./rules.js";
import { setRunning } from "./states.js";
import type { DeviceSet, Guest, Text } from "./world.js";

const etagOf = (call: Call, guest: Guest): string =>
  createHash("sha256")
    .update(JSON.stringify(renderGuest(call.world, guest)))
    .digest("hex");

export function listGuests(call: Call) {
  const recursion = Number(call.query.get("recursion") ?? 0);
  const filter = parseFilter(call.query.get("filter") ?? "");
  const guests = [...call.world.guests.values()];
  const rendered = guests.map((guest) => renderGuest(call.world, guest, recursion === 2)).filter(filter);
  return sync(recursion ? rendered : rendered.map(({ name }) => call.world.pathOf(`/1.0/instances/${name}`)));
}

export function showGuest(call: Call) {
  const guest = guestOf(call);
  const full = Number(call.query.get("recursion") ?? 0) > 0;
  return sync(renderGuest(call.world, guest, full), { etag: `"${etagOf(call, guest)}"` });
}

interface UpdateBody {
  readonly restore?: string;
  readonly description?: string;
  readonly config?: Readonly<Record<string, string | null>>;
  readonly devices?: DeviceSet;
  readonly profiles?: readonly string[];
}

function checkMatch(call: Call, guest: Guest): void {
  const match = call.headers["if-match"];
  const etag = etagOf(call, guest);
  if (match !== undefined && String(match).replaceAll('"', "") !== etag) throw new Refusal(412, `ETag doesn't match: ${etag} vs ${match}`);
}

/** `PATCH /1.0/instances/{name}`: keys and whole devices are merged in, at once. */
export function patchGuest(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  const body = call.json<UpdateBody>();
  checkMatch(call, guest);
  for (const profile of body.profiles ?? []) if (!world.profiles.has(profile)) throw new Refusal(404, "Profile not found");
  const wrong = configFault(body.config ?? {});
  if (wrong) throw new Refusal(500, `Invalid config: ${wrong}`);
  const device = deviceFault(world, body.devices ?? {});
  if (device) throw new Refusal(500, `Invalid devices: ${device}`);
  for (const [name, { type, path, pool = "" }] of Object.entries(body.devices ?? {})) {
    if (type === "disk" && path === "/" && pool !== world.expanded(guest).devices[name]?.pool) {
      throw new Refusal(500, `Cannot update root disk device pool name to "${pool}"`);
    }
  }
  const memory = parseSize(body.config?.["limits.memory"] ?? undefined);
  if (guest.status !== "Stopped" && memory !== undefined && memory < guest.memoryUsage) {
    throw new Refusal(500, "setting cgroup item for the container failed");
  }
  const merged = { ...guest.config, ...body.config };
  guest.config = Object.fromEntries(Object.entries(merged).filter((entry): entry is [string, string] => Boolean(entry[1])));
  guest.devices = { ...guest.devices, ...body.devices };
  if (body.profiles) guest.profiles = [...body.profiles];
  // What is not sent is forgotten, alone of all fields.
  guest.description = body.description ?? "";
  return sync({});
}

/** `PUT /1.0/instances/{name}`: puts back a snapshot, or replaces the settings. */
export function putGuest(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  const body = call.json<UpdateBody>();
  const started = (description: string, run: () => Promise<void>) =>
    accepted(
      world.operations.start({
        description,
        instances: [`/1.0/instances/${guest.name}`],
        containers: guest.type === "container",
        taskError: call.taskError,
        run,
      }),
    );
  if (body.restore === undefined) {
    checkMatch(call, guest);
    return started("Updating instance", async () => {
      refuseBusy(guest, "update");
      guest.config = { ...(body.config as Text | undefined) };
      guest.devices = body.devices ?? {};
      guest.profiles = [...(body.profiles ?? [])];
      guest.description = body.description ?? "";
    });
  }
  return started("Restoring snapshot", async () => {
    const snapshot = guest.snapshots.find(({ name }) => name === body.restore);
    if (!snapshot) throw new Error(`Snapshot ${guest.name}/${body.restore} does not exist`);
    await new Promise((done) => setTimeout(done, world.taskTime));
    const { files, config, devices, profiles, description } = snapshot.of;
    Object.assign(guest, { files: new Map(files), config: { ...config }, devices: { ...devices }, profiles: [...profiles], description });
    // A running instance is stopped for it, and started again.
    if (guest.status === "Running") setRunning(world, guest);
  });
}

/** `POST /1.0/instances/{name}/rebuild`: a fresh disk, the same settings. */
export function rebuildGuest(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  // It came with LXD 5.15, and this is 5.0.
  if (world.host.flavor === "lxd") throw new Refusal(404, "not found");
  const { source = {} } = call.json<{ source?: { type?: string; alias?: string; fingerprint?: string } }>();
  if (guest.status !== "Stopped") throw new Refusal(400, "Instance must be stopped to be rebuilt");
  if (guest.snapshots.length) throw new Refusal(400, "Cannot rebuild an instance with snapshots");
  const image = world.images.find(
    ({ aliases, fingerprint }) => aliases.includes(source.alias ?? " ") || (source.fingerprint && fingerprint.startsWith(source.fingerprint)),
  );
  if (source.type === "image" && !image) throw new Refusal(404, "Image alias not found");
  return accepted(
    world.operations.start({
      description: "Rebuilding instance",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      async run(task) {
        await task.pause(world.taskTime);
        guest.files = new Map([["/etc/hostname", `${guest.name}\n`]]);
        const own = Object.entries(guest.config).filter(([key]) => !key.startsWith("image.") && key !== "volatile.base_image");
        guest.config = { ...Object.fromEntries(own), ...(image ? fromImage(image.properties, image.fingerprint) : {}) };
      },
    }),
  );
}

export function deleteGuest(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  if (guest.status !== "Stopped") throw new Refusal(400, "Instance is running");
  return accepted(
    world.operations.start({
      description: "Deleting instance",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      async run(task) {
        refuseBusy(guest, "delete");
        await task.pause(world.taskTime);
        world.guests.delete(guest.name);
      },
    }),
  );
}

/** `POST /1.0/instances/{name}`: renames it, or moves it. */
export function renameGuest(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  const { name = "", migration } = call.json<{ name?: string; migration?: boolean }>();
  if (migration) return moveGuest(call);
  checkName(name);
  if (world.guests.has(name)) throw new Refusal(409, `Name "${name}" already in use`);
  return accepted(
    world.operations.start({
      description: "Renaming instance",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      run() {
        if (guest.status !== "Stopped") throw new Error("Renaming of running container not allowed");
        world.guests.delete(guest.name);
        guest.name = name;
        guest.files.set("/etc/hostname", `${name}\n`);
        world.guests.set(name, guest);
      },
    }),
  );
}
