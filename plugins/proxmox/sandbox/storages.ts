import { auditsStorage, badParameter, type Call, flag, number, Refusal, requireQuorum, type Routes, text } from "./calls.js";
import type { StorageSpec } from "./estates.js";
import { storageConfig, storageStatus } from "./rows.js";
import { type Volume, dropVolume, findVolume, isOn, storageOf, visibleVolumes, volumeRow } from "./volumes.js";

const noSuchStorage = (name: string): Refusal => new Refusal(500, `storage '${name}' does not exist`);

export function theStorage(call: Call, missing: (name: string) => Error = noSuchStorage, name = text(call, "storage")): StorageSpec {
  const found = storageOf(call.cluster, name);
  if (!found) throw missing(name);
  return found;
}

function theVolume(call: Call): Volume {
  const given = text(call, "volume");
  const volid = given.includes(":") ? given : `${text(call, "storage")}:${given}`;
  const found = findVolume(call.cluster, text(call, "node"), volid);
  if (!found) throw new Refusal(500, `volume '${volid}' does not exist`);
  return found;
}

const ENDINGS: Readonly<Record<string, RegExp>> = { iso: /\.(iso|img)$/, vztmpl: /\.tar\.(gz|xz|zst|bz2)$/, import: /\.(qcow2|vmdk|raw|ova|ovf)$/ };

/** A place for a new file, or why there is none. */
function shelf(call: Call): { readonly storage: StorageSpec; readonly content: string; readonly filename: string } {
  const storage = theStorage(call);
  const [content, filename] = [text(call, "content"), text(call, "filename")];
  if (!ENDINGS[content]?.test(filename)) throw badParameter("filename", "wrong file extension");
  if (!storage.content.split(",").includes(content)) throw new Refusal(500, `storage '${storage.name}' does not support '${content}' content`);
  return { storage, content, filename };
}

function place(call: Call, { storage, content, filename }: ReturnType<typeof shelf>, size: number): void {
  const volid = `${storage.name}:${content}/${filename}`;
  dropVolume(call.cluster, volid);
  const format = content === "iso" ? "iso" : (/\.([^.]+)$/.exec(filename)?.[1] ?? "raw");
  call.cluster.volumes.push({ volid, storage: storage.name, node: text(call, "node"), content, format, size, ctime: Math.floor(Date.now() / 1000) });
}

function upload(call: Call): string {
  const target = shelf(call);
  const size = number(call, "sandbox-size", 0);
  return call.cluster.tasks.start({
    node: text(call, "node"),
    type: "imgcopy",
    id: "",
    token: call.token,
    failure: call.taskError,
    effect: () => place(call, target, size),
  });
}

function download(call: Call): string {
  const target = shelf(call);
  const url = text(call, "url");
  const taken = findVolume(call.cluster, text(call, "node"), `${target.storage.name}:${target.content}/${target.filename}`);
  return call.cluster.tasks.start({
    node: text(call, "node"),
    type: "download",
    id: target.filename,
    token: call.token,
    slowness: 3,
    log: [`downloading ${url}`, "HTTP request sent, awaiting response... 200 OK", "  0K .......... 25% 1.1M", " 50K .......... 75% 1.2M"],
    refusal: () =>
      taken ? `refusing to override existing file '${target.storage.path ?? ""}/template/${target.content}/${target.filename}'` : undefined,
    failure: call.taskError ?? (/404/.test(url) ? "download failed: exit code 8" : undefined),
    effect: () => place(call, target, 400_000),
  });
}

function removeVolume(call: Call): string | null {
  requireQuorum(call);
  const node = text(call, "node");
  const given = text(call, "volume");
  const volid = given.includes(":") ? given : `${text(call, "storage")}:${given}`;
  const { content, vmid, protected: kept } = findVolume(call.cluster, node, volid) ?? {};
  const id = vmid === undefined ? text(call, "storage") : `${vmid}@${text(call, "storage")}`;
  return call.cluster.tasks.start({
    node,
    type: "imgdel",
    id,
    token: call.token,
    log: [`Removed volume '${volid}'`],
    refusal: () => (kept ? `cannot remove protected volume '${volid.split(":")[1]}' on '${text(call, "storage")}'` : undefined),
    failure: call.taskError ?? (content === undefined ? `volume '${volid}' does not exist` : undefined),
    effect: () => dropVolume(call.cluster, volid, node),
  });
}

interface Mark {
  readonly volume: Volume;
  readonly mark: "keep" | "remove" | "protected";
}

