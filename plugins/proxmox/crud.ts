/**
 * Kinds that are plain records behind a path: users, firewall rules, backup jobs. A kind says which columns its records have and where
 * they are; listing, showing, creating, changing and deleting follow from that.
 * @module
 */
import { type Action, type ActionArgs, type CallArgs, facet, forClient, isProxMcpError, type Kind, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type Parameters, type ProxmoxClient } from "./client.js";
import { type Column, definedOf, encode, inputOf, readRow } from "./columns.js";

type At = Readonly<Record<string, string | undefined>>;
type Args = CallArgs<ProxmoxClient> & { readonly at: At };
type Row = Readonly<Record<string, unknown>>;

export interface Records {
  readonly name: string;
  readonly about: string;
  readonly says: readonly string[];
  readonly columns: Readonly<Record<string, Column>>;
  /** The field that identifies a record. */
  readonly key: string;
  readonly within?: Readonly<Record<string, z.ZodType>>;
  readonly listRequires?: readonly string[];
  /** Where the list is. Encoded. */
  path(args: Args): string | Promise<string>;
  /** What the list is asked with. */
  readonly query?: Parameters;
  /** Where one record is, when it is not below the list by its key. */
  readonly one?: (path: string, key: string) => string;
  /** A record is shown out of the list, as the API has no other way or tells less there. */
  readonly fromList?: boolean;
  readonly order?: "platform";
  /** More of a record than its columns say, or the fields of its address. */
  more?(row: Row, args: Args): Row;
  /** Which of the four there are. Default all of them but list and get, which always are. */
  readonly verbs?: readonly ("create" | "update" | "delete")[];
  /** Parameters that a creation or a change has besides the columns: the type of a thing that comes in several. */
  readonly fixed?: Parameters;
  /** What is sent instead, where an older release has other names: by the path of the list. Throws UNSUPPORTED for what it lacks. */
  sent?(parameters: Parameters, path: string): Parameters;
  /** Records are put, not posted. */
  readonly updateFixed?: (row: Row) => Parameters;
  /** What a deletion takes away, in a sentence. */
  loses?(item: Row): string;
  readonly note?: string;
  readonly aliases?: {
    readonly list?: readonly string[];
    readonly get?: readonly string[];
    readonly create?: readonly string[];
    readonly update?: readonly string[];
    readonly delete?: readonly string[];
  };
  readonly actions?: Readonly<Record<string, Action<ProxmoxClient>>>;
}

// The fields of a kind that is made here are only known when it is made.
const { kind, write, destructive } = forClient<ProxmoxClient, Record<string, string | undefined>>();

