import { type ActionArgs, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { exclusionOf, safetyOf } from "../api-safety.js";
import type { Parameters, ProxmoxClient } from "../client.js";
import { wait } from "../guest/create.js";
import { checkParameters } from "../parameters.js";
import { apiSchema, findMethod, type Method, type Parameter } from "../schema.js";

const { kind, read, write, destructive } = forClient<ProxmoxClient>();

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
const Found = z.object({ method: z.string(), path: z.string(), safety: z.string(), tool: z.string().describe("Tool of the api kind that calls it") });
const Answer = z.object({ data: z.unknown() });

const path = z.string().describe("With its values: /nodes/pve1/qemu/100/config");
const parameters = z.record(z.string(), z.unknown()).describe("Besides those in the path").optional();

const TOOL = { read: "proxmox_api_read", write: "proxmox_api_write", destructive: "proxmox_api_call" } as const;

/** How well a method fits words: all of them have to be in it somewhere, in its path more than in its parameters. */
function score(key: string, { parameters: known }: Method, words: readonly string[]): number {
  const [place, names] = [key.toLowerCase(), Object.keys(known).join(" ").toLowerCase()];
  let sum = 0;
  for (const word of words) {
    if (place.includes(word)) sum += new RegExp(`(^|[/{ -])${word.replaceAll(/[^a-z0-9]/g, ".")}s?($|[/} -])`).test(place) ? 4 : 2;
    else if (names.includes(word)) sum += 1;
    else return 0;
  }
  return sum / Math.sqrt(key.length);
}

const shown = ({ type, optional, enum: values, minimum, maximum, pattern, default: otherwise, format, requires }: Parameter) => ({
  type: type ?? "string",
  required: optional !== true,
  ...(values ? { values: values.map(String) } : {}),
  ...(minimum === undefined ? {} : { minimum }),
  ...(maximum === undefined ? {} : { maximum }),
  ...(pattern === undefined ? {} : { pattern }),
  ...(otherwise === undefined ? {} : { default: String(otherwise) }),
  ...(format === undefined ? {} : { format: typeof format === "string" ? format : `property string of ${Object.keys(format).join(", ")}` }),
  ...(requires === undefined ? {} : { requires }),
});

interface Call {
  readonly method: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  readonly wait?: boolean | undefined;
}

/** Looks a call up and checks all of it before anything is sent. */
async function checked(
  { method, path: given, parameters: values = {} }: Call,
  allowed: readonly string[],
): Promise<{ readonly path: string; readonly values: Parameters }> {
  const [bare = "", query] = given.replace(/^\/?api2\/json/, "").split("?");
  const clean = bare.startsWith("/") ? bare : `/${bare}`;
  const found = await findMethod(method, clean);
  if (!found)
    throw new ProxMcpError("NOT_FOUND", `Proxmox VE ${(await apiSchema()).release} has no ${method} ${clean}.`, {
      next: "Find the method with api search; its path is written with values in place of the braces.",
    });
  const key = `${method} ${found.template}`;
  const why = exclusionOf(key, found.definition.token);
  if (why) throw new ProxMcpError("UNSUPPORTED", `${key} can't be called here: ${why}.`);
  const safety = safetyOf(key);
  if (!allowed.includes(safety))
    throw new ProxMcpError("TOOL_DENIED", `${key} is ${safety === "read" ? "a read" : safety === "write" ? "a write" : "destructive"}.`, {
      next: `Use ${TOOL[safety]}.`,
    });
  if (query) throw new ProxMcpError("INVALID_INPUT", "path: parameters have to be given as `parameters`, not after a question mark.");
  const faults = checkParameters(found.definition, { ...values, ...found.path });
  const stray = Object.keys(values).filter((name) => Object.hasOwn(found.path, name));
  const said = [
    ...faults.map(({ parameter, message }) => `${parameter}: ${message.trim()}`),
    ...stray.map((name) => `${name}: is given by the path already`),
  ];
  if (said.length > 0)
    throw new ProxMcpError("INVALID_INPUT", `${key}: ${said.join("; ")}`, { data: { faults: said }, next: "api describe shows its parameters." });
  const encoded = clean
    .split("/")
    .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
    .join("/");
  return { path: encoded, values: values as Parameters };
}

const perform =
  (allowed: readonly string[]) =>
  async (args: ActionArgs<ProxmoxClient, Call>): Promise<{ data: unknown }> => {
    const { input, client, signal } = args;
    const { path: where, values } = await checked(input, allowed);
    if (input.method === "GET") return { data: await client.get(where, signal, values) };
    return { data: (await client.write(input.method as "POST", where, values, { ...args, wait: input.wait })) ?? null };
  };

export const api = kind({
  name: "api",
  about: "Every method of the API of Proxmox VE, for what has no tool of its own",
  says: ["api", "api method"],
  item: Found,
  key: "path",
  actions: {
    search: read({
      about: "Find methods of Proxmox's API by words of their path or parameters",
      on: "kind",
      input: {
        query: z.string().min(1).describe("ceph osd, snapshot, acme"),
        method: z.enum(METHODS).optional(),
        limit: z.int().min(1).max(50).describe("Default 15").optional(),
      },
      output: z.object({ methods: z.array(Found), total: z.int() }),
      run: async ({ input }) => {
        const words = input.query
          .toLowerCase()
          .split(/[\s/]+/)
          .filter((word) => word !== "");
        const { methods } = await apiSchema();
        const found = Object.entries(methods)
          .filter(([key]) => input.method === undefined || key.startsWith(`${input.method} `))
          .map(([key, definition]) => ({ key, rank: score(key, definition, words) }))
          .filter(({ rank }) => rank > 0)
          .sort((a, b) => b.rank - a.rank || (a.key < b.key ? -1 : 1));
        const rows = found.slice(0, input.limit ?? 15).map(({ key }) => {
          const [method = "", template = ""] = key.split(" ");
          const safety = safetyOf(key);
          return { method, path: template, safety, tool: TOOL[safety] };
        });
        return { methods: rows, total: found.length };
      },
    }),
    describe: read({
      about: "Show the parameters of one method of Proxmox's API",
      on: "kind",
      input: { method: z.enum(METHODS), path: z.string().describe("With braces or with values") },
      output: z.object({
        method: z.string(),
        path: z.string(),
        safety: z.string(),
        returns: z.string(),
        not_callable: z.string().optional(),
        parameters: z.record(z.string(), z.looseObject({ type: z.string(), required: z.boolean() })),
      }),
      run: async ({ input }) => {
        const found = await findMethod(input.method, input.path);
        if (!found) throw new ProxMcpError("NOT_FOUND", `There is no ${input.method} ${input.path}.`, { next: "Find the method with api search." });
        const key = `${input.method} ${found.template}`;
        const why = exclusionOf(key, found.definition.token);
        return {
          method: input.method,
          path: found.template,
          safety: safetyOf(key),
          returns: found.definition.returns,
          ...(why ? { not_callable: why } : {}),
          parameters: Object.fromEntries(Object.entries(found.definition.parameters).map(([name, one]) => [name, shown(one)])),
        };
      },
    }),
    read: read({
      about: "Call a method of Proxmox's API that changes nothing; parameters are checked first",
      on: "kind",
      aliases: ["proxmox_api_get"],
      input: { method: z.enum(["GET", "POST"]).default("GET"), path, parameters },
      output: Answer,
      run: perform(["read"]),
    }),
    write: write({
      about: "Call a method of Proxmox's API that changes something; parameters are checked first, a task is followed",
      on: "kind",
      idempotent: false,
      input: { method: z.enum(["POST", "PUT"]), path, parameters, wait },
      output: Answer,
      timeout: 3600,
      run: perform(["read", "write"]),
    }),
    call: destructive({
      about: "Call any method of Proxmox's API, also those that delete; parameters are checked first, a task is followed",
      on: "kind",
      input: { method: z.enum(METHODS), path, parameters, wait },
      output: Answer,
      timeout: 3600,
      loses: async ({ input }) => {
        await checked(input, ["read", "write", "destructive"]);
        return `Sends ${input.method} ${input.path}${input.parameters ? ` with ${JSON.stringify(hidden(input.parameters))}` : ""} to Proxmox as it is.`;
      },
      run: perform(["read", "write", "destructive"]),
    }),
  },
});

const hidden = (values: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, /password|secret|key$|token/i.test(name) ? "(hidden)" : value]));
