import { CLOCK, CONNECTION, facet, secret } from "proxmcp/plugin";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as z3 from "zod/v3";
import { loadPlugin } from "../../../core/config/plugins.js";
import { checkProvider, schemasOf } from "../../../core/declare/check.js";
import { prepareJson } from "../../../core/derive/json.js";
import docker from "../../../plugins/docker/index.js";
import lxd from "../../../plugins/lxd/index.js";
import proxmox from "../../../plugins/proxmox/index.js";
import leaky from "../../fixtures/leaky-provider.js";
import { tapeLibrary } from "../../fixtures/tape-library.js";

describe("sound declarations", () => {
  it.each([tapeLibrary(), leaky, docker, lxd, proxmox].map((provider) => [provider.name, provider] as const))("%s has no faults", (_, provider) => {
    expect(checkProvider(provider)).toEqual([]);
  });
});

// oxlint-disable-next-line typescript/no-explicit-any -- faulty declarations are what no type allows
type Loose = any;
class Client {
  static inject: Loose = [];
  readonly services: readonly unknown[];
  constructor(...services: readonly unknown[]) {
    this.services = services;
  }
}
class WithoutInject extends Client {
  static override inject = undefined;
}
class ShortInject extends Client {
  static override inject = [CLOCK];
  constructor(clock: unknown, connection: unknown) {
    super(connection, clock);
  }
}
class UndefinedInject extends Client {
  static override inject = [CONNECTION, undefined];
}
const run = async (): Promise<void> => {};
const about = "Does something";
const item = z.object({ name: z.string(), size: z.int().optional() });

/** A sound provider of one kind, changed for the worse. */
const faultsOf = async (change: (provider: Loose, kind: Loose) => void): Promise<readonly string[]> => {
  const kind = { name: "thing", about: "A thing", item, key: "name", list: async () => [], get: async () => ({ name: "a" }), actions: {} };
  const provider = {
    name: "odd",
    title: "Odd",
    about: "An odd platform",
    connection: { noun: "host", schema: z.object({ url: z.string() }) },
    hosts: [],
    client: Client,
    test: async () => ({ version: "1" }),
    kinds: [kind],
  };
  expect(checkProvider(provider)).toEqual([]);
  change(provider, kind);
  await prepareJson(schemasOf(provider as Loose));
  return checkProvider(provider);
};

type Change = (provider: Loose, kind: Loose) => void;
const long = "a".repeat(60);

