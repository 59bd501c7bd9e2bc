import { accepted, Refusal } from "./answers.js";
import { importBackup } from "./backups.js";
import { fromImage } from "./estate.js";
import { createFault } from "./faults.js";
import { thaw } from "./frozen.js";
import { remoteImage } from "./image-transfer.js";
import { receive, STREAMS } from "./migration.js";
import type { Call } from "./router.js";
import { checkName } from "./rules.js";
import { snapshotMissing } from "./snapshots.js";
import { type DeviceSet, type Guest, type Image, type Snapshot, type Text, type World } from "./world.js";

interface Source {
  readonly type?: string;
  readonly alias?: string;
  readonly fingerprint?: string;
  readonly server?: string;
  /** What to copy: an instance, or `instance/snapshot`. */
  readonly source?: string;
  /** Where that is, if not here. */
  readonly project?: string;
  readonly instance_only?: boolean;
  /** Of a migration: `pull` or `push`, and where the other side is. */
  readonly mode?: string;
  readonly operation?: string;
  readonly certificate?: string;
  readonly secrets?: Readonly<Record<string, string>>;
}

interface CreateBody {
  readonly name?: string;
  readonly type?: string;
  readonly architecture?: string;
  readonly description?: string;
  readonly ephemeral?: boolean;
  readonly config?: Text;
  readonly devices?: DeviceSet;
  readonly profiles?: readonly string[];
  readonly source?: Source;
}

/** `POST /1.0/instances`. What is plainly wrong is refused at once, the rest fails the operation. */
export function createGuest(call: Call) {
  const { world } = call;
  if (String(call.headers["content-type"]).startsWith("application/octet-stream")) return importBackup(call);
  const body = call.json<CreateBody>();
  const source = body.source ?? {};
  if (source.type !== "image" && source.type !== "copy" && source.type !== "migration")
    throw new Refusal(400, `Unknown source type ${source.type ?? ""}`);
  const image = source.type === "image" && !source.server ? localImage(world, source) : undefined;
  const type = body.type ?? "container";
  if (type !== "container" && type !== "virtual-machine") throw new Refusal(400, "Invalid instance type");
  const name = body.name || `calm-otter-${world.guests.size}`;
  checkName(name);
  // A copy gets the profiles that the request names and no others.
  const profiles = body.profiles ?? (source.type === "copy" ? [] : ["default"]);
  for (const profile of profiles) {
    if (!world.profiles.has(profile)) throw new Refusal(500, `Requested profile "${profile}" doesn't exist`);
  }
  const target = call.query.get("target");
  if (target && !world.host.members.length) throw new Refusal(400, "Target only allowed when clustered");
  if (target && !world.host.members.includes(target)) throw new Refusal(404, "Cluster member not found");
  if (source.type === "migration") return receiveGuest(call, body, source, { name, type, profiles, ...(target ? { target } : {}) });
  const original =
    source.type === "copy" ? originalOf(source.project ? (world.projects.get(source.project) ?? world) : world, source.source ?? "") : undefined;
  return accepted(
    world.operations.start({
      description: "Creating instance",
      instances: [name, ...(original ? [source.source] : [])].map((one) => `/1.0/instances/${one}`),
      containers: type === "container",
      taskError: world.leavesHalf ? undefined : call.taskError,
      mayCancel: Boolean(source.server),
      async run(task) {
        const from = source.server ? await remoteImage(world, source, type, task) : image;
        if (!original && !from) throw new Error("Image not provided for instance creation");
        if (from && from.type !== type) throw new Error(`Requested image's type "${from.type}" doesn't match instance type "${type}"`);
        const guest = { config: { ...body.config }, devices: { ...original?.devices, ...body.devices }, profiles: [...profiles] };
        const fault = createFault(world, name, guest);
        if (fault) throw new Error(`Failed creating instance record: ${fault}`);
        await task.pause(world.taskTime);
        if (from) {
          from.last_used_at = new Date().toISOString();
          const progress = { percent: "100", speed: "64891188", stage: "create_instance_from_image_unpack" };
          task.report({ create_instance_from_image_unpack_progress: "Unpack: 100% (64.89MB/s)", progress });
        }
        // To another member goes what the request says, and nothing else.
        const away = original !== undefined && target !== null && world.guests.get(source.source?.split("/")[0] ?? "")?.location !== target;
        if (away && !body.architecture) throw new Error("Architecture isn't supported: ");
        const copied = Object.entries((away ? undefined : original?.config) ?? {}).filter(
          ([key]) => !key.startsWith("volatile.") || key === "volatile.base_image",
        );
        const own = from ? fromImage(from.properties, from.fingerprint) : Object.fromEntries(copied);
        world.add({
          ...guest,
          name,
          type,
          ...(from ? { architecture: from.architecture } : {}),
          description: body.description ?? "",
          ephemeral: body.ephemeral ?? false,
          config: { ...own, ...guest.config },
          files: new Map(original?.files),
          snapshots: source.instance_only ? [] : [...(original?.snapshots ?? [])],
          ...(target ? { location: target } : {}),
        });
        if (call.taskError !== undefined) throw new Error(call.taskError);
      },
    }),
  );
}

