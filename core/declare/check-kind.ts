import { deriveFields, type Field } from "../derive/fields.js";
import { jsonOf, objectOf } from "../derive/json.js";
import { toolName } from "../derive/tools.js";
import type { Action } from "./action.js";
import { checkTypes, collect, isObjectSchema, isPart, isRecord, isSchema, isText, isTexts, textsOf, wordsOf } from "./expect.js";
import type { Kind } from "./kind.js";
import type { Provider } from "./provider.js";
import { VERBS } from "./verbs.js";
import { checkWorkload } from "./workload.js";

const MAX_NAME = 60;
const ALIAS = /^[a-z0-9_-]{1,64}$/;
/** Parameters that the core adds itself: to every tool, and to those that list. */
export const RESERVED: readonly string[] = ["confirm"];
export const RESERVED_IN_LIST: readonly string[] = ["where", "limit", "cursor"];

/** The faults of one kind, its fields and its actions. */
export function checkKind(provider: Provider, kind: Kind): readonly string[] {
  const { faults, expect } = collect();
  expect(isPart(kind.name), "its name has to be lower-case words joined by _");
  expect(isText(kind.about), "about: missing");
  for (const part of ["says", "alsoBy", "scope", "listRequires", "everyday"] as const)
    expect(kind[part] === undefined || isTexts(kind[part]), `${part}: has to be a list of words`);
  faults.push(...checkTypes(kind, { list: ["function"], get: ["function"] }));
  expect(kind.order === undefined || ["key", "platform"].includes(kind.order), `order: found ${JSON.stringify(kind.order)}; allowed: key, platform`);
  expect(isRecord(kind.aliases ?? {}), "aliases: has to name those of list and of get");
  for (const part of ["list", "get"] as const) {
    const name = toolName(provider.name, kind.name, part);
    if (hasVerb(kind, part)) expect(name.length <= MAX_NAME, `tool name ${name}: at most ${MAX_NAME} characters of a-z, 0-9 and _`);
    else expect(!kind.aliases?.[part]?.length, `aliases.${part}: there is no ${part} here`);
    faults.push(...checkAliases(kind.aliases?.[part]));
  }
  for (const verb of textsOf(kind.everyday)) expect(hasVerb(kind, verb), `everyday: there is no ${verb} here`);
  expect(
    kind.list ?? kind.get ?? Object.values(kind.actions ?? {}).every((action) => action?.output),
    "has neither list nor get, so its actions can't be read back: give each an output",
  );
  expect(kind.list ?? kind.get ?? Object.keys(kind.actions ?? {}).length > 0, "has no list, no get and no actions");
  if (isObjectSchema(kind.item)) faults.push(...checkFields(provider, kind), ...checkAddress(provider, kind));
  else faults.push("item: has to be a zod object");
  for (const [verb, action] of Object.entries(kind.actions ?? {}))
    faults.push(...(isRecord(action) ? checkAction(provider, kind, verb, action) : ["has to be an action"]).map((fault) => `${verb}: ${fault}`));
  return faults;
}

export function hasVerb(kind: Kind, verb: string): boolean {
  if (verb === "list") return Boolean(kind.list);
  if (verb === "get") return Boolean(kind.get ?? kind.list);
  return Object.hasOwn(kind.actions ?? {}, verb);
}

function checkFields(provider: Provider, kind: Kind): readonly string[] {
  const { faults, expect } = collect();
  const noun = provider.connection?.noun;
  let fields: readonly Field[];
  try {
    fields = deriveFields(kind);
  } catch (error) {
    return [`item: ${wordsOf(error)}`];
  }
  for (const { name, type, values, facet } of fields) {
    const at = `field ${name}:`;
    expect(isPart(name), `${at} has to be lower-case words joined by _`);
    expect(name !== noun, `${at} is called like a connection, whose name rows carry too; choose another`);
    expect(!facet.secret, `${at} a secret is never shown, so it has no place in an item; leave it out`);
    expect(facet.says === undefined || isTexts(facet.says), `${at} says has to be a list of words`);
    expect(!facet.nouns || type === "enum", `${at} nouns are the values of an enum, and it is none`);
    for (const [value, words] of Object.entries(facet.values ?? {})) {
      expect(
        type === "text" || values?.includes(value),
        `${at} gives other words for ${JSON.stringify(value)}, which the enum lacks; values: ${values?.join(", ") ?? "it is no enum"}`,
      );
      expect(isTexts(words), `${at} the words for ${JSON.stringify(value)} have to be a list`);
    }
  }
  // What identifies an item has to be there, and has to be what a caller can write.
  for (const [name, what] of [[kind.key, "key"], ...textsOf(kind.alsoBy).map((name) => [name, "alsoBy"] as const)] as const) {
    const field = fields.find((one) => one.name === name);
    if (!field) faults.push(`${what}: ${JSON.stringify(name)} is no field of the item; fields: ${fields.map((one) => one.name).join(", ")}`);
    else expect(["text", "enum", "number"].includes(field.type), `${what}: ${name} has to be text or a number`);
    if (what === "key") expect(!field?.optional, `key: ${name} is optional, so an item could be without; choose another or make it required`);
  }
  return faults;
}

