/**
 * Fields of plain records: what they are called here and there, and how a value is read and written.
 * @module
 */
import { type FacetOptions, facet } from "proxmcp/plugin";
import { z } from "zod";
import type { Parameters } from "./client.js";
import { isOn } from "./properties.js";

type Row = Readonly<Record<string, unknown>>;
type Wire = string | number | boolean;

/** A field here and its parameter there. */
export interface Column {
  readonly schema: z.ZodType;
  /** Its name in the API. */
  readonly wire: string;
  /** Undefined for what says nothing. */
  read(value: unknown): unknown;
  write(value: unknown): Wire;
  /** What takes it. */
  readonly create: "required" | "optional" | "no";
  readonly update: boolean;
}

interface Options extends FacetOptions {
  /** It has to be given at creation. */
  readonly required?: boolean;
  /** Given at creation only. */
  readonly fixed?: boolean;
  /** Nobody gives it. */
  readonly shown?: boolean;
}

const column =
  <Schema extends z.ZodType>(make: () => Schema, read: Column["read"], write: Column["write"]) =>
  (wire: string, about: string, { required, fixed, shown, ...options }: Options = {}): Column => ({
    schema: facet(make(), about, options as FacetOptions<never>),
    wire,
    read: (value) => (value === undefined || value === null || value === "" ? undefined : read(value)),
    write,
    create: shown ? "no" : required ? "required" : "optional",
    update: !shown && !fixed,
  });

const same = (value: unknown): Wire => value as Wire;
export const text = column(
  () => z.string(),
  (value) => String(value).trim(),
  same,
);
export const whole = column(() => z.int(), Number, same);
export const numeric = column(() => z.number(), Number, same);
export const flag = column(
  () => z.boolean(),
  (value) => isOn(value as string),
  same,
);
/** Kept as the opposite: `disable` there, `enabled` here. */
export const unflag = column(
  () => z.boolean(),
  (value) => !isOn(value as string),
  (value) => !value,
);
export const time = column(
  () => z.iso.datetime({ offset: true }),
  (value) => (Number(value) > 0 ? new Date(Number(value) * 1000).toISOString() : undefined),
  (value) => Math.floor(Date.parse(String(value)) / 1000),
);
export const words = column(
  () => z.array(z.string()),
  (value) =>
    Array.isArray(value)
      ? value.map(String)
      : String(value)
          .split(/[,;\s]+/)
          .filter((word) => word !== ""),
  (value) => (value as string[]).join(","),
);
export const choice = (values: readonly [string, ...string[]]) =>
  column(
    () => z.enum(values),
    (value) => (values.includes(String(value)) ? String(value) : undefined),
    same,
  );

export function readRow(columns: Readonly<Record<string, Column>>, row: Row): Row {
  return definedOf(Object.fromEntries(Object.entries(columns).map(([name, { wire, read }]) => [name, read(row[wire])])));
}

export const encode = (columns: Readonly<Record<string, Column>>, input: Row): Parameters =>
  Object.fromEntries(
    Object.entries(columns).flatMap(([name, { wire, write: sent }]) => (input[name] === undefined ? [] : [[wire, sent(input[name])]])),
  );

export function inputOf(columns: Readonly<Record<string, Column>>, verb: "create" | "update", key?: string): Record<string, z.ZodType> {
  const taken = Object.entries(columns).filter(([name, one]) => name !== key && (verb === "create" ? one.create !== "no" : one.update));
  const shape = Object.fromEntries(
    taken.map(([name, { schema, create }]) => [name, verb === "create" && create === "required" ? schema : schema.optional()]),
  );
  return verb === "create" ? shape : { ...shape, clear: z.array(z.string()).describe("Settings to put back to their default").optional() };
}

export const definedOf = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
