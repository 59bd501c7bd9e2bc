/**
 * Property strings: several values in one setting, as in `virtio=BC:24:11:77:43:2F,bridge=vmbr0,tag=20`.
 * @module
 */

export type Properties = Readonly<Record<string, string>>;

/** The values by their keys. A value that stands alone, as the volume of a disk does, is filed under `unnamed`. */
export function parseProperties(text: string | number | undefined, unnamed = ""): Properties {
  const found: Record<string, string> = {};
  for (const part of String(text ?? "").split(",")) {
    if (part.trim() === "") continue;
    const equals = part.indexOf("=");
    if (equals < 0) found[unnamed] = part;
    else found[part.slice(0, equals)] = part.slice(equals + 1);
  }
  return found;
}

/** A property string of what is given. The value under `unnamed` comes first and without a key. */
export function formatProperties(values: Readonly<Record<string, string | number | boolean | undefined>>, unnamed = ""): string {
  const text = (value: string | number | boolean): string => (typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  const { [unnamed]: first, ...rest } = values;
  const named = Object.entries(rest).flatMap(([key, value]) => (value === undefined ? [] : `${key}=${text(value)}`));
  return [...(first === undefined ? [] : [text(first)]), ...named].join(",");
}

export const isOn = (value: string | number | undefined): boolean => ["1", "on", "yes", "true"].includes(String(value ?? "").toLowerCase());

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes of a size such as `32G` or `16182K`. Undefined for anything else. */
export function bytesOf(size: string | number | undefined): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(String(size ?? "")) ?? [];
  return number === undefined ? undefined : Math.round(Number(number) * (UNITS[unit] ?? 1));
}

/** A size as Proxmox takes it, in the largest unit that keeps it exact. */
export function sizeOf(bytes: number): string {
  for (const unit of ["T", "G", "M", "K"]) if (bytes % (UNITS[unit] ?? 1) === 0) return `${bytes / (UNITS[unit] ?? 1)}${unit}`;
  return String(bytes);
}

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