/** A kind of records. */
export function records(spec: Records): Kind<ProxmoxClient> {
  const { columns, key } = spec;
  const shape = Object.fromEntries(Object.entries(columns).map(([name, { schema }]) => [name, name === key ? schema : schema.optional()]));
  const withinShape = Object.fromEntries(
    Object.keys(spec.within ?? {}).map((name) => [
      name,
      shape[name] ?? facet(z.string(), `Of this ${name}`, { says: [name], place: true }).optional(),
    ]),
  );
  const item = z.object({ ...shape, ...withinShape });
  const itemOf = (row: Row, args: Args): Row => ({ ...readRow(columns, row), ...definedOf(args.at), ...spec.more?.(row, args) });
  const pathOf = async (args: Args): Promise<string> => await spec.path(args);
  const oneIn = spec.one ?? ((path: string, name: string) => `${path}${at`/${name}`}`);
  const oneAt = async (args: Args, id: string): Promise<string> => oneIn(await pathOf(args), id);

  const list = async (args: Args): Promise<Row[]> => {
    const rows = await args.client.get<readonly Row[] | null>(await pathOf(args), args.signal, spec.query ?? {});
    return (rows ?? []).map((row) => itemOf(row, args));
  };
  const get = async (args: Args & { readonly key: string }): Promise<Row> => {
    if (!spec.fromList) {
      const row = await args.client.get<Row>(await oneAt(args, args.key), args.signal).catch((error: unknown) => {
        // What can't be a key is refused as a parameter: there is no such record either.
        if (isProxMcpError(error) && error.code === "INVALID_INPUT")
          throw new ProxMcpError("NOT_FOUND", `There is no ${spec.name.replaceAll("_", " ")} ${args.key}: ${error.message}`, { cause: error });
        throw error;
      });
      return itemOf({ ...row, [columns[key]?.wire ?? key]: args.key }, args);
    }
    const found = (await list(args)).find((one) => String(one[key]).toLowerCase() === args.key.toLowerCase());
    if (!found) throw new ProxMcpError("NOT_FOUND", `There is no ${spec.name.replaceAll("_", " ")} ${args.key}.`);
    return found;
  };
  const verbs = spec.verbs ?? ["create", "update", "delete"];
  const actions: Record<string, Action<ProxmoxClient>> = {};
  if (verbs.includes("create"))
    actions.create = write({
      about: `Create ${article(spec)}${spec.note ? `; ${spec.note}` : ""}`,
      aliases: spec.aliases?.create ?? [],
      input: inputOf(columns, "create"),
      run: async (args: ActionArgs<ProxmoxClient, Row, At>) => {
        const path = await pathOf(args);
        const parameters = { ...spec.fixed, ...encode(columns, args.input) };
        await args.client.write("POST", path, spec.sent?.(parameters, path) ?? parameters, args);
        return args.input[key] === undefined ? await newest(args, list, key) : { key: String(args.input[key]) };
      },
    } as never);
  if (verbs.includes("update"))
    actions.update = write({
      about: `Change ${article(spec)}; clear puts settings back to their default${spec.note ? `; ${spec.note}` : ""}`,
      aliases: spec.aliases?.update ?? [],
      input: inputOf(columns, "update", key),
      run: async (args: ActionArgs<ProxmoxClient, Row & { readonly clear?: readonly string[] }, At>) => {
        const gone = (args.input.clear ?? []).map((name) => columns[name]?.wire ?? name).join(",");
        const parameters = { ...encode(columns, args.input), delete: gone === "" ? undefined : gone };
        if (Object.values(parameters).every((value) => value === undefined))
          throw new ProxMcpError("INVALID_INPUT", "There is nothing to change: give at least one setting, or name some in `clear`.");
        const extra = spec.updateFixed?.(await get(args)) ?? {};
        const path = await pathOf(args);
        const all = { ...extra, ...parameters };
        await args.client.write("PUT", oneIn(path, args.key), spec.sent?.(all, path) ?? all, args);
      },
    } as never);
  if (verbs.includes("delete"))
    actions.delete = destructive({
      about: `Delete ${article(spec)}${spec.note ? `; ${spec.note}` : ""}`,
      aliases: spec.aliases?.delete ?? [],
      loses: async (args: Args & { readonly key: string }) => {
        const one = await get(args);
        return spec.loses?.(one) ?? `It is gone for good: ${shown(one)}.`;
      },
      run: async (args: Args & { readonly key: string }) => void (await args.client.write("DELETE", await oneAt(args, args.key), {}, args)),
    } as never);
  return kind({
    name: spec.name,
    about: spec.about,
    says: spec.says,
    item,
    key: key as never,
    ...(spec.within ? { within: spec.within as never } : {}),
    ...(spec.listRequires ? { listRequires: spec.listRequires } : {}),
    ...(spec.order ? { order: spec.order } : {}),
    aliases: { ...(spec.aliases?.list ? { list: spec.aliases.list } : {}), ...(spec.aliases?.get ? { get: spec.aliases.get } : {}) },
    list: list as never,
    get: get as never,
    actions: { ...actions, ...spec.actions },
  });
}

/** Where the platform chooses the key, the record that was not there before is the new one. Rules are put at the top. */
async function newest(args: ActionArgs<ProxmoxClient, Row, At>, list: (args: Args) => Promise<Row[]>, key: string): Promise<{ key: string }> {
  const rows = await list(args);
  return { key: String(rows[0]?.[key] ?? "") };
}

const article = ({ about }: Records): string => (/^[A-Z][a-z ]/.test(about) ? about.charAt(0).toLowerCase() + about.slice(1) : about);
const shown = (row: Row): string =>
  Object.entries(row)
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
    .slice(0, 6)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
