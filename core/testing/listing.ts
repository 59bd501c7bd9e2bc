import { isProxMcpError } from "../errors.js";
import type { Field } from "../derive/fields.js";
import type { Check } from "./review.js";
import { addressOf, called, type Listing, type Row, same, type Subject, toolsOf } from "./subject.js";

/** So many rows of a list are fetched one by one. */
const MAX_GETS = 6;
const TRIES = 4;

/** Every list can be asked for, is whole, and keeps to its schema. */
export const wholeLists: Check = {
  name: "answers every list, whole and to its schema",
  async run(subject) {
    for (const listing of await subject.listings()) {
      const { tool, within } = listing;
      const { items, errors } = await subject.call(tool.name, { limit: 1000, ...within });
      for (const error of (errors as readonly { readonly code: string; readonly message: string }[] | undefined) ?? [])
        subject.note(tool.name, `part of the list is missing (${error.code}): ${error.message}`);
      const keys = (items as readonly Row[]).map((row) => JSON.stringify(addressOf(listing.operation, row, within)));
      const twice = keys.find((key, at) => keys.indexOf(key) < at);
      if (twice) subject.note(tool.name, `two rows have the address ${twice}. The key, with what it lies within, has to identify one item.`);
    }
  },
};

/**
 * What `list` says of an item, `get` says too. Measurements move between two calls: a difference counts where each of the two says the same
 * when it is asked again.
 */
export const listAndGet: Check = {
  name: "says the same of an item in list and get",
  async run(subject) {
    const gets = toolsOf(subject.app, "get");
    for (const listing of await subject.listings()) {
      const { operation, tool, within } = listing;
      const get = gets.find((one) => one.operation.kind === operation.kind);
      if (!get) continue;
      const rows = await subject.rows(listing);
      for (const row of rows.slice(0, MAX_GETS)) {
        const address = addressOf(operation, row, within);
        const fetch = async (): Promise<Row | undefined> => {
          try {
            return (await subject.call(get.name, address))["item"] as Row;
          } catch (error) {
            const why = isProxMcpError(error) ? `${error.code}: ${error.message}` : String(error);
            // What comes and goes by itself, as a task does, may have gone since.
            if (!(await subject.rows(listing)).some((other) => same(addressOf(operation, other, within), address))) return undefined;
            subject.note(get.name, `${tool.name} lists ${called(operation, row)}, and get of it fails: ${why}`);
            return undefined;
          }
        };
        const item = await fetch();
        if (!item) continue;
        // How long ago is told as exactly as the platform's list and item each do.
        const differing = operation.fields.filter(({ name, facet }) => facet.unit !== "seconds" && !same(row[name], item[name]));
        if (differing.length === 0) continue;
        const again = await fetch();
        const listed = (await subject.rows(listing)).find((other) => same(addressOf(operation, other, within), address));
        if (!again || !listed) continue;
        for (const field of differing)
          if (same(listed[field.name], row[field.name]) && same(again[field.name], item[field.name]))
            tellDifference(subject, { listing, get: get.name, field }, row, item);
      }
    }
  },
};

function tellDifference(
  subject: Subject,
  { listing, get, field }: { readonly listing: Listing; readonly get: string; readonly field: Field },
  row: Row,
  item: Row,
): void {
  const { name, facet } = field;
  const what = called(listing.operation, row);
  if (item[name] === undefined)
    subject.note(get, `of ${what} it leaves out ${name}, which list says is ${JSON.stringify(row[name])}. get has to say all that list says.`);
  else if (row[name] !== undefined)
    subject.note(get, `of ${what} it says ${name} is ${JSON.stringify(item[name])}, list says ${JSON.stringify(row[name])}.`);
  else if (field.type !== "object" && !facet.detail && !facet.onDemand)
    subject.note(
      listing.tool.name,
      `it never says ${name} of ${what}, get does (${JSON.stringify(item[name])}): filters on it would find nothing. Fill it in, or declare the facet \`detail\` or \`onDemand\`.`,
    );
}