/** The parameters that say which item is meant. */
function checkAddress(provider: Provider, kind: Kind): readonly string[] {
  const { faults, expect } = collect();
  const taken = [...RESERVED, provider.connection?.noun];
  expect(!taken.includes(kind.key), `key: the name ${JSON.stringify(kind.key)} is taken by the core; choose another`);
  expect(isRecord(kind.within ?? {}), "within: has to be a shape of zod schemas");
  for (const [name, schema] of Object.entries(kind.within ?? {})) {
    expect(name in kind.item.shape, `within.${name}: the item has no field of this name, so a list could not say where an item belongs`);
    expect(name !== kind.key, `within.${name}: is the key itself`);
    expect(![...taken, ...(kind.list ? RESERVED_IN_LIST : [])].includes(name), `within.${name}: this name is taken by the core; choose another`);
    expect(isSchema(schema), `within.${name}: has to be a zod schema`);
  }
  for (const name of textsOf(kind.scope)) {
    const schema = kind.within?.[name];
    expect(schema !== undefined, `scope: ${JSON.stringify(name)} is not in within`);
    expect(!isSchema(schema) || schema.safeParse(undefined).success, `scope: ${name} can't be left out; make it optional`);
  }
  for (const name of textsOf(kind.listRequires))
    expect(Object.hasOwn(kind.within ?? {}, name), `listRequires: ${JSON.stringify(name)} is not in within`);
  return faults;
}

function checkAction(provider: Provider, kind: Kind, verb: string, action: Action): readonly string[] {
  const { faults, expect } = collect();
  expect(verb !== "list" && verb !== "get", "is declared by the kind's own function, not as an action");
  expect(isPart(verb), "a verb has to be lower-case words joined by _");
  expect(
    isText(action.about),
    VERBS[verb] ? "about: missing" : "about: missing; this verb is not in the list of verbs, so it has to say what it means",
  );
  expect(
    ["read", "write", "destructive"].includes(action.safety),
    `safety: found ${JSON.stringify(action.safety)}; declare it with read, write or destructive`,
  );
  expect(action.on === undefined || ["item", "kind"].includes(action.on), `on: found ${JSON.stringify(action.on)}; allowed: item, kind`);
  expect(
    action.timeout === undefined || (typeof action.timeout === "number" && action.timeout > 0),
    `timeout: found ${String(action.timeout)}; allowed: seconds, more than 0`,
  );
  faults.push(
    ...checkTypes(action, { idempotent: ["boolean"], openWorld: ["boolean"], loses: ["string", "function"], destructiveWhen: ["function"] }),
  );
  expect(!action.destructiveWhen || action.safety === "write", "destructiveWhen: only a write can be graver than it is declared");
  expect(typeof action.run === "function", "run: missing");
  faults.push(...checkWorkload(action.workload, provider.hosts));
  expect(action.safety !== "read" || action.output, "output: missing; a read has to answer something");
  const name = toolName(provider.name, kind.name, verb);
  expect(name.length <= MAX_NAME && /^[a-z0-9_]+$/.test(name), `tool name ${name}: at most ${MAX_NAME} characters of a-z, 0-9 and _`);
  faults.push(...checkAliases(action.aliases), ...checkInput(provider, kind, verb, action), ...checkOutput(action));
  return faults;
}

export function checkAliases(aliases: readonly string[] | undefined): readonly string[] {
  if (aliases === undefined) return [];
  if (!Array.isArray(aliases)) return ["aliases: has to be a list of names"];
  return aliases
    .filter((alias) => !isText(alias) || !ALIAS.test(alias))
    .map((alias) => `alias ${JSON.stringify(alias)}: lower-case letters, digits, _ and -`);
}

function checkInput(provider: Provider, kind: Kind, verb: string, { input, on }: Action): readonly string[] {
  const { faults, expect } = collect();
  if (input === undefined) return [];
  if (!isRecord(input)) return ["input: has to be a shape of zod schemas, or a zod object"];
  if (!isSchema(input)) {
    for (const [name, schema] of Object.entries(input))
      if (!isSchema(schema)) faults.push(`input.${name}: has to be a zod schema`);
      else expect("_zod" in schema, `input.${name}: a shape takes schemas of zod 4; give those of another zod as a whole z.object(...)`);
    if (faults.length > 0) return faults;
  }
  try {
    const json = jsonOf(objectOf(input), "input");
    // A union at the top is refused by some clients, and its fields could not be told from the parameters of the core.
    if (json.type !== "object" || !isObjectSchema(objectOf(input))) return ["input: has to be one object, no union at its top"];
    const key = (on ?? VERBS[verb]?.on ?? "item") === "item" ? [kind.key] : [];
    const taken = [...key, ...Object.keys(kind.within ?? {}), ...RESERVED, provider.connection?.noun];
    for (const parameter of Object.keys(json.properties ?? {}))
      expect(!taken.includes(parameter), `input.${parameter}: this name is taken by the core; choose another`);
  } catch (error) {
    faults.push(`input: ${wordsOf(error)}`);
  }
  return faults;
}

function checkOutput({ output }: Action): readonly string[] {
  if (output === undefined) return [];
  if (!isSchema(output)) return ["output: has to be a zod object"];
  try {
    return jsonOf(output, "output").type === "object" ? [] : ["output: has to be an object"];
  } catch (error) {
    return [`output: ${wordsOf(error)}`];
  }
}
