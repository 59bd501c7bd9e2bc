import { facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { Metrics, metricsAt, period } from "../guest/metrics.js";
import { hintAtPermissions, known, lostNodes, offlineNodes, present, type Resource, resourcesOf } from "../resources.js";

const { kind, read } = forClient<ProxmoxClient>();

const Storage = z.object({
  id: facet(z.string(), "Node and storage: pve1/local"),
  name: facet(z.string(), "Name; the same on every node that has it", { says: ["storage"] }),
  node: facet(z.string(), "Node it is seen from", { says: ["host", "server"], place: true }),
  status: facet(z.enum(["available", "unavailable", "unknown"]), "Whether the node can use it now", {
    says: ["state"],
    values: { available: ["active", "online", "up"], unavailable: ["inactive", "down"] },
  }),
  type: facet(z.string(), "What it is: dir, lvmthin, zfspool, nfs, rbd, pbs", { says: ["kind", "backend", "driver"] }).optional(),
  shared: facet(z.boolean(), "The same contents on all its nodes", { says: ["shared storage"] }).optional(),
  content: facet(z.array(z.string()), "What it may hold: images, rootdir, iso, vztmpl, backup, snippets, import", { says: ["contents", "holds"] }),
  disk: facet(z.int(), "Size", { says: ["size", "capacity", "total"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "In use", { says: ["used", "used space"], unit: "bytes" }).optional(),
  enabled: facet(z.boolean(), "It may be used at all", { detail: true }).optional(),
  server: facet(z.string(), "Server of an NFS, CIFS, iSCSI or backup storage", { says: ["nfs server"], detail: true }).optional(),
  export: facet(z.string(), "Export, share, datastore, pool or volume group", {
    says: ["share", "datastore name", "volume group"],
    detail: true,
  }).optional(),
  path: facet(z.string(), "Where it is mounted", { says: ["mount point", "directory"], detail: true }).optional(),
  namespace: facet(z.string(), "Namespace of a backup server", { detail: true }).optional(),
  options: facet(z.string(), "Mount options", { detail: true }).optional(),
  nodes: facet(z.array(z.string()), "Only on these nodes", { detail: true }).optional(),
  retention: facet(z.string(), "Backups that are kept", { says: ["prune"], detail: true }).optional(),
});

export const storages = kind({
  name: "storage",
  about: "A storage as one node sees it; a shared one is listed for each of its nodes",
  says: ["storage", "datastore", "storage pool"],
  item: Storage,
  key: "id",
  alsoBy: ["name"],
  everyday: ["list"],
  aliases: { list: ["proxmox-list-storage", "proxmox_list_storage", "proxmox_get_storage"] },
  get: async (args) => {
    const { client, key, signal, note } = args;
    const [node, name] = key.includes("/") ? key.split("/") : [undefined, key];
    const rows = (await resourcesOf(client, signal)).filter(
      (row) => row.type === "storage" && row.storage === name && (node === undefined || row.node === node),
    );
    const [row] = rows;
    if (!row) throw new ProxMcpError("NOT_FOUND", `There is no storage ${key}.`, { tried: ["GET /cluster/resources"] });
    if (rows.length > 1 && row.shared !== 1)
      throw new ProxMcpError(
        "NAME_AMBIGUOUS",
        `Several nodes have a storage ${key}: ${rows.map((one) => `${one.node}/${one.storage}`).join(", ")}.`,
        {
          data: { candidates: rows.map((one) => `${one.node}/${one.storage}`) },
        },
      );
    const item = storageOf(row, new Set());
    try {
      return { ...item, ...definitionOf(await client.get<Definition>(at`/storage/${name ?? ""}`, signal)) };
    } catch (error) {
      if (!isProxMcpError(error) || error.code !== "FORBIDDEN") throw error;
      note(`How the storage is defined is not shown: ${error.message}`);
      return item;
    }
  },
  actions: {
    metrics: read({
      about: "How full a storage was over time",
      input: period,
      output: Metrics,
      run: async (args) => {
        const [node = "", name = ""] = args.key.split("/");
        if (name === "") throw new ProxMcpError("INVALID_INPUT", "Say which node's: node/storage.");
        return await metricsAt(args, at`/nodes/${node}/storage/${name}`, args.input);
      },
    }),
  },
  list: async (args) => {
    const rows = await resourcesOf(args.client, args.signal);
    const offline = offlineNodes(rows);
    const found = rows.filter((row) => row.type === "storage");
    if (found.length === 0) await hintAtPermissions(args, "Datastore.Audit");
    const items = found.map((row) => storageOf(row, offline));
    return { items, errors: lostNodes(found, offline, "storages") };
  },
});

const STATUS: Readonly<Record<string, z.infer<typeof Storage>["status"]>> = { available: "available", unknown: "unknown" };

const storageOf = (row: Resource, offline: ReadonlySet<string>): z.infer<typeof Storage> =>
  present({
    id: `${row.node}/${row.storage}`,
    name: row.storage ?? "",
    node: row.node ?? "",
    status: offline.has(row.node ?? "") ? ("unknown" as const) : (STATUS[row.status ?? ""] ?? "unavailable"),
    type: row.plugintype,
    shared: row.shared === undefined ? undefined : row.shared === 1,
    content: (row.content ?? "").split(",").filter((one) => one !== ""),
    disk: known(row.maxdisk),
    disk_used: known(row.maxdisk) === undefined ? undefined : row.disk,
  }) as z.infer<typeof Storage>;

/** `GET /storage/{storage}` */
type Definition = Readonly<Record<string, string | number | undefined>>;

/** What each type of storage calls the thing it lies in. */
const definitionOf = (found: Definition): object => {
  const text = (...names: string[]): string | undefined =>
    names
      .map((name) => found[name])
      .find((value) => value !== undefined)
      ?.toString();
  return present({
    enabled: found.disable === undefined ? true : Number(found.disable) !== 1,
    server: text("server", "portal", "monhost"),
    export: text("export", "share", "datastore", "pool", "vgname", "target"),
    path: text("path", "mountpoint"),
    namespace: text("namespace"),
    options: text("options"),
    nodes: text("nodes")?.split(","),
    retention: text("prune-backups"),
  });
};