const TABLE: readonly (readonly [what: string, change: Change, ...faults: (string | RegExp)[]])[] = [
  ["a name with capitals", (p) => (p.name = "Odd"), 'name: found "Odd"; allowed: lower-case letters and digits'],
  ["a name with _", (p) => (p.name = "odd_one"), /^name: found "odd_one"/],
  ["no name", (p) => delete p.name, /^name: found undefined/],
  ["no title", (p) => (p.title = " "), "title: missing"],
  ["no about", (p) => delete p.about, "about: missing"],
  ["an API of the future", (p) => (p.api = 2), /^api: found 2; .* knows 1/],
  ["no noun", (p) => delete p.connection.noun, /^connection\.noun: missing/],
  ["a noun that the core has", (p) => (p.connection.noun = "confirm"), /^connection\.noun: "confirm" is taken/],
  ["a noun that results have", (p) => (p.connection.noun = "items"), /^connection\.noun: "items" is taken/],
  ["a noun that lists have", (p) => (p.connection.noun = "limit"), /^connection\.noun: "limit" is taken/],
  ["no connection", (p) => delete p.connection, /^connection\.noun: missing/, /^connection\.schema: has to be a zod object/],
  ["options that are no object", (p) => (p.connection.schema = z.string()), "connection.schema: has to be a zod object"],
  [
    "options that are transformed",
    (p) => (p.connection.schema = z.object({ a: z.string() }).transform((one) => one.a)),
    "connection.schema: has to be a zod object",
  ],
  ["options of zod 3 with effects", (p) => (p.connection.schema = z3.z.object({}).refine(() => true)), "connection.schema: has to be a zod object"],
  ["an option of the core", (p) => (p.connection.schema = z.object({ tags: z.string() })), /^connection\.schema: the option "tags" is taken/],
  ["env that is no function", (p) => (p.connection.env = {}), "connection.env: has to be a function"],
  ["local without sockets", (p) => (p.connection.local = [{ name: "x" }]), /^connection\.local: /],
  ["no client", (p) => delete p.client, "client: has to be a class", /^client: its static `inject`/],
  ["no inject", (p) => (p.client = WithoutInject), /^client: its static `inject` has to list a token for each constructor parameter/],
  ["an inject shorter than the constructor", (p) => (p.client = ShortInject), /^client: its static `inject`/],
  ["an inject of something undefined", (p) => (p.client = UndefinedInject), "client: inject.1 is no token; found undefined"],
  ["no test", (p) => delete p.test, /^test: missing/],
  ["no hosts", (p) => delete p.hosts, /^hosts: missing/],
  ["hosts that are no list", (p) => (p.hosts = {}), /^hosts: missing/],
  [
    "fits out of range",
    (p) =>
      (p.hosts = [{ workload: "vm", fit: 1.2 }, { workload: "vm", fit: -0.1 }, { workload: "vm", fit: Number.NaN }, { workload: "vm" }, { fit: 1 }]),
    "hosts.0.fit: found 1.2; allowed: 0 to 1",
    "hosts.1.fit: found -0.1; allowed: 0 to 1",
    "hosts.2.fit: found NaN; allowed: 0 to 1",
    "hosts.3.fit: found undefined; allowed: 0 to 1",
    "hosts.4.workload: missing",
  ],
  ["features that are no list", (p) => (p.hosts = [{ workload: "vm", fit: 1, features: "all" }]), /^hosts\.0\.features: /],
  ["no kinds", (p) => (p.kinds = []), "kinds: missing"],
  ["kinds that are none", (p) => (p.kinds = [null, 1]), /^kinds: has to be a list of what kind\(\) returns/],
  ["a kind twice", (p, k) => p.kinds.push({ ...k }), "kind thing: declared twice", /^odd_thing_list: means both/, /^odd_thing_get: means both/],
  ["a kind with a bad name", (_, k) => (k.name = "Big-Thing"), /^kind Big-Thing: its name has to be lower-case words/],
  ["a kind without about", (_, k) => delete k.about, "kind thing: about: missing"],
  ["says that is no list", (_, k) => (k.says = "stuff"), "kind thing: says: has to be a list of words"],
  ["no item", (_, k) => delete k.item, "kind thing: item: has to be a zod object"],
  ["an item that is a union", (_, k) => (k.item = z.union([item, item])), "kind thing: item: has to be a zod object"],
  ["a date in the item", (_, k) => (k.item = item.extend({ created: z.date() })), /^kind thing: item: .*[Dd]ate/],
  ["a transform in the item", (_, k) => (k.item = item.extend({ created: z.string().transform(Number) })), /^kind thing: item: .*[Tt]ransform/],
  ["a bigint in the item", (_, k) => (k.item = item.extend({ bytes: z.bigint() })), /^kind thing: item: .*[Bb]ig/],
  [
    "a field with capitals",
    (_, k) => (k.item = item.extend({ cpuUsage: z.number() })),
    "kind thing: field cpuUsage: has to be lower-case words joined by _",
  ],
  ["a field called like the noun", (_, k) => (k.item = item.extend({ host: z.string() })), /^kind thing: field host: is called like a connection/],
  ["a secret in the item", (_, k) => (k.item = item.extend({ pin: secret(z.string(), "Pin") })), /^kind thing: field pin: a secret/],
  [
    "a word for a value that the enum lacks",
    (_, k) => (k.item = item.extend({ state: facet(z.enum(["on", "off"]), "State", { values: { up: ["alive"] } as object }) })),
    'kind thing: field state: gives other words for "up", which the enum lacks; values: on, off',
  ],
  [
    "words for the values of no enum",
    (_, k) => (k.item = item.extend({ size: facet(z.int(), "Size", { values: { big: ["huge"] } }).optional() })),
    'kind thing: field size: gives other words for "big", which the enum lacks; values: it is no enum',
  ],
  [
    "nouns of no enum",
    (_, k) => (k.item = item.extend({ size: facet(z.int(), "Size", { nouns: true }).optional() })),
    "kind thing: field size: nouns are the values of an enum, and it is none",
  ],
  ["a key that is no field", (_, k) => (k.key = "id"), 'kind thing: key: "id" is no field of the item; fields: name, size'],
  ["a key from Object's prototype", (_, k) => (k.key = "toString"), /^kind thing: key: "toString" is no field/],
  ["a key that may be absent", (_, k) => (k.key = "size"), /^kind thing: key: size is optional/],
  [
    "a key that is an object",
    (_, k) => (k.item = z.object({ name: z.object({ a: z.string() }) })),
    "kind thing: key: name has to be text or a number",
  ],
  [
    "a key that the core has",
    (_, k) => Object.assign(k, { item: z.object({ confirm: z.string() }), key: "confirm" }),
    /^kind thing: key: the name "confirm" is taken/,
  ],
  ["alsoBy that is no field", (_, k) => (k.alsoBy = ["id"]), /^kind thing: alsoBy: "id" is no field/],
  ["within that is not a field", (_, k) => (k.within = { pool: z.string() }), /^kind thing: within\.pool: the item has no field/],
  ["within that is the key", (_, k) => (k.within = { name: z.string() }), "kind thing: within.name: is the key itself"],
  [
    "within that lists have",
    (_, k) => Object.assign(k, { within: { where: z.string() }, item: item.extend({ where: z.string() }) }),
    /^kind thing: within\.where: this name is taken/,
  ],
  [
    "within called like the noun",
    (_, k) => Object.assign(k, { within: { host: z.string() }, item: item.extend({ host: z.string() }) }),
    /^kind thing: field host: /,
    /^kind thing: within\.host: this name is taken/,
  ],
  [
    "within that is no schema",
    (_, k) => Object.assign(k, { within: { pool: "x" }, item: item.extend({ pool: z.string() }) }),
    "kind thing: within.pool: has to be a zod schema",
  ],
  ["listRequires that is not in within", (_, k) => (k.listRequires = ["pool"]), 'kind thing: listRequires: "pool" is not in within'],
  ["an unknown everyday verb", (_, k) => (k.everyday = ["list", "fly"]), "kind thing: everyday: there is no fly here"],
  [
    "everyday get without list and get",
    (_, k) => Object.assign(k, { list: undefined, get: undefined, everyday: ["get"] }),
    /everyday: there is no get here/,
    /no list, no get and no actions/,
  ],
  [
    "aliases of a list that is not there",
    (_, k) => Object.assign(k, { list: undefined, aliases: { list: ["things"] } }),
    "kind thing: aliases.list: there is no list here",
  ],
  ["an alias of list with capitals", (_, k) => (k.aliases = { list: ["Things"] }), 'kind thing: alias "Things": lower-case letters, digits, _ and -'],
  [
    "a kind whose actions can't be read back",
    (_, k) => Object.assign(k, { list: undefined, get: undefined, actions: { start: { about, safety: "write", run } } }),
    /^kind thing: has neither list nor get, so its actions can't be read back/,
  ],
  [
    "a list whose tool name is too long",
    (_, k) => (k.name = long),
    /^kind a+: tool name odd_a+_list: at most 60/,
    /^kind a+: tool name odd_a+_get: at most 60/,
  ],
  [
    "an action whose tool name is too long",
    (_, k) => (k.actions[long] = { about, safety: "write", run }),
    /tool name odd_thing_a+: at most 60 characters/,
  ],
  [
    "a verb with a -",
    (_, k) => (k.actions["power-on"] = { about, safety: "write", run }),
    /power-on: a verb has to be/,
    /tool name odd_thing_power-on: /,
  ],
  [
    "list as an action",
    (_, k) => (k.actions.list = { about, safety: "write", run }),
    /^kind thing: list: is declared by the kind's own function/,
    /^odd_thing_list: means both/,
  ],
  [
    "get as an action",
    (_, k) => (k.actions.get = { about, safety: "write", run }),
    /^kind thing: get: is declared by the kind's own function/,
    /^odd_thing_get: means both/,
  ],
  ["a known verb without about", (_, k) => (k.actions.start = { safety: "write", run }), "kind thing: start: about: missing"],
  [
    "a verb of its own without about",
    (_, k) => (k.actions.juggle = { safety: "write", run }),
    /^kind thing: juggle: about: missing; this verb is not in the list/,
  ],
  ["no safety", (_, k) => (k.actions.start = { about, run }), /^kind thing: start: safety: found undefined/],
  ["a wrong safety", (_, k) => (k.actions.start = { about, run, safety: "harmless" }), /^kind thing: start: safety: found "harmless"/],
  [
    "a wrong on",
    (_, k) => (k.actions.start = { about, run, safety: "write", on: "list" }),
    'kind thing: start: on: found "list"; allowed: item, kind',
  ],
  ["no run", (_, k) => (k.actions.start = { about, safety: "write" }), "kind thing: start: run: missing"],
  ["a timeout of nothing", (_, k) => (k.actions.start = { about, safety: "write", run, timeout: 0 }), /^kind thing: start: timeout: found 0/],
  ["a read without output", (_, k) => (k.actions.logs = { about, safety: "read", run }), /^kind thing: logs: output: missing/],
  [
    "an output that is no object",
    (_, k) => (k.actions.logs = { about, safety: "read", run, output: z.string() }),
    "kind thing: logs: output: has to be an object",
  ],
  [
    "a date in an output",
    (_, k) => (k.actions.logs = { about, safety: "read", run, output: z.object({ at: z.date() }) }),
    /^kind thing: logs: output: .*[Dd]ate/,
  ],
  ["an action that is none", (_, k) => (k.actions.start = run), "kind thing: start: has to be an action"],
  [
    "an alias with capitals",
    (_, k) => (k.actions.start = { about, safety: "write", run, aliases: ["Boot"] }),
    'kind thing: start: alias "Boot": lower-case letters, digits, _ and -',
  ],
  [
    "an alias that is the tool itself",
    (_, k) => (k.actions.start = { about, safety: "write", run, aliases: ["odd_thing_start"] }),
    "odd_thing_start: means both thing start and thing start",
  ],
  [
    "two actions with one alias",
    (_, k) => {
      k.actions.start = { about, safety: "write", run, aliases: ["boot"] };
      k.actions.stop = { about, safety: "write", run, aliases: ["boot"] };
    },
    "boot: means both thing start and thing stop",
  ],
  [
    "an alias that is another tool",
    (_, k) => {
      k.aliases = { get: ["odd_thing_start"] };
      k.actions.start = { about, safety: "write", run };
    },
    "odd_thing_start: means both thing get and thing start",
  ],
  [
    "two kinds that give one tool name",
    (p, k) => {
      k.actions.big_start = { about, safety: "write", run };
      p.kinds.push({ ...k, name: "thing_big", actions: { start: { about, safety: "write", run } } });
    },
    "odd_thing_big_start: means both thing big_start and thing_big start",
  ],
  [
    "an input that is a union",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: z.union([item, z.object({ b: z.string() })]) }),
    /start: input: has to be one object, no union/,
  ],
  [
    "an input that is a discriminated union",
    (_, k) => {
      const options = [z.object({ a: z.literal(1) }), z.object({ a: z.literal(2) })] as const;
      k.actions.start = { about, safety: "write", run, input: z.discriminatedUnion("a", options) };
    },
    /start: input: has to be one object, no union/,
  ],
  [
    "an input that is an intersection",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: z.intersection(item, item) }),
    /start: input: has to be one object/,
  ],
  [
    "an input that is a record",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: z.record(z.string(), z.string()) }),
    /start: input: has to be one object/,
  ],
  [
    "an input that is transformed",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: z.object({ a: z.string() }).transform((one) => one) }),
    /start: input: has to be one object/,
  ],
  ["an input that is no schema", (_, k) => (k.actions.start = { about, safety: "write", run, input: "x" }), /start: input: has to be a shape/],
  [
    "a shape with something else in it",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: { a: "text" } }),
    "kind thing: start: input.a: has to be a zod schema",
  ],
  [
    "a shape of zod 3",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: { a: z3.z.string() } }),
    /start: input\.a: a shape takes schemas of zod 4/,
  ],
  ["a date in the input", (_, k) => (k.actions.start = { about, safety: "write", run, input: { at: z.date() } }), /start: input: .*[Dd]ate/],
  [
    "an input called like the key",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: { name: z.string() } }),
    "kind thing: start: input.name: this name is taken by the core; choose another",
  ],
  [
    "an input called like the noun",
    (_, k) => (k.actions.create = { about, safety: "write", run, input: { name: z.string(), host: z.string() } }),
    "kind thing: create: input.host: this name is taken by the core; choose another",
  ],
  [
    "an input called confirm",
    (_, k) => (k.actions.start = { about, safety: "write", run, input: { confirm: z.boolean() } }),
    "kind thing: start: input.confirm: this name is taken by the core; choose another",
  ],
  [
    "an input called like a within, even of the kind as a whole",
    (_, k) => {
      k.item = item.extend({ pool: z.string() });
      k.within = { pool: z.string() };
      k.actions.create = { about, safety: "write", run, input: { name: z.string(), pool: z.string() } };
    },
    "kind thing: create: input.pool: this name is taken by the core; choose another",
  ],
  [
    "a schema that refers to itself",
    (_, k) => {
      const tree = z.object({
        name: z.string(),
        get children() {
          return z.array(tree);
        },
      });
      k.actions.start = { about, safety: "write", run, input: { tree } };
    },
    "odd_thing_start: a schema refers to itself or to another by its id; write it out",
  ],
];