/** Which backups a retention keeps: of each guest the newest, and the newest of so many days, weeks and months. */
function marks(call: Call): Mark[] {
  const storage = theStorage(call);
  const rule = text(call, "prune-backups");
  if (rule === "") throw new Refusal(500, `no prune-backups options configured for storage '${storage.name}'`);
  const keeps = Object.fromEntries(rule.split(",").map((part) => part.split("=") as [string, string]));
  const { vmid, type } = call.parameters;
  const backups = visibleVolumes(call.cluster, text(call, "node"), storage)
    .filter(
      (volume) =>
        volume.content === "backup" && (vmid === undefined || volume.vmid === Number(vmid)) && (type === undefined || volume.subtype === type),
    )
    .sort((a, b) => b.ctime - a.ctime);
  const kept = new Set<Volume>();
  for (const [period, seconds] of [
    ["last", 1],
    ["hourly", 3600],
    ["daily", 86_400],
    ["weekly", 604_800],
    ["monthly", 2_592_000],
    ["yearly", 31_536_000],
  ] as const) {
    const most = Number(keeps[`keep-${period}`] ?? 0);
    for (const id of new Set(backups.map((volume) => volume.vmid))) {
      const seen = new Set<number>();
      for (const volume of backups.filter((one) => one.vmid === id && !one.protected)) {
        const slot = period === "last" ? volume.ctime : Math.floor(volume.ctime / seconds);
        if (seen.has(slot) || seen.size >= most) continue;
        seen.add(slot);
        kept.add(volume);
      }
    }
  }
  const all = isAll(keeps);
  return backups.map((volume) => ({ volume, mark: volume.protected ? "protected" : all || kept.has(volume) ? "keep" : "remove" }));
}

const isAll = (keeps: Readonly<Record<string, string>>): boolean => keeps["keep-all"] === "1";

const needs =
  (privileges: string) =>
  (call: Call): readonly [string, string] => [`/storage/${text(call, "storage")}`, privileges];
const AUDITS = "Datastore.Audit|Datastore.AllocateSpace";
const one = "/nodes/{node}/storage/{storage}";

/** Storages, what they hold, and backups. */
export const storageRoutes: Routes = {
  "GET /storage": { run: (call) => call.cluster.storages.filter((storage) => auditsStorage(call, storage)).map(storageConfig) },
  "GET /storage/{storage}": { needs: needs("Datastore.Allocate"), run: (call) => storageConfig(theStorage(call)) },
  "GET /nodes/{node}/storage": {
    run: (call) =>
      call.cluster.storages
        .filter((storage) => auditsStorage(call, storage) && isOn(storage, text(call, "node")))
        .map((storage) => ({ ...storageStatus(storage), storage: storage.name, used_fraction: storage.used / storage.size })),
  },
  [`GET ${one}/status`]: { needs: needs(AUDITS), run: (call) => storageStatus(theStorage(call, () => badParameter("storage", "No such storage."))) },
  [`GET ${one}/content`]: {
    needs: needs(AUDITS),
    run: (call) => {
      const { content, vmid } = call.parameters;
      return visibleVolumes(call.cluster, text(call, "node"), theStorage(call))
        .filter((volume) => (content === undefined || volume.content === content) && (vmid === undefined || volume.vmid === Number(vmid)))
        .map(volumeRow);
    },
  },
  [`GET ${one}/content/{volume}`]: {
    needs: needs(AUDITS),
    run: (call) => {
      const { size, format, notes, protected: kept, volid } = theVolume(call);
      return { size, used: size, format, path: `/mnt/${volid.replace(":", "/")}`, notes: notes ?? "", protected: kept ? 1 : 0 };
    },
  },
  [`PUT ${one}/content/{volume}`]: {
    needs: needs("Datastore.Allocate|Datastore.AllocateSpace"),
    run: (call) => {
      const volume = theVolume(call);
      if (call.parameters.notes !== undefined) volume.notes = text(call, "notes");
      if (call.parameters.protected !== undefined) volume.protected = flag(call, "protected");
      return null;
    },
  },
  [`DELETE ${one}/content/{volume}`]: { needs: needs("Datastore.Allocate|Datastore.AllocateSpace"), run: removeVolume },
  [`POST ${one}/upload`]: { needs: needs("Datastore.AllocateTemplate"), run: upload },
  [`POST ${one}/download-url`]: { needs: needs("Datastore.AllocateTemplate"), run: download },
  [`GET ${one}/prunebackups`]: {
    needs: needs(AUDITS),
    run: (call) => marks(call).map(({ volume: { volid, vmid, ctime, subtype }, mark }) => ({ volid, vmid, ctime, type: subtype, mark })),
  },
  [`DELETE ${one}/prunebackups`]: {
    needs: needs("Datastore.Allocate|Datastore.AllocateSpace"),
    run: (call) => {
      const gone = marks(call).filter(({ mark }) => mark === "remove");
      return call.cluster.tasks.start({
        node: text(call, "node"),
        type: "prunebackups",
        id: `${text(call, "vmid")}@${text(call, "storage")}`,
        token: call.token,
        failure: call.taskError,
        effect: () => {
          for (const { volume } of gone) dropVolume(call.cluster, volume.volid, volume.node);
        },
      });
    },
  },
  [`GET ${one}/rrddata`]: {
    needs: needs(AUDITS),
    run: (call) => [{ time: 1_795_217_400, total: theStorage(call).size * 2 ** 30, used: theStorage(call).used * 2 ** 30 }],
  },
};
