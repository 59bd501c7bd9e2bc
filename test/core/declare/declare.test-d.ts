/**
 * Nothing here runs: `tsc --noEmit` holds each `@ts-expect-error` to be one. What the types let through is found when a plugin is loaded
 * (check.test.ts); what they refuse, an author sees while typing.
 */
import {
  CLOCK,
  type Clock,
  CONNECTION,
  type Connection,
  type ConnectionOf,
  defineProvider,
  facet,
  forClient,
  HTTP,
  type Http,
  LOGGER,
  type Logger,
} from "proxmcp/plugin";
import { z } from "zod";
import { z as z3 } from "zod/v3";

class Client {
  static readonly inject = [HTTP, CONNECTION] as const;
  readonly names: readonly string[] = [];
  constructor(_http: Http, connection: ConnectionOf<typeof Options>) {
    this.names = [connection.options.url];
  }
}
const Options = z.object({ url: z.string(), port: z.int().optional() });
const { kind, read, write, destructive } = forClient<Client>();
const Item = z.object({
  name: z.string(),
  size: z.int().optional(),
  state: facet(z.enum(["on", "off"]), "State", { values: { on: ["up"], off: ["down"] } }).default("off"),
});
const about = "x";

// ---- keys

kind({ name: "a", about, item: Item, key: "name", alsoBy: ["size"] });
// @ts-expect-error -- no field of the item
kind({ name: "a", about, item: Item, key: "nam" });
// @ts-expect-error -- no field of the item
kind({ name: "a", about, item: Item, key: "name", alsoBy: ["id"] });
// @ts-expect-error -- no key at all
kind({ name: "a", about, item: Item });
// @ts-expect-error -- no object
kind({ name: "a", about, item: z.string(), key: "name" });
// @ts-expect-error -- a setting that does not exist
kind({ name: "a", about, item: Item, key: "name", everyDay: ["list"] });

// ---- facets

facet(z.enum(["on", "off"]), "State", { values: { on: [] } });
// @ts-expect-error -- no value of the enum
facet(z.enum(["on", "off"]), "State", { values: { up: ["alive"] } });
// @ts-expect-error -- words are a list
facet(z.enum(["on", "off"]), "State", { values: { on: "up" } });
// @ts-expect-error -- words are a list
facet(z.string(), "Name", { says: "label" });
// @ts-expect-error -- a setting that does not exist
facet(z.string(), "Name", { sais: ["label"] });

// ---- list and get

kind({ name: "a", about, item: Item, key: "name", list: async () => [{ name: "x" }, { name: "y", size: 1, state: "on" as const }] });
kind({ name: "a", about, item: Item, key: "name", list: async () => ({ items: [{ name: "x" }], errors: [] }) });
// @ts-expect-error -- a field is missing
kind({ name: "a", about, item: Item, key: "name", list: async () => [{ size: 1 }] });
// @ts-expect-error -- a field is of another type
kind({ name: "a", about, item: Item, key: "name", list: async () => [{ name: "x", size: "1" }] });
// @ts-expect-error -- no value of the enum
kind({ name: "a", about, item: Item, key: "name", list: async () => [{ name: "x", state: "up" }] });
// @ts-expect-error -- one item is no list
kind({ name: "a", about, item: Item, key: "name", list: async () => ({ name: "x" }) });
// @ts-expect-error -- a list is no item
kind({ name: "a", about, item: Item, key: "name", get: async () => [{ name: "x" }] });
// @ts-expect-error -- an item is not nothing
kind({ name: "a", about, item: Item, key: "name", get: async () => undefined });
// @ts-expect-error -- a field is of another type
kind({ name: "a", about, item: Item, key: "name", get: async () => ({ name: 7 }) });
// @ts-expect-error -- the client has no such method
kind({ name: "a", about, item: Item, key: "name", list: async ({ client }) => client.things() });
// @ts-expect-error -- a list has no key
kind({ name: "a", about, item: Item, key: "name", list: async ({ key }) => [{ name: String(key) }] });

// ---- actions

write({ about, input: { size: z.int(), deep: z.object({ a: z.string() }) }, run: async ({ input }) => void (input.size + input.deep.a.length) });
// @ts-expect-error -- undeclared
write({ about, input: { size: z.int() }, run: async ({ input }) => void input.sice });
// @ts-expect-error -- undeclared, as nothing is declared
write({ about, run: async ({ input }) => void input.size });
// @ts-expect-error -- of another type
write({ about, input: { size: z.int() }, run: async ({ input }) => void input.size.trim() });
// @ts-expect-error -- optional, so perhaps not there
write({ about, input: { size: z.int().optional() }, run: async ({ input }) => void (input.size + 1) });
// @ts-expect-error -- undeclared in a whole schema
write({ about, input: z.object({ size: z.int() }), run: async ({ input }) => void input.sice });
// @ts-expect-error -- undeclared in a whole schema of zod 3
write({ about, input: z3.object({ size: z3.number() }), run: async ({ input }) => void input.sice });
write({ about, input: z3.object({ size: z3.number().default(1) }), run: async ({ input }) => void (input.size + 1) });
// @ts-expect-error -- a union at the top
write({ about, input: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), run: async () => {} });
// @ts-expect-error -- no schema
write({ about, input: { size: "number" }, run: async () => {} });

