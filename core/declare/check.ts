import { type JsonSchema } from "../derive/json.js";
import { deriveTools, toolName } from "../derive/tools.js";
import { checkConnecting } from "./check-connecting.js";
import { checkKind, hasVerb, RESERVED, RESERVED_IN_LIST } from "./check-kind.js";
import { checkTypes, collect, isObjectSchema, isPart, isRecord, isSchema, isText, isTexts, wordsOf } from "./expect.js";
import type { Kind } from "./kind.js";
import type { Provider } from "./provider.js";

/** Names in results, beside which the connection's noun stands. */
const RESULTS = ["item", "items", "total", "result", "deleted", "errors", "notes"];
/** What the core itself reads of a connection. */
const CONNECTION_OPTIONS = ["provider", "match", "tags", "tools"];

/** Every fault of a declaration, in words; empty for a sound one. Reads only: nothing is connected to. */
export function checkProvider(candidate: unknown): readonly string[] {
  if (!isRecord(candidate)) return ["a plugin's default export has to be what defineProvider returns"];
  const provider = candidate as unknown as Provider;
  const faults = [...checkHead(provider), ...checkConnection(provider.connection), ...checkConnecting(provider), ...checkHosts(provider.hosts)];
  const kinds: readonly unknown[] = Array.isArray(provider.kinds) ? provider.kinds : [];
  if (kinds.length === 0) return [...faults, "kinds: missing"];
  const sound = kinds.filter((kind): kind is Kind => isRecord(kind) && isRecord(kind["actions"] ?? {}));
  if (sound.length < kinds.length) return [...faults, "kinds: has to be a list of what kind() returns, each with its actions by their verbs"];
  const seen = new Set<string>();
  for (const kind of sound) {
    if (seen.has(kind.name)) faults.push(`kind ${kind.name}: declared twice`);
    seen.add(kind.name);
    faults.push(...checkKind(provider, kind).map((fault) => `kind ${kind.name}: ${fault}`));
  }
  faults.push(...checkNames(provider, sound));
  return faults.length > 0 ? faults : checkSchemas(provider);
}

function checkHead(provider: Provider): readonly string[] {
  const { faults, expect } = collect();
  expect(
    typeof provider.name === "string" && /^[a-z][a-z0-9]*$/.test(provider.name),
    `name: found ${JSON.stringify(provider.name)}; allowed: lower-case letters and digits`,
  );
  expect(isText(provider.title), "title: missing");
  expect(isText(provider.about), "about: missing");
  expect(provider.api === undefined || provider.api === 1, `api: found ${String(provider.api)}; this version of ProxMCP knows 1`);
  const { client } = provider;
  expect(typeof client === "function", "client: has to be a class");
  const tokens: unknown = client?.inject;
  // `length` counts the parameters up to the first with a default.
  expect(Array.isArray(tokens) && tokens.length >= client.length, "client: its static `inject` has to list a token for each constructor parameter");
  for (const [at, token] of (Array.isArray(tokens) ? tokens : []).entries())
    expect(typeof token === "symbol", `client: inject.${at} is no token; found ${String(token)}`);
  expect(typeof provider.test === "function", "test: missing; it proves that a connection works");
  return [...faults, ...checkTypes(provider, { version: ["string"], capacity: ["function"], watch: ["function"], sandbox: ["function"] })];
}

function checkConnection(connection: Provider["connection"] | undefined): readonly string[] {
  const { faults, expect } = collect();
  const noun = connection?.noun ?? "";
  expect(isPart(noun), "connection.noun: missing, or not a lower-case word");
  expect(
    ![...RESERVED, ...RESERVED_IN_LIST, ...RESULTS].includes(noun),
    `connection.noun: ${JSON.stringify(noun)} is taken by the core; choose another`,
  );
  if (!isObjectSchema(connection?.schema)) return [...faults, "connection.schema: has to be a zod object"];
  for (const option of Object.keys(connection.schema.shape))
    expect(!CONNECTION_OPTIONS.includes(option), `connection.schema: the option ${JSON.stringify(option)} is taken by the core; choose another`);
  faults.push(...checkTypes(connection, { env: ["function"], found: ["function"] }).map((fault) => `connection.${fault}`));
  expect(
    connection.local === undefined ||
      (Array.isArray(connection.local) &&
        connection.local.every((one) => isText(one?.socket) && isText(one.name) && isText(one.from) && isRecord(one.options))),
    "connection.local: has to be a list of sockets, each with name, options and from",
  );
  return faults;
}

