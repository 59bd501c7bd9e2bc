/**
 * Which backups are kept: rules, what they would do, and doing it.
 * @module
 */
import { type ActionArgs, type CallArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "./client.js";
import { resourcesOf } from "./resources.js";

const count = (what: string) => z.int().min(0).describe(`Keep the newest of so many ${what}`).optional();

const keep = {
  keep_last: z.int().min(0).describe("Keep so many of the newest").optional(),
  keep_hourly: count("hours"),
  keep_daily: count("days"),
  keep_weekly: count("weeks"),
  keep_monthly: count("months"),
  keep_yearly: count("years"),
};
type Keep = z.output<z.ZodObject<typeof keep>>;

const where = {
  storage: z.string(),
  node: z.string().describe("Where the storage is not shared").optional(),
  vmid: z.int().describe("Only backups of this guest").optional(),
};
type Input = z.output<z.ZodObject<typeof where>> & Keep;

/** Proxmox's form of a retention, or undefined where none was given. */
function rule(input: Keep): string | undefined {
  const parts = (["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const).flatMap((name) => {
    const value = input[`keep_${name}`];
    return value === undefined ? [] : [`keep-${name}=${value}`];
  });
  return parts.length === 0 ? undefined : parts.join(",");
}

export const pruning = { keep, where, rule };

const Marked = z.object({ id: z.string(), vmid: z.int().optional(), created: z.string().optional() });
export const Plan = z.object({ keep: z.array(Marked), remove: z.array(Marked), protected: z.array(Marked) });

interface Row {
  readonly volid: string;
  readonly vmid?: number;
  readonly ctime?: number;
  readonly mark: "keep" | "remove" | "protected" | "renamed";
}

async function request(
  { client, signal }: CallArgs<ProxmoxClient>,
  input: Input,
): Promise<{ readonly path: string; readonly parameters: { "prune-backups": string; vmid?: number } }> {
  const kept = rule(input);
  // Without one Proxmox would take that of the storage, and an empty one would keep nothing.
  if (kept === undefined || !/=[1-9]/.test(kept))
    throw new ProxMcpError("INVALID_INPUT", "Say what to keep: at least one of keep_last, keep_daily and so on, above 0.");
  const rows = (await resourcesOf(client, signal, "storage")).filter(
    (row) => row.storage === input.storage && row.status === "available" && (input.node === undefined || row.node === input.node),
  );
  const [first] = rows;
  if (!first) throw new ProxMcpError("NOT_FOUND", `There is no storage ${input.storage}${input.node ? ` on node ${input.node}` : ""}.`);
  if (first.shared !== 1 && rows.length > 1)
    throw new ProxMcpError(
      "INVALID_INPUT",
      `Storage ${input.storage} is not shared: say which node's, with \`node\`. There is: ${rows.map(({ node }) => node).join(", ")}.`,
    );
  return {
    path: at`/nodes/${first.node ?? ""}/storage/${input.storage}/prunebackups`,
    parameters: { "prune-backups": kept, ...(input.vmid === undefined ? {} : { vmid: input.vmid }) },
  };
}

export async function prunePlan(args: ActionArgs<ProxmoxClient, Input>): Promise<z.infer<typeof Plan>> {
  const { path, parameters } = await request(args, args.input);
  const rows = await args.client.get<readonly Row[]>(path, args.signal, parameters);
  const marked = (mark: Row["mark"]): z.infer<typeof Marked>[] =>
    rows
      .filter((row) => row.mark === mark)
      .map(({ volid, vmid, ctime }) => ({
        id: volid,
        ...(vmid === undefined ? {} : { vmid: Number(vmid) }),
        ...(ctime === undefined ? {} : { created: new Date(ctime * 1000).toISOString() }),
      }));
  return { keep: marked("keep"), remove: marked("remove"), protected: [...marked("protected"), ...marked("renamed")] };
}

export async function pruneLosses(args: ActionArgs<ProxmoxClient, Input>): Promise<string> {
  const plan = await prunePlan(args);
  if (plan.remove.length === 0) return "Nothing would be removed.";
  const shown = plan.remove.slice(0, 10).map(({ id }) => id);
  const more = plan.remove.length > shown.length ? ` and ${plan.remove.length - shown.length} more` : "";
  return `Removes ${plan.remove.length} backups for good: ${shown.join(", ")}${more}. ${plan.keep.length} are kept, ${plan.protected.length} are protected.`;
}

export async function prune(args: ActionArgs<ProxmoxClient, Input>): Promise<z.infer<typeof Plan>> {
  const plan = await prunePlan(args);
  const { path, parameters } = await request(args, args.input);
  if (plan.remove.length > 0) await args.client.write("DELETE", path, parameters, args);
  return plan;
}