const Output = z.object({ lines: z.array(z.string()), cut: z.boolean().default(false) });
read({ about, output: Output, run: async () => ({ lines: ["a"] }) });
// @ts-expect-error -- of another shape
read({ about, output: Output, run: async () => ({ lines: "a" }) });
// @ts-expect-error -- a field is missing
read({ about, output: Output, run: async () => ({}) });
// @ts-expect-error -- nothing is no output
read({ about, output: Output, run: async () => {} });
// @ts-expect-error -- of another shape, with zod 3
read({ about, output: z3.object({ lines: z3.number() }), run: async () => ({ lines: "a" }) });
read({ about, output: z3.object({ lines: z3.number().default(1) }), run: async () => ({}) });
// @ts-expect-error -- no object
read({ about, output: z.string(), run: async () => "a" });
destructive({ about, run: async () => ({ key: "x" }) });
// @ts-expect-error -- without output only the key is answered
destructive({ about, run: async () => ({ name: "x" }) });
// @ts-expect-error -- says nothing
destructive({ run: async () => {} });
// @ts-expect-error -- does nothing
destructive({ about });
// @ts-expect-error -- neither an item nor the kind
destructive({ about, on: "list", run: async () => {} });

// ---- what an item lies within

const inner = forClient<Client, { pool: string }>();
const Inner = z.object({ name: z.string(), pool: z.string() });
inner.kind({
  name: "a",
  about,
  item: Inner,
  key: "name",
  within: { pool: z.string() },
  listRequires: ["pool"],
  get: async ({ key, at }) => ({ name: key, pool: at.pool }),
});
inner.kind({ name: "a", about, item: Inner, key: "name", within: { pool: z3.string() } });
// @ts-expect-error -- of another type
inner.kind({ name: "a", about, item: Inner, key: "name", within: { pool: z.int() } });
// @ts-expect-error -- of another name
inner.kind({ name: "a", about, item: Inner, key: "name", within: { pols: z.string() } });
// @ts-expect-error -- not within
inner.kind({ name: "a", about, item: Inner, key: "name", within: { pool: z.string() }, listRequires: ["name"] });
// @ts-expect-error -- a list may have been asked without it
inner.kind({ name: "a", about, item: Inner, key: "name", list: async ({ at }) => [{ name: at.pool.trim(), pool: "" }] });
// @ts-expect-error -- not within
inner.write({ about, run: async ({ at }) => void at.node });

// ---- providers and their clients

const base = { name: "a", title: "A", about, hosts: [], test: async () => ({ version: "1" }), kinds: [] };
const connection = { noun: "host", schema: Options };
defineProvider({ ...base, connection, client: Client });
defineProvider({ ...base, connection, client: Client, kinds: [kind({ name: "a", about, item: Item, key: "name" })] });

class Swapped {
  static readonly inject = [CLOCK, HTTP] as const;
  constructor(readonly_http: Http, readonly_clock: Clock) {
    void [readonly_http, readonly_clock];
  }
}
// @ts-expect-error -- the services come in another order
defineProvider({ ...base, connection, client: Swapped });

class Short {
  static readonly inject = [CLOCK] as const;
  constructor(clock: Clock, logger: Logger) {
    void [clock, logger];
  }
}
// @ts-expect-error -- a parameter without a token
defineProvider({ ...base, connection, client: Short });

class Bare {
  readonly clock: Clock;
  constructor(clock: Clock) {
    this.clock = clock;
  }
}
// @ts-expect-error -- no inject
defineProvider({ ...base, connection, client: Bare });

class Loose {
  static readonly inject = [CLOCK, LOGGER] as const;
  readonly clock: Clock;
  constructor(clock: Clock) {
    this.clock = clock;
  }
}
// A service that is not taken does no harm.
defineProvider({ ...base, connection, client: Loose });

class OtherOptions {
  static readonly inject = [CONNECTION] as const;
  constructor(connection: Connection<{ address: string }>) {
    void connection;
  }
}
// @ts-expect-error -- connections of this schema have no address
defineProvider({ ...base, connection, client: OtherOptions });

// @ts-expect-error -- an instance is no class
defineProvider({ ...base, connection, client: new Loose({} as Clock) });
// @ts-expect-error -- the test is of another client
defineProvider({ ...base, connection, client: Loose, test: async ({ client }) => ({ version: client.names.join() }) });
// @ts-expect-error -- no schema
defineProvider({ ...base, connection: { noun: "host", schema: {} }, client: Client });
// @ts-expect-error -- an API of the future
defineProvider({ ...base, connection, client: Client, api: 2 });
// @ts-expect-error -- a report without a version
defineProvider({ ...base, connection, client: Client, test: async () => ({ warnings: [] }) });
