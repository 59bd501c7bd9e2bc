/** Lists of records with a key, which are most of what Proxmox keeps apart from guests. */
import { badParameter, type Call, Refusal, requireQuorum, type Route, type Routes, text } from "./calls.js";
import type { Row } from "./cluster.js";

export interface Collection {
  /** `/access/groups`, `/nodes/{node}/network` */
  readonly path: string;
  /** Name of the parameter that identifies a record. */
  readonly key: string;
  /** Its parameter in the path, where that is another one. */
  readonly inPath?: string;
  /** Words for a second record of the same key and for one that is not there. */
  readonly exists: (id: string) => string;
  readonly missing: (id: string) => string;
  readonly seed?: (call: Call) => Row[];
  /** What a new record has beside what was sent. */
  readonly born?: (call: Call, row: Row) => Row;
  /** Words for what is not allowed. */
  readonly refuse?: (call: Call, verb: "create" | "update" | "delete") => string | undefined;
  readonly needs?: Route["needs"];
  /** The list has other fields than the record. */
  readonly listed?: (row: Row, call: Call) => Row;
  readonly shown?: (row: Row, call: Call) => unknown;
  readonly verbs?: readonly ("create" | "get" | "update" | "delete")[];
  /** New records go first. */
  readonly first?: boolean;
}

const STEERING = new Set(["delete", "digest", "append", "lock-token", "pos", "moveto", "force"]);

/** The path with the call's values in it. */
const concrete = (path: string, call: Call): string => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => text(call, name));

/** The records of a list, which begins with its seed. */
export function rowsOf(call: Call, { path, seed }: Pick<Collection, "path" | "seed">): Row[] {
  const { records } = call.cluster;
  const at = concrete(path, call);
  const known = records.get(at);
  if (known) return known;
  const rows = seed?.(call) ?? [];
  records.set(at, rows);
  return rows;
}

export function collection(spec: Collection): Routes {
  const { path, key, inPath = key, needs } = spec;
  const verbs = spec.verbs ?? ["create", "get", "update", "delete"];
  const own = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ""));
  const given = (call: Call): Row =>
    Object.fromEntries(
      Object.entries(call.parameters).flatMap(([name, value]) =>
        own.has(name) || STEERING.has(name) || value === undefined || value === null
          ? []
          : [[name, typeof value === "boolean" ? Number(value) : Array.isArray(value) ? value.join(",") : value]],
      ),
    );
  const find = (call: Call): Row | undefined => rowsOf(call, spec).find((row) => String(row[key]) === text(call, inPath));
  const the = (call: Call): Row => {
    const found = find(call);
    if (!found) throw refusal(spec.missing(text(call, inPath)), inPath);
    return found;
  };
  const guard = (call: Call, verb: "create" | "update" | "delete"): void => {
    requireQuorum(call);
    const why = spec.refuse?.(call, verb);
    if (why) throw refusal(why, inPath);
  };
  const routes: Record<string, Route> = {
    [`GET ${path}`]: { ...(needs ? { needs } : {}), run: (call) => rowsOf(call, spec).map((row) => spec.listed?.(row, call) ?? row) },
  };
  const one = `${path}/{${inPath}}`;
  if (verbs.includes("create"))
    routes[`POST ${path}`] = {
      ...(needs ? { needs } : {}),
      run: (call) => {
        guard(call, "create");
        const rows = rowsOf(call, spec);
        const id = text(call, key);
        if (id !== "" && rows.some((row) => String(row[key]) === id)) throw refusal(spec.exists(id), key);
        const row = { ...given(call), ...spec.born?.(call, given(call)) };
        if (spec.first) rows.unshift(row);
        else rows.push(row);
        return null;
      },
    };
  if (verbs.includes("get")) routes[`GET ${one}`] = { ...(needs ? { needs } : {}), run: (call) => spec.shown?.(the(call), call) ?? the(call) };
  if (verbs.includes("update"))
    routes[`PUT ${one}`] = {
      ...(needs ? { needs } : {}),
      run: (call) => {
        const row = the(call);
        guard(call, "update");
        for (const name of text(call, "delete").split(",")) delete row[name];
        const { [inPath]: _, ...rest } = given(call);
        Object.assign(row, rest);
        return null;
      },
    };
  if (verbs.includes("delete"))
    routes[`DELETE ${one}`] = {
      ...(needs ? { needs } : {}),
      run: (call) => {
        const row = the(call);
        guard(call, "delete");
        const rows = rowsOf(call, spec);
        rows.splice(rows.indexOf(row), 1);
        return null;
      },
    };
  return routes;
}

/** Some lists complain of a parameter, others of the whole. */
function refusal(words: string, parameter: string): Refusal {
  return words.startsWith("400:") ? badParameter(parameter, words.slice(4)) : new Refusal(500, words);
}
