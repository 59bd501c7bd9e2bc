import { isProxMcpError } from "../errors.js";
import type { Operation, Tool } from "../derive/tools.js";
import type { Check } from "./review.js";
import { addressOf, called, codeOf, type Listing, open, type Row, same, type Subject, toolsOf } from "./subject.js";

type ActionTool = Tool & { readonly operation: Operation };

/** One call of an action: on which row, with what. */
interface Attempt {
  readonly args: Row;
  readonly row: Row | undefined;
}

/** So many rows are tried before an action is given up: not every item is in a state that it fits. */
const MAX_ROWS = 8;
/** Milliseconds. */
const LONG_ENOUGH = 500;
const NOT_THERE = "nothing-of-this-name-0";

/** A `read` changes nothing: the lists of every kind are the same after it. */
export const reads: Check = {
  name: "changes nothing by what it says is a read",
  needs: "sandbox",
  async run(subject) {
    const actions = toolsOf(subject.app).filter(({ operation, safety }) => operation.action && safety === "read");
    const changed = await changes(subject, async (own) => {
      for (const tool of actions) await tried(own, tool);
    });
    if (changed.length === 0) return;
    // Something did. Which one, each alone says.
    for (const tool of actions) {
      const alone = await open(subject.provider, subject.options);
      try {
        const found = await changes(alone, async (own) => {
          await tried(own, tool);
        });
        for (const change of found)
          subject.note(tool.name, `it says that it reads, and afterwards ${change}. Declare it with write() or destructive().`);
      } finally {
        await alone.close();
      }
    }
    if (subject.findings.length === 0) for (const change of changed) subject.note(subject.provider.name, `while it was only read, ${change}.`);
  },
};

/** One that follows a log or waits for something would go on for ever. */
async function tried(own: Subject, tool: ActionTool): Promise<void> {
  for (const { args } of (await attempts(own, tool)) ?? []) await own.refusal(tool.name, args, AbortSignal.timeout(LONG_ENOUGH));
}

/** What the lists say is otherwise after the work. What moves by itself is left out: two looks before it tell what does. */
async function changes(subject: Subject, work: (subject: Subject) => Promise<void>): Promise<readonly string[]> {
  const first = await picture(subject);
  const second = await picture(subject);
  await work(subject);
  const last = await picture(subject);
  const found: string[] = [];
  for (const [tool, before] of second) {
    const after = last.get(tool) ?? new Map<string, Row>();
    for (const [key, row] of before) {
      const now = after.get(key);
      const early = first.get(tool)?.get(key);
      if (!now) found.push(`${tool} lists ${key} no more`);
      else
        for (const name of Object.keys({ ...row, ...now }))
          if (early && same(early[name], row[name]) && !same(row[name], now[name]))
            found.push(`${tool} says of ${key} that ${name} is ${JSON.stringify(now[name])}, no longer ${JSON.stringify(row[name])}`);
    }
    for (const key of after.keys()) if (!before.has(key)) found.push(`${tool} lists a new ${key}`);
  }
  return found;
}

async function picture(subject: Subject): Promise<Map<string, Map<string, Row>>> {
  const seen = new Map<string, Map<string, Row>>();
  for (const listing of await subject.listings()) {
    const { tool, operation, within } = listing;
    const rows = seen.get(tool.name) ?? new Map<string, Row>();
    for (const row of await subject.rows(listing)) {
      // Times, shares, temperatures and the like move with every breath of the platform, without anybody having changed it.
      const moving = operation.fields.filter(({ facet, type }) => type === "number" && !["bytes", "cores", undefined].includes(facet.unit));
      const kept = Object.entries(row).filter(([name]) => !moving.some((field) => field.name === name));
      rows.set(Object.values(addressOf(operation, row, within)).join(" of "), Object.fromEntries(kept));
    }
    seen.set(tool.name, rows);
  }
  return seen;
}

/** Each action that can be carried out is, once: what it answers is what get and list say afterwards. */
export const readBack: Check = {
  name: "does what its actions say, and reads it back",
  async run(subject) {
    for (const tool of toolsOf(subject.app).filter(({ operation }) => operation.action)) {
      // Each on a platform of its own: what one deletes, the next may need.
      const own = subject.sandbox ? await open(subject.provider, subject.options) : subject;
      try {
        if (!subject.sandbox && tool.safety !== "read" && !subject.options.inputs?.[tool.name]) continue;
        await carriedOut(subject, own, tool);
      } finally {
        if (own !== subject) await own.close();
      }
    }
  },
};

/** What a state, a permission or the platform's own rules may answer to an attempt that is otherwise sound. */
const FAIR = [
  "WRONG_STATE",
  "CONFLICT",
  "ALREADY_EXISTS",
  "INVALID_INPUT",
  "UNSUPPORTED",
  "FORBIDDEN",
  "NO_CAPACITY",
  "TASK_FAILED",
  "NOT_FOUND",
  "UPSTREAM",
  "CANCELLED",
  "TIMEOUT",
];

async function carriedOut(subject: Subject, own: Subject, tool: ActionTool): Promise<void> {
  const tries = await attempts(own, tool);
  if (!tries) {
    subject.untried.add(tool.name);
    return;
  }
  let last: unknown;
  for (const { args, row } of tries) {
    try {
      // One that waits for something or follows it has shown enough by then.
      const answer = await own.call(
        tool.name,
        args,
        tool.safety === "read" ? AbortSignal.timeout(own.sandbox ? LONG_ENOUGH : 10 * LONG_ENOUGH) : undefined,
      );
      await asItSays(subject, own, tool, { args, row }, answer);
      return;
    } catch (error) {
      const code = codeOf(error);
      if (!code || !FAIR.includes(code)) subject.note(tool.name, `with ${JSON.stringify(args)} it fails with ${saidOf(error)}.`);
      last = error;
    }
  }
  // Arguments that somebody gave are meant to work; those that were made up here may not.
  if (subject.options.inputs?.[tool.name] && last) subject.note(tool.name, `with the arguments in \`inputs\` it fails with ${saidOf(last)}.`);
  else subject.untried.add(tool.name);
}

