import { deriveFields } from "../derive/fields.js";
import { COMBINING } from "../derive/filter.js";
import { jsonOf, objectOf } from "../derive/json.js";
import { deriveTools, toolName } from "../derive/tools.js";
import type { Action } from "./action.js";
import type { Kind } from "./kind.js";
import type { Provider } from "./provider.js";
import { VERBS } from "./verbs.js";

const MAX_NAME = 60;
const PART = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const ALIAS = /^[a-z0-9_-]{1,64}$/;
/** Parameters that the core adds itself. */
const RESERVED = ["confirm"];
const RESERVED_IN_LIST = ["where", "limit", "cursor"];

/** Every fault of a declaration, in words; empty for a sound one. Reads only: nothing is connected to. */
export function checkProvider(candidate: unknown): readonly string[] {
  const provider = candidate as Provider;
  if (typeof provider !== "object" || provider === null) return ["a plugin's default export has to be what defineProvider returns"];
  const faults: string[] = [];
  const expect = (holds: unknown, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  expect(/^[a-z][a-z0-9]*$/.test(provider.name ?? ""), `name: found ${JSON.stringify(provider.name)}; allowed: lower-case letters and digits`);
  expect(provider.title, "title: missing");
  expect(provider.about, "about: missing");
  expect(provider.api === undefined || provider.api === 1, `api: found ${String(provider.api)}; this version of ProxMCP knows 1`);
  expect(PART.test(provider.connection?.noun ?? ""), "connection.noun: missing, or not a lower-case word");
  expect(typeof provider.connection?.schema?.safeParse === "function", "connection.schema: has to be a zod object");
  expect(typeof provider.client === "function", "client: has to be a class");
  expect(Array.isArray(provider.client?.inject), "client: its static `inject` has to list a token for each constructor parameter");
  expect(typeof provider.test === "function", "test: missing; it proves that a connection works");
  for (const [at, host] of (provider.hosts ?? []).entries())
    expect(host.fit >= 0 && host.fit <= 1, `hosts.${at}.fit: found ${host.fit}; allowed: 0 to 1`);
  expect(Array.isArray(provider.hosts), "hosts: missing; give an empty list if it runs no workloads");
  expect(provider.kinds?.length, "kinds: missing");
  const seen = new Set<string>();
  for (const kind of provider.kinds ?? []) {
    expect(!seen.has(kind.name), `kind ${kind.name}: declared twice`);
    seen.add(kind.name);
    faults.push(...checkKind(provider, kind).map((fault) => `kind ${kind.name}: ${fault}`));
  }
  return faults.length > 0 ? faults : checkTools(provider);
}

function checkKind(provider: Provider, kind: Kind): readonly string[] {
  const faults: string[] = [];
  const expect = (holds: unknown, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  expect(PART.test(kind.name ?? ""), "its name has to be lower-case words joined by _");
  expect(kind.about, "about: missing");
  if (typeof kind.item?.safeParse !== "function" || typeof kind.item.shape !== "object") return [...faults, "item: has to be a zod object"];
  const fields = Object.keys(kind.item.shape);
  expect(fields.includes(kind.key), `key: ${JSON.stringify(kind.key)} is no field of the item; fields: ${fields.join(", ")}`);
  for (const name of kind.alsoBy ?? []) expect(fields.includes(name), `alsoBy: ${JSON.stringify(name)} is no field of the item`);
  for (const name of Object.keys(kind.within ?? {}))
    expect(fields.includes(name), `within.${name}: the item has no field of this name, so a list could not say where an item belongs`);
  for (const name of kind.listRequires ?? []) expect(kind.within && name in kind.within, `listRequires: ${JSON.stringify(name)} is not in within`);
  for (const verb of kind.everyday ?? []) expect(hasVerb(kind, verb), `everyday: there is no ${verb} here`);
  expect(
    kind.list ?? kind.get ?? Object.values(kind.actions ?? {}).every((action) => action.output),
    "has neither list nor get, so its actions can't be read back: give each an output",
  );
  expect(kind.list ?? kind.get ?? Object.keys(kind.actions ?? {}).length > 0, "has no list, no get and no actions");
  faults.push(...checkFacets(kind));
  for (const [verb, action] of Object.entries(kind.actions ?? {}))
    faults.push(...checkAction(provider, kind, verb, action).map((fault) => `${verb}: ${fault}`));
  return faults;
}

function hasVerb(kind: Kind, verb: string): boolean {
  if (verb === "list") return Boolean(kind.list);
  if (verb === "get") return Boolean(kind.get ?? kind.list);
  return Boolean(kind.actions?.[verb]);
}

function checkFacets(kind: Kind): readonly string[] {
  const faults: string[] = [];
  try {
    for (const field of deriveFields(kind)) {
      for (const value of Object.keys(field.facet.values ?? {}))
        if (field.type !== "text" && !field.values?.includes(value))
          faults.push(
            `field ${field.name}: gives other words for ${JSON.stringify(value)}, which the enum lacks; values: ${field.values?.join(", ") ?? "it is no enum"}`,
          );
      if ((COMBINING as readonly string[]).includes(field.name)) faults.push(`field ${field.name}: this name combines filters; choose another`);
      if (!PART.test(field.name)) faults.push(`field ${field.name}: has to be lower-case words joined by _`);
    }
  } catch (error) {
    faults.push(`item: ${error instanceof Error ? error.message : String(error)}`);
  }
  return faults;
}

function checkAction(provider: Provider, kind: Kind, verb: string, action: Action): readonly string[] {
  const faults: string[] = [];
  const expect = (holds: unknown, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  expect(verb !== "list" && verb !== "get", "is declared by the kind's own function, not as an action");
  expect(PART.test(verb), "a verb has to be lower-case words joined by _");
  expect(action.about, VERBS[verb] ? "about: missing" : "about: missing; this verb is not in the list of verbs, so it has to say what it means");
  expect(
    ["read", "write", "destructive"].includes(action.safety),
    `safety: found ${JSON.stringify(action.safety)}; declare it with read, write or destructive`,
  );
  expect(typeof action.run === "function", "run: missing");
  expect(action.safety !== "read" || action.output, "output: missing; a read has to answer something");
  const name = toolName(provider.name, kind.name, verb);
  expect(name.length <= MAX_NAME && /^[a-z0-9_]+$/.test(name), `tool name ${name}: at most ${MAX_NAME} characters of a-z, 0-9 and _`);
  for (const alias of action.aliases ?? []) expect(ALIAS.test(alias), `alias ${JSON.stringify(alias)}: lower-case letters, digits, _ and -`);
  try {
    const input = jsonOf(objectOf(action.input), "input");
    expect(input.type === "object" && !input.anyOf && !input.oneOf && !input.allOf, "input: has to be one object, no union at its top");
    const taken = [kind.key, ...Object.keys(kind.within ?? {})].filter(() => (action.on ?? VERBS[verb]?.on ?? "item") === "item");
    for (const parameter of Object.keys(input.properties ?? {}))
      expect(
        ![...taken, ...RESERVED, provider.connection.noun].includes(parameter),
        `input.${parameter}: this name is taken by the core; choose another`,
      );
    if (action.output) expect(jsonOf(action.output, "output").type === "object", "output: has to be an object");
  } catch (error) {
    faults.push(`input or output: ${error instanceof Error ? error.message : String(error)}`);
  }
  return faults;
}

function checkTools(provider: Provider): readonly string[] {
  const faults: string[] = [];
  const names = new Map<string, string>();
  for (const tool of deriveTools(provider, { connections: ["a", "b"], confirms: () => true })) {
    for (const name of [tool.name, ...tool.aliases]) {
      const other = names.get(name);
      if (other) faults.push(`${name}: means both ${other} and ${tool.name}`);
      names.set(name, tool.name);
    }
    const { kind, verb } = tool.operation ?? {};
    if (verb === "list")
      for (const name of RESERVED_IN_LIST)
        if (kind?.within && name in kind.within) faults.push(`kind ${kind.name}: within.${name}: this name is taken by the core`);
    try {
      void tool.inputSchema;
      void tool.outputSchema;
    } catch (error) {
      faults.push(`${tool.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return faults;
}

/** Every schema of a provider, so that converters can be loaded before they are needed. */
export function schemasOf(provider: Provider): object[] {
  const kinds = Array.isArray(provider?.kinds) ? provider.kinds : [];
  return kinds
    .flatMap((kind) => [kind.item, ...Object.values<Action>(kind.actions ?? {}).flatMap((action) => [objectOf(action.input), action.output])])
    .filter((schema): schema is NonNullable<typeof schema> => typeof schema === "object" && schema !== null);
}
