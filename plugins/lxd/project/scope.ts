/**
 * Projects, at one place: what a kind of thing that lives in projects gets beside what its own file says. Its tools take `project`, its rows
 * say in which they are, and its functions are given a client that looks into that project alone.
 * @module
 */
import {
  type Action,
  type CallArgs,
  type DeclaredKind,
  facet,
  isProxMcpError,
  type Kind,
  type KindTypes,
  type Listing,
  ProxMcpError,
} from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { hasExtension } from "../extensions.js";

/** How all projects are listed. */
export interface Projects {
  /** The extension with which one request answers for all of them; `true` where a server without it may answer for one. Else they are asked one by one. */
  readonly together?: string | true;
  /** The feature that gives a project things of its own. Where it is off, those of the project default are used. */
  readonly feature?: string;
  /** The parameter that names something in a project, to which this belongs. A list of what belongs to it is one of its project. */
  readonly of?: string;
}

type Row = Readonly<Record<string, unknown>>;
type InProject<Types extends KindTypes> = Omit<Types, "item" | "within"> & {
  readonly name: Types["name"];
  readonly key: Types["key"];
  readonly item: Types["item"] & { project: string };
  readonly within: Types["within"] & { project?: string | undefined };
  readonly actions: Types["actions"];
};

const STANDARD = "default";

/** Makes a kind one of things in projects. */
export function inProjects<Types extends KindTypes>(
  kind: Kind<LxdClient> & DeclaredKind<Types>,
  projects: Projects,
): Kind<LxdClient> & DeclaredKind<InProject<Types>> {
  const { list, get, actions = {}, item, within } = kind;
  const scoped: Kind<LxdClient> = {
    ...kind,
    item: (item as z.ZodObject).extend({ project: facet(z.string(), "Project it is in", { says: ["tenant"] }) }),
    within: { ...within, project: z.string().optional() },
    scope: ["project"],
    ...(list ? { list: async (args) => await listIn({ list, projects }, args) } : {}),
    ...(get ? { get: async (args) => await orElsewhere(args, async () => stamped((await get(inside(args))) as Row, projectOf(args))) } : {}),
    actions: Object.fromEntries(Object.entries(actions).map(([verb, action]) => [verb, actionIn(action)])),
  };
  return scoped as never;
}

type Args = CallArgs<LxdClient> & { readonly at: Readonly<Record<string, unknown>> };

/** The project that a call names, or its connection. */
const projectOf = ({ client, at }: Pick<Args, "client" | "at">): string | undefined =>
  (at["project"] as string | undefined) ?? client.connection.options.project;

/** The same call, with the client of its project. */
const inside = <All extends Args>(args: All): All => ({ ...args, client: args.client.inProject(args.at["project"] as string | undefined) });

const stamped = (row: Row, project: string | undefined): Row => ({ ...row, project: row["project"] ?? project ?? STANDARD });

/** Of what is not there it is said that it may be in another project, where none was named. */
async function orElsewhere<Result>(args: Args, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "NOT_FOUND" || projectOf(args) !== undefined || error.details.next) throw error;
    throw new ProxMcpError(error.code, error.message, {
      ...error.details,
      next: `This looked into project ${STANDARD}. A list shows those of all projects; pass \`project\` for another one.`,
    });
  }
}

function actionIn(action: Action<LxdClient>): Action<LxdClient> {
  type Run = (args: Args) => Promise<unknown>;
  const run = action.run as Run;
  const { loses } = action;
  return {
    ...action,
    run: (async (args: Args) => await orElsewhere(args, () => run(inside(args)))) as Action<LxdClient>["run"],
    ...(typeof loses === "function" ? { loses: (async (args: Args) => await (loses as Run)(inside(args))) as never } : {}),
  };
}

interface Lister {
  readonly list: NonNullable<Kind<LxdClient>["list"]>;
  readonly projects: Projects;
}
type ListArgs = Parameters<Lister["list"]>[0];

/** The rows of one project where one is meant, or of all that there are. */
async function listIn({ list, projects }: Lister, args: ListArgs): Promise<Listing<Row>> {
  const { client, at, where } = args;
  const wanted = projectOf(args) ?? exactly(where["project"]);
  const { together, feature, of } = projects;
  if (wanted !== undefined || (of !== undefined && of in at)) return await rowsOf(list, { ...args, client: client.inProject(wanted) }, wanted);
  if (together === true || (together && (await hasExtension(args, together))))
    return await rowsOf(list, { ...args, client: client.inAllProjects() }, undefined);
  const parts = await Promise.all((await projectsWith(args, feature)).map((project) => part(list, args, project)));
  const failed = parts.flatMap(({ failure }) => failure ?? []);
  if (failed[0] && failed.length === parts.length) throw failed[0].error;
  return {
    items: parts.flatMap(({ items }) => items),
    errors: parts.flatMap(({ errors = [], failure }) => [...errors, ...(failure ? [{ ...failure.error.report(), source: failure.project }] : [])]),
  };
}

const exactly = (condition: unknown): string | undefined => (typeof condition === "string" && !condition.includes("*") ? condition : undefined);

async function rowsOf(list: Lister["list"], args: ListArgs, project: string | undefined): Promise<Listing<Row>> {
  const answer = await list(args);
  const { items, errors = [] } = Array.isArray(answer) ? { items: answer as unknown[] } : (answer as Listing<unknown>);
  return { items: items.map((row) => stamped(row as Row, project)), errors };
}

interface Part extends Listing<Row> {
  readonly failure?: { readonly project: string; readonly error: ProxMcpError };
}

/** One project of several: what is wrong with it takes nothing from the others. */
async function part(list: Lister["list"], args: ListArgs, project: string): Promise<Part> {
  try {
    return await rowsOf(list, { ...args, client: args.client.inProject(project) }, project);
  } catch (error) {
    if (args.signal.aborted || !isProxMcpError(error)) throw error;
    return { items: [], failure: { project, error } };
  }
}

/** The projects that have things of their own: all that the feature is on in. An older server has the one alone. */
async function projectsWith(args: CallArgs<LxdClient>, feature: string | undefined): Promise<readonly string[]> {
  const { client, signal } = args;
  if (!(await hasExtension(args, "projects"))) return [STANDARD];
  const ask = { doing: "list projects", signal, query: { recursion: 1 } };
  const all = await client.get<readonly { readonly name: string; readonly config: Readonly<Record<string, string>> }[]>("/1.0/projects", ask);
  return all.filter(({ name, config }) => name === STANDARD || feature === undefined || config[feature] === "true").map(({ name }) => name);
}
