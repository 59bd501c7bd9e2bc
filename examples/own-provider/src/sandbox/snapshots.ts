import { refuse } from "./refusal.ts";
import { authorize, bodyOf, boxFor, type Handler, type Request, text } from "./request.ts";
import type { Box } from "./state.ts";

const dataset = (username: string): string => `tank/containers/${username}-container`;

/** The error is that of ZFS, which knows datasets and no containers. */
const boxOf = (request: Request): Box =>
  boxFor(request, `zfs list: cannot open '${dataset("%s")}': dataset does not exist`.replaceAll("%s", request.parts[0] ?? ""));

function ready(request: Request, scope: string): Box {
  authorize(request, scope, request.parts[0]);
  try {
    return boxOf(request);
  } catch (error) {
    return refuse((error as Error).message, "FailedPrecondition");
  }
}

function found(box: Box, name: string): number {
  const at = box.snapshots.findIndex((one) => one.name === name);
  return at >= 0
    ? at
    : refuse(
        `zfs: could not find any snapshots to destroy; cannot open '${dataset(box.username)}@${name}': dataset does not exist`,
        "FailedPrecondition",
      );
}

export const list: Handler = (request) => ({ snapshots: ready(request, "containers:read").snapshots });

export const create: Handler = (request) => {
  const box = ready(request, "containers:write");
  const name = text(bodyOf(request, ["name"])["name"]);
  if (name.startsWith("snapshot-"))
    refuse(`snapshot names beginning with "snapshot-" are reserved for Incus's own snapshots; choose another name`, "InvalidArgument");
  if (!name || /[@/\s]/.test(name)) refuse(`invalid snapshot name "${name}"`, "FailedPrecondition");
  const full = `${dataset(box.username)}@${name}`;
  if (box.snapshots.some((one) => one.name === name))
    refuse(`zfs snapshot: cannot create snapshot '${full}': dataset already exists`, "FailedPrecondition");
  const snapshot = { name, usedBytes: "0", referencedBytes: String(box.diskUsed) };
  box.snapshots.push(snapshot);
  return { snapshot, message: `created snapshot ${full}` };
};

export const remove: Handler = (request) => {
  const box = ready(request, "containers:write");
  const name = request.parts[1] ?? "";
  const [gone] = box.snapshots.splice(found(box, name), 1);
  return { message: `destroyed snapshot ${dataset(box.username)}@${name}`, freedBytes: gone?.usedBytes ?? "0" };
};

/** Refuses what would take more with it than was said, before anything is destroyed. */
export const rollback: Handler = async (request) => {
  const box = ready(request, "containers:write");
  const name = request.parts[1] ?? "";
  const { force, destroyNewer } = bodyOf(request, ["force", "destroyNewer"]);
  const at = found(box, name);
  const running = box.state === "RUNNING";
  if (running && force !== true)
    refuse(
      `container ${box.username} is running; roll back a stopped container, or pass --force to have the daemon stop it first`,
      "FailedPrecondition",
    );
  const newer = box.snapshots.slice(at + 1).map((one) => one.name);
  if (newer.length > 0 && destroyNewer !== true)
    refuse(
      `refusing to roll ${box.username} back to ${name}: snapshots taken after it would have to be destroyed. Re-run with --destroy-newer to accept losing them.`,
      "FailedPrecondition",
    );
  await request.work();
  box.snapshots.splice(at + 1);
  if (running) Object.assign(box, { state: "STOPPED", stoppedAt: Date.now(), ip: "" });
  return {
    message: `rolled ${box.username} back to snapshot ${name}; everything written since is gone`,
    containerStopped: running,
    destroyedSnapshots: newer,
  };
};
