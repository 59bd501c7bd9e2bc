import { facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined, memberName } from "../instance/fields.js";
import { moment, type Operation as WireOperation } from "../wire.js";

const { kind, write } = forClient<LxdClient>();

const STATUSES = ["pending", "running", "cancelling", "success", "failure", "cancelled"] as const;

// Of its metadata only the progress is shown: it holds the environment of commands, and the secrets of streams and tokens.
const Operation = z.object({
  id: facet(z.string(), "Its UUID"),
  description: facet(z.string(), "What it does", { says: ["task"] }),
  status: facet(z.enum(STATUSES), "State now", {
    values: { running: ["active", "under way"], failure: ["failed"], success: ["done", "finished"], pending: ["waiting"] },
  }),
  type: facet(z.enum(["task", "websocket", "token"]), "Work, a stream, or a token that waits to be used"),
  progress: facet(z.string(), "How far it is").optional(),
  instances: facet(z.array(z.string()), "Instances it works on", { says: ["instance"] }),
  may_cancel: facet(z.boolean(), "Whether it can be cancelled", { says: ["cancellable"] }),
  error: facet(z.string(), "Why it failed").optional(),
  node: facet(z.string(), "Cluster member", { says: ["member"], place: true }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it began", { says: ["started", "begun"] }).optional(),
});

const pathOf = (id: string): string => `/1.0/operations/${encodeURIComponent(id)}`;
const TYPES = ["task", "websocket", "token"] as const;

function operationOf(wire: WireOperation) {
  const paths = Object.values(wire.resources ?? {}).flatMap((all) => all ?? []);
  const projects = paths.flatMap((path) => new URLSearchParams(path.split("?")[1]).get("project") ?? []);
  const progress = Object.entries(wire.metadata ?? {}).find(([key, value]) => key.endsWith("_progress") && typeof value === "string" && value);
  return defined({
    id: wire.id,
    description: wire.description,
    // 105 is what begins; the words are Pending, Running, and so on.
    status: STATUSES.find((one) => one === wire.status.toLowerCase()) ?? (wire.status_code < 200 ? "running" : "failure"),
    type: TYPES.find((one) => one === wire.class) ?? "task",
    progress: progress?.[1] as string | undefined,
    instances: (wire.resources?.instances ?? []).map((path) => decodeURIComponent(path.split("?")[0]?.replace("/1.0/instances/", "") ?? "")),
    may_cancel: wire.may_cancel,
    error: wire.err || undefined,
    node: memberName(wire.location),
    project: projects[0],
    created: moment(wire.created_at),
  });
}

export const operations = kind({
  name: "operation",
  about: "Work that the server does in the background; what has ended is known for a few seconds more",
  says: ["operation", "background operation"],
  item: Operation,
  key: "id",
  aliases: { list: ["lxd_list_operations"], get: ["lxd_operation_show"] },

  async list({ client, signal }) {
    const ask = { doing: "list operations", signal, query: { recursion: 1 } };
    const byStatus = await client.get<Readonly<Record<string, readonly WireOperation[] | null>> | null>("/1.0/operations", ask);
    return Object.values(byStatus ?? {}).flatMap((all) => (all ?? []).map(operationOf));
  },

  async get({ client, key, signal }) {
    return operationOf(await client.get<WireOperation>(pathOf(key), { doing: `read operation "${key}"`, signal }));
  },

  actions: {
    cancel: write({
      about: "Cancel an operation that can be cancelled; what it was making may be left half made",
      aliases: ["lxd_operation_delete"],
      async run({ client, key, signal, progress }) {
        try {
          await client.change("DELETE", pathOf(key), undefined, { doing: `cancel operation "${key}"`, signal, progress });
        } catch (error) {
          if (!isProxMcpError(error) || !/can't be cancelled|can be cancelled/i.test(error.message)) throw error;
          throw new ProxMcpError("WRONG_STATE", error.message, { ...error.details, next: "Wait for its end: read it until its status says so." });
        }
      },
    }),
  },
});