function checkHosts(hosts: Provider["hosts"] | undefined): readonly string[] {
  const { faults, expect } = collect();
  if (!Array.isArray(hosts)) return ["hosts: missing; give an empty list if it runs no workloads"];
  for (const [at, host] of hosts.entries()) {
    expect(isText(host?.workload), `hosts.${at}.workload: missing`);
    expect(typeof host?.fit === "number" && host.fit >= 0 && host.fit <= 1, `hosts.${at}.fit: found ${String(host?.fit)}; allowed: 0 to 1`);
    for (const list of ["features", "arch"] as const)
      expect(host?.[list] === undefined || isTexts(host[list]), `hosts.${at}.${list}: has to be a list of words`);
  }
  return faults;
}

/** A name means one tool, whether it is its own or an alias. */
function checkNames(provider: Provider, kinds: readonly Kind[]): readonly string[] {
  const faults: string[] = [];
  const meant = new Map<string, string>();
  for (const [verb, action] of Object.entries(isRecord(provider.connection?.actions) ? provider.connection.actions : {})) {
    const aliases: unknown = action?.aliases;
    for (const name of [`${provider.name}_${provider.connection.noun}_${verb}`, ...(Array.isArray(aliases) ? (aliases as string[]) : [])])
      meant.set(name, `connection ${verb}`);
  }
  for (const kind of kinds) {
    const { list, get } = kind.aliases ?? {};
    const own = (["list", "get"] as const).filter((verb) => hasVerb(kind, verb)).map((verb) => [verb, { list, get }[verb]] as const);
    const actions = Object.entries(kind.actions ?? {}).map(([verb, action]) => [verb, action?.aliases] as const);
    for (const [verb, aliases] of [...own, ...actions]) {
      const what = `${kind.name} ${verb}`;
      for (const name of [toolName(provider.name, kind.name, verb), ...(Array.isArray(aliases) ? aliases : [])]) {
        const other = meant.get(name);
        if (other !== undefined) faults.push(`${name}: means both ${other} and ${what}`);
        meant.set(name, what);
      }
    }
  }
  return faults;
}

/** The schemas of all tools, put together as they will be. */
function checkSchemas(provider: Provider): readonly string[] {
  const { faults, expect } = collect();
  for (const tool of deriveTools(provider, { connections: ["a", "b"], confirms: () => true })) {
    try {
      for (const schema of [tool.inputSchema, tool.outputSchema])
        expect(!refersToItself(schema), `${tool.name}: a schema refers to itself or to another by its id; write it out`);
    } catch (error) {
      faults.push(`${tool.name}: ${wordsOf(error)}`);
    }
  }
  return faults;
}

/** A reference leads nowhere once the schema is a part of a tool's. */
const refersToItself = (schema: JsonSchema): boolean => JSON.stringify(schema).includes('"$ref":');

/** Every schema of a provider, so that converters can be loaded before they are needed. */
export function schemasOf(provider: Provider): object[] {
  const kinds: readonly unknown[] = Array.isArray(provider?.kinds) ? provider.kinds : [];
  return kinds.filter(isRecord).flatMap((candidate) => {
    const kind = candidate as unknown as Kind;
    const actions = Object.values<unknown>(kind.actions ?? {}).filter(isRecord);
    const inner = actions.flatMap(({ input, output }) => [input, output]);
    return [kind.item, ...Object.values(kind.within ?? {}), ...inner].filter(isSchema);
  });
}