const saidOf = (error: unknown): string => (isProxMcpError(error) ? `${error.code}: ${error.message}` : String(error));

/** Reads again by other doors what a write answered. */
async function asItSays(subject: Subject, own: Subject, { name, safety, operation }: ActionTool, { row }: Attempt, answer: Row): Promise<void> {
  const { kind, verb } = operation;
  const get = toolsOf(own.app, "get").find((one) => one.operation.kind === kind);
  if (safety === "read" || !get) return;
  if (verb === "delete" && row) {
    const address = addressOf(operation, row);
    const gone = codeOf(await own.refusal(get.name, address));
    if (gone !== "NOT_FOUND")
      subject.note(name, `after it, get of ${called(operation, row)} ${gone ? `fails with ${gone}` : "still answers"}; NOT_FOUND was due.`);
    return;
  }
  const item = answer["item"] as Row | undefined;
  if (!item) return;
  const listing = (await own.listings()).find(
    (one): one is Listing =>
      one.operation.kind === kind && Object.entries(one.within).every(([field, value]) => item[field] === undefined || String(item[field]) === value),
  );
  if (!listing) return;
  const rows = await own.rows(listing);
  if (!rows.some((other) => same(other[kind.key], item[kind.key])))
    subject.note(name, `it answers with ${called(operation, item)}, which ${listing.tool.name} does not list.`);
}

/** An action on what is not there says so, and a get too. */
export const missing: Check = {
  name: "says NOT_FOUND of what is not there",
  async run(subject) {
    for (const listing of await subject.listings()) {
      const [row] = await subject.rows(listing);
      for (const tool of toolsOf(subject.app).filter(({ operation }) => operation.kind === listing.operation.kind && operation.on === "item")) {
        if (tool.operation.verb === "list" || (!subject.sandbox && tool.safety !== "read")) continue;
        // Its place is taken from what is there, so that only the item itself is missing.
        const within = row ? addressOf(tool.operation, row, listing.within) : listing.within;
        const input = made(tool);
        if (!input || Object.keys(tool.operation.kind.within ?? {}).some((name) => within[name] === undefined)) continue;
        const key = missingKey(row?.[tool.operation.kind.key]);
        const error = await subject.refusal(tool.name, { ...input, ...within, [tool.operation.kind.key]: key });
        if (error === undefined) subject.note(tool.name, `of ${JSON.stringify(key)}, which is not there, it says that all went well.`);
        else if (tool.operation.verb === "get" && codeOf(error) !== "NOT_FOUND")
          subject.note(tool.name, `of ${JSON.stringify(key)}, which is not there, it says ${saidOf(error)}. NOT_FOUND was due.`);
        else if (!isProxMcpError(error) || error.code === "INTERNAL")
          subject.note(
            tool.name,
            `of ${JSON.stringify(key)}, which is not there, it fails with ${saidOf(error)}. Map the platform's answer to a code.`,
          );
      }
    }
  },
};

/** Platforms that number their items refuse words. */
const missingKey = (like: unknown): string => (/^\d+$/.test(String(like)) ? "987654321" : NOT_THERE);

/** The calls of an action to try, with arguments that were given for it or that its schema leaves no choice about. Undefined: nobody knows them. */
async function attempts(own: Subject, tool: ActionTool): Promise<readonly Attempt[] | undefined> {
  const { operation } = tool;
  const given = own.options.inputs?.[tool.name];
  const inputs: readonly Row[] | undefined = given === undefined ? asList(made(tool)) : asList(given as Row | readonly Row[]);
  if (!inputs) return undefined;
  const addressed = inputs.filter((args) => operation.on === "kind" || args[operation.kind.key] !== undefined);
  if (addressed.length === inputs.length && operation.on !== "item") return inputs.map((args) => ({ args, row: undefined }));
  const rows: { readonly row: Row; readonly within: Row }[] = [];
  for (const listing of await own.listings())
    if (listing.operation.kind === operation.kind) for (const row of await own.rows(listing)) rows.push({ row, within: listing.within });
  return inputs.flatMap((args): readonly Attempt[] => {
    const key = args[operation.kind.key];
    if (key !== undefined) return [{ args, row: rows.find(({ row }) => row[operation.kind.key] === key)?.row }];
    return rows.slice(0, MAX_ROWS).map(({ row, within }) => ({ args: { ...addressOf(operation, row, within), ...args }, row }));
  });
}

const asList = (value: Row | readonly Row[] | undefined): readonly Row[] | undefined =>
  value === undefined || Array.isArray(value) ? (value as readonly Row[] | undefined) : [value as Row];

/** Arguments for what an action can't do without, where its schema leaves no choice: a boolean, the first of an enum. */
function made({ operation, inputSchema }: ActionTool): Row | undefined {
  const addressed = new Set([operation.kind.key, ...Object.keys(operation.kind.within ?? {})]);
  const input: Record<string, unknown> = {};
  for (const name of inputSchema.required ?? []) {
    const property = inputSchema.properties?.[name];
    if (operation.on === "item" && addressed.has(name)) continue;
    if (property?.enum?.length) [input[name]] = property.enum;
    else if (property?.type === "boolean") input[name] = true;
    else return undefined;
  }
  return input;
}