/** Every page in turn gives each row once. */
export const pages: Check = {
  name: "gives each row once, page by page",
  async run(subject) {
    for (const listing of await subject.listings()) {
      const { tool, operation, within } = listing;
      const keyOf = (row: Row): string => JSON.stringify(addressOf(operation, row, within));
      let whole: readonly string[] = [];
      let walked: string[] = [];
      // On a platform that others use, rows come and go.
      for (let tries = 0; tries < TRIES && (tries === 0 || !same(walked, whole)); tries += 1) {
        whole = (await subject.rows(listing)).map(keyOf);
        const limit = Math.ceil(whole.length / 3) || 1;
        walked = [];
        let cursor: unknown;
        do {
          const page = await subject.call(tool.name, { ...within, limit, ...(cursor ? { cursor } : {}) });
          walked.push(...(page["items"] as readonly Row[]).map(keyOf));
          ({ cursor } = page);
        } while (cursor && walked.length <= whole.length);
      }
      if (!same(walked, whole))
        subject.note(
          tool.name,
          `its pages hold ${walked.length} rows in another order or number than the ${whole.length} of the whole. Order "platform" needs the same order each time.`,
        );
    }
  },
};

/** A filter that a row's own values make leaves out no row that fits. The core filters again, so too much is never wrong. */
export const filters: Check = {
  name: "leaves out nothing that fits a filter",
  async run(subject) {
    for (const listing of await subject.listings()) {
      const { tool, operation } = listing;
      const before = await subject.rows(listing);
      for (const field of operation.fields) {
        if (field.facet.detail) continue; // looked up by the core, row by row
        const sample = before.find((row) => conditionOf(field, row[field.name]) !== undefined);
        if (!sample) continue;
        const where = { [field.name]: conditionOf(field, sample[field.name]) };
        // A measurement that moved meanwhile is no measure of the filter: what is left out has to be left out each time.
        let missing = await leftOut(subject, listing, { field, value: sample[field.name], where });
        for (let again = 1; again < TRIES && missing.length > 0; again += 1) {
          const still = (await leftOut(subject, listing, { field, value: sample[field.name], where })).map((row) => called(operation, row));
          missing = missing.filter((row) => still.includes(called(operation, row)));
        }
        for (const row of missing)
          subject.note(
            tool.name,
            `with where ${JSON.stringify(where)} it leaves out ${called(operation, row)}, whose ${field.name} is ${JSON.stringify(row[field.name])}. \`where\` is a hint: answer at least what fits; the core filters again.`,
          );
      }
    }
  },
};

/** The rows that fit, before and after, and are not in what the filter leaves. */
async function leftOut(
  subject: Subject,
  listing: Listing,
  { field, value, where }: { readonly field: Field; readonly value: unknown; readonly where: Row },
): Promise<readonly Row[]> {
  const fitting = (rows: readonly Row[]): readonly Row[] => rows.filter((row) => fits(field, row[field.name], value));
  const isAmong = (rows: readonly Row[], row: Row): boolean =>
    rows.some((other) => same(addressOf(listing.operation, other), addressOf(listing.operation, row)));
  const before = fitting(await subject.rows(listing));
  const found = await subject.rows(listing, where);
  const after = fitting(await subject.rows(listing));
  return before.filter((row) => isAmong(after, row) && !isAmong(found, row));
}

function conditionOf(field: Field, value: unknown): unknown {
  if (value === undefined || value === null || value === "" || field.type === "object") return undefined;
  if (field.type === "number") return { min: value, max: value };
  if (field.type === "enum") return [value];
  if (field.type === "time") return { after: value };
  if (field.type === "list") return (value as readonly string[])[0] === undefined ? undefined : [(value as readonly string[])[0]];
  // A star would be a pattern.
  return field.type === "text" && String(value).includes("*") ? undefined : value;
}

function fits(field: Field, value: unknown, sample: unknown): boolean {
  if (field.type === "list") return Array.isArray(value) && value.includes((sample as readonly string[])[0]);
  return same(value, sample);
}
