import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { hasExtension } from "../extensions.js";
import { defined, memberName } from "../instance/fields.js";
import { moment } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient>();

interface WireWarning {
  readonly uuid: string;
  readonly status: string;
  readonly type: string;
  readonly severity: string;
  readonly last_message: string;
  readonly count: number;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
  readonly location?: string;
  readonly project?: string;
  readonly entity_url?: string;
}

const Warning = z.object({
  id: facet(z.string(), "Its UUID"),
  type: facet(z.string(), "What kind of trouble it is"),
  status: facet(z.enum(["new", "acknowledged", "resolved"]), "Whether somebody has seen to it", {
    values: { new: ["open", "unacknowledged"], acknowledged: ["seen"], resolved: ["over"] },
  }),
  severity: facet(z.enum(["low", "moderate", "high"]), "How grave it is", { values: { high: ["grave", "severe"], moderate: ["medium"] } }),
  message: facet(z.string(), "What the server said last").optional(),
  count: facet(z.int(), "How often it has come", { says: ["times"] }),
  about: facet(z.string(), "What it is about, as a path of the API").optional(),
  node: facet(z.string(), "Cluster member", { says: ["member"], place: true }).optional(),
  project: facet(z.string(), "Project it is about").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it came first", { says: ["first seen"] }).optional(),
  last_seen: facet(z.iso.datetime({ offset: true }), "When it came last").optional(),
});

const pathOf = (id: string): string => `/1.0/warnings/${encodeURIComponent(id)}`;
const SEVERITIES = ["low", "moderate", "high"] as const;
const STATUSES = ["new", "acknowledged", "resolved"] as const;

const warningOf = (wire: WireWarning) =>
  defined({
    id: wire.uuid,
    type: wire.type,
    status: STATUSES.find((one) => one === wire.status) ?? "new",
    severity: SEVERITIES.find((one) => one === wire.severity) ?? "moderate",
    message: wire.last_message || undefined,
    count: wire.count,
    about: wire.entity_url || undefined,
    node: memberName(wire.location),
    project: wire.project || undefined,
    created: moment(wire.first_seen_at),
    last_seen: moment(wire.last_seen_at),
  });

export const warnings = kind({
  name: "warning",
  about: "Trouble that the server has noted about itself",
  says: ["warning", "trouble"],
  item: Warning,
  key: "id",
  aliases: { list: ["lxd_list_warnings"] },

  async list(args) {
    // A server that does not note any has none.
    if (!(await hasExtension(args, "warnings"))) return [];
    const ask = { doing: "list warnings", signal: args.signal, query: { recursion: 1 } };
    return ((await args.client.get<readonly WireWarning[] | null>("/1.0/warnings", ask)) ?? []).map(warningOf);
  },

  async get({ client, key, signal }) {
    return warningOf(await client.get<WireWarning>(pathOf(key), { doing: `read warning "${key}"`, signal }));
  },

  actions: {
    acknowledge: write({
      about: "Note that a warning has been seen",
      idempotent: true,
      aliases: ["lxd_ack_warning"],
      async run({ client, key, signal, progress }) {
        const ask = { doing: `acknowledge warning "${key}"`, signal, progress };
        // The server takes the change of a warning that is not there for done.
        await client.get(pathOf(key), ask);
        await client.change("PUT", pathOf(key), { status: "acknowledged" }, ask);
      },
    }),

    delete: destructive({
      about: "Delete a warning; it comes again if its cause is still there",
      loses: "Deletes the warning and how often it came.",
      async run({ client, key, signal, progress }) {
        await client.change("DELETE", pathOf(key), undefined, { doing: `delete warning "${key}"`, signal, progress });
      },
    }),
  },
});