/** `mode: pull` fetches from the other server, `push` waits for it. */
function receiveGuest(
  call: Call,
  body: CreateBody,
  source: Source,
  { name, type, profiles, target }: { name: string; type: Guest["type"]; profiles: readonly string[]; target?: string },
) {
  const { world } = call;
  const pulls = source.mode === "pull";
  if (!pulls && source.mode !== "push") throw new Refusal(400, `Migration mode ${source.mode ?? ""} not implemented`);
  if (world.guests.has(name)) throw new Refusal(409, `Instance "${name}" already exists`);
  return accepted(
    world.operations.start({
      description: "Creating instance",
      instances: [`/1.0/instances/${name}`],
      containers: type === "container",
      taskError: call.taskError,
      ...(pulls ? {} : { sockets: STREAMS, metadata: (secrets: Readonly<Record<string, string>>) => secrets }),
      async run(task) {
        const guest = { config: { ...body.config }, devices: { ...body.devices }, profiles: [...profiles] };
        const fault = createFault(world, name, guest);
        if (fault) throw new Error(`Failed creating instance record: ${fault}`);
        const { frozen, arrived } = await receive(task, pulls ? source : undefined);
        const { snapshots, files = new Map() } = thaw(frozen);
        world.add({
          ...guest,
          name,
          type,
          architecture: frozen.architecture,
          description: body.description ?? "",
          ephemeral: body.ephemeral ?? false,
          files,
          snapshots: source.instance_only ? [] : (snapshots ?? []),
          ...(target ? { location: target } : {}),
        });
        arrived();
      },
    }),
  );
}

/** What a copy is made of: an instance, or one of its snapshots as `instance/snapshot`. */
function originalOf(world: World, source: string): Snapshot["of"] & Partial<Pick<Guest, "snapshots">> {
  const [name = "", snapshot] = source.split("/");
  const guest = world.guests.get(name);
  if (!guest) throw new Refusal(404, `Failed to fetch instance "${name}" in project "${world.project}": Instance not found`);
  const found = guest.snapshots.find((one) => one.name === snapshot);
  if (snapshot !== undefined && !found) throw new Refusal(404, snapshotMissing(snapshot, name));
  return found?.of ?? guest;
}

function localImage(world: World, source: Source): Image | undefined {
  if (source.alias) {
    const found = world.images.find(({ aliases }) => aliases.includes(source.alias as string));
    if (!found) throw new Refusal(404, "Image alias not found");
    return found;
  }
  if (!source.fingerprint) throw new Refusal(500, "Must specify one of alias, fingerprint or properties for init from image");
  return world.images.find(({ fingerprint }) => fingerprint.startsWith(source.fingerprint as string));
}