describe("a faulty declaration", () => {
  it.each(TABLE.map(([what, change, ...expected]) => ({ what, change, expected })))("$what", async ({ change, expected }) => {
    const faults = await faultsOf(change);
    expect(faults).toHaveLength(expected.length);
    for (const [at, fault] of expected.entries())
      if (typeof fault === "string") expect(faults[at]).toBe(fault);
      else expect(faults[at]).toMatch(fault);
  });

  it("is refused with all its faults at once, wherever they are", async () => {
    const provider = { ...tapeLibrary() } as Loose;
    const [kind] = provider.kinds;
    provider.title = "";
    provider.hosts = [{ workload: "archive", fit: 2 }];
    provider.kinds = [
      { ...kind, key: "id", everyday: ["fly"], actions: { ...kind.actions, list: kind.actions.load, juggle: { safety: "read", run } } },
      { ...kind, item: z.object({ barcode: z.date() }) },
    ];
    const faults = checkProvider(provider);
    for (const part of [
      "title: missing",
      "hosts.0.fit",
      "everyday: there is no fly",
      'key: "id"',
      "list: is declared by",
      "juggle: about: missing",
      "juggle: output: missing",
      "declared twice",
      "item: Date",
      "means both cartridge list and cartridge list",
    ])
      expect(
        faults.some((fault) => fault.includes(part)),
        part,
      ).toBe(true);
    const error = await loadPlugin(provider, "/").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PLUGIN_INVALID" });
    expect((error as Error).message.split("\n")).toEqual([
      `The plugin the object "tape" has ${faults.length} faults:`,
      ...faults.map((fault) => `  ${fault}`),
    ]);
  });

  it.each([
    [undefined],
    [null],
    [7],
    ["text"],
    [() => {}],
    [[]],
    [{}],
    [{ kinds: "many" }],
    [{ kinds: [{}] }],
    [{ kinds: [{ actions: [] }] }],
    [{ kinds: [{ actions: { start: null } }] }],
  ])("is never more than faults: %j", (candidate) => {
    expect(checkProvider(candidate).length).toBeGreaterThan(0);
  });

  it("whatever part of it is broken, it is refused or sound, never a crash", () => {
    const WRONG = [undefined, null, 7, "text", true, [], {}, [null], { a: 1 }, () => {}];
    const skipped = new Set(["item", "schema", "input", "output", "within", "client", "options"]);
    const survivors: string[] = [];
    const typeName = (value: unknown): string => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);
    const visit = (value: Loose, path: readonly string[], rebuild: (inner: unknown) => unknown): void => {
      for (const wrong of WRONG) {
        const broken = rebuild(wrong);
        let faults: readonly string[] = [];
        try {
          faults = checkProvider(broken);
        } catch (error) {
          throw new Error(`${path.join(".")} = ${String(wrong)} crashes the check`, { cause: error });
        }
        // Null counts as left out, and a loss is a sentence or is found out by a function.
        const fine =
          (wrong ?? undefined) === undefined ||
          typeName(wrong) === typeName(value) ||
          (path.at(-1) === "loses" && ["function", "string"].includes(typeof wrong));
        if (faults.length === 0 && !fine) survivors.push(`${path.join(".")}: ${typeName(wrong)}`);
      }
      if (typeof value !== "object" || value === null || skipped.has(path.at(-1) ?? "")) return;
      for (const [name, inner] of Object.entries(value))
        visit(inner, [...path, name], (replaced) =>
          rebuild(Array.isArray(value) ? value.map((one, at) => (String(at) === name ? replaced : one)) : { ...value, [name]: replaced }),
        );
    };
    for (const provider of [tapeLibrary(), lxd]) visit(provider, [], (broken) => broken);
    expect(survivors).toEqual([]);
  });
});
