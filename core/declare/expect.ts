import type { Kind } from "./kind.js";

/** Collects what does not hold. */
export function collect(): { readonly faults: string[]; expect(holds: unknown, fault: string): void } {
  const faults: string[] = [];
  return {
    faults,
    expect(holds, fault) {
      if (!holds) faults.push(fault);
    },
  };
}

/** What may be left out, but has to be of its type where it is given. */
export function checkTypes<T extends object>(of: T, types: { readonly [name in keyof T]?: readonly string[] }): readonly string[] {
  return Object.entries<readonly string[] | undefined>(types)
    .filter(([name, allowed]) => of[name as keyof T] !== undefined && !allowed?.includes(typeof of[name as keyof T]))
    .map(([name, allowed]) => `${name}: has to be a ${allowed?.join(" or a ")}`);
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** Lower-case words joined by `_`. */
const PART = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
export const isPart = (value: unknown): boolean => typeof value === "string" && PART.test(value);
/** A list of words, or nothing where it is something else; that is a fault of its own. */
export const textsOf = (value: unknown): readonly string[] => (isTexts(value) ? (value as string[]) : []);
export const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";
export const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const isSchema = (value: unknown): value is object => isRecord(value) && typeof value["safeParse"] === "function";
export const isObjectSchema = (value: unknown): value is Kind["item"] => isSchema(value) && isRecord((value as { shape?: unknown }).shape);
