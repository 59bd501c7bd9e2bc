/**
 * Checks parameters against the API schema and complains in Proxmox's own words, so that a fault found here reads like one
 * found there.
 * @module
 */
import type { Method, Parameter } from "./schema.js";

export interface ParameterFault {
  readonly parameter: string;
  readonly message: string;
}

type Properties = Readonly<Record<string, Parameter>>;

/** The definition of a parameter by its name; `net0` finds `net[n]`. */
export function parameterOf(properties: Properties, name: string): Parameter | undefined {
  if (Object.hasOwn(properties, name)) return properties[name];
  const indexed = /^(.*?[a-z])(0|[1-9]\d*)$/i.exec(name);
  if (!indexed || !Object.hasOwn(properties, `${indexed[1]}[n]`)) return undefined;
  const found = properties[`${indexed[1]}[n]`];
  return found && Number(indexed[2]) <= (found.last ?? Number.POSITIVE_INFINITY) ? found : undefined;
}

/**
 * Every fault of these parameters, with those of the path among them.
 *
 * @param parameters as they would be sent: text, numbers, booleans, lists. Null and undefined count as not given.
 */
export function checkParameters(definition: Method, parameters: Readonly<Record<string, unknown>>): readonly ParameterFault[] {
  return checkObject(definition.parameters, parameters, definition.open ?? false);
}

function checkObject(properties: Properties, values: Readonly<Record<string, unknown>>, open: boolean): ParameterFault[] {
  const faults: ParameterFault[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null) continue;
    const parameter = parameterOf(properties, name);
    const message = parameter
      ? faultOf(parameter, value, name)
      : open
        ? undefined
        : "property is not defined in schema and the schema does not allow additional properties";
    if (message) faults.push({ parameter: name, message });
    if (parameter?.requires && !given(values[parameter.requires]))
      faults.push({ parameter: parameter.requires, message: `missing property - '${name}' requires this property` });
  }
  for (const [name, parameter] of Object.entries(properties)) {
    const counted = name.endsWith("[n]") || parameter.alias;
    if (counted || parameter.optional || given(values[name])) continue;
    faults.push({ parameter: name, message: "property is missing and it is not optional" });
  }
  return faults;
}

const given = (value: unknown): boolean => value !== undefined && value !== null;

function faultOf(parameter: Parameter, value: unknown, name: string): string | undefined {
  if (parameter.oneOf) {
    const faults = parameter.oneOf.map((variant) => faultOf(variant, value, name));
    return faults.includes(undefined) ? undefined : faults[0];
  }
  if (parameter.type === "array") {
    const { items } = parameter;
    // A single value stands for a list of one.
    for (const one of Array.isArray(value) ? value : [value]) {
      const fault = items && faultOf(items, one, name);
      if (fault) return fault;
    }
    return undefined;
  }
  // A list is taken where the format is one: ["a","b"] for "a,b".
  const isList = Array.isArray(value) && typeof parameter.format === "string" && parameter.format.endsWith("-list");
  const text = isList ? value.join(",") : scalar(value);
  const type = parameter.type ?? "string";
  if (text === undefined) return `type check ('${type}') failed - got ${Array.isArray(value) ? "ARRAY" : "HASH"}`;
  if (!TYPES[type]?.test(text)) return `type check ('${type}') failed - got '${text}'`;
  if (parameter.format !== undefined) {
    const fault = formatFault(parameter.format, text, name);
    if (fault) return `invalid format - ${fault}\n`;
  }
  if (parameter.pattern && !new RegExp(`^(?:${parameter.pattern})$`).test(text)) return "value does not match the regex pattern";
  return limitFault(parameter, text, type);
}

function limitFault(parameter: Parameter, text: string, type: string): string | undefined {
  const { minLength, maxLength, minimum, maximum } = parameter;
  if (maxLength !== undefined && text.length > maxLength) return `value may only be ${maxLength} characters long`;
  if (minLength !== undefined && text.length < minLength) return `value must be at least ${minLength} characters long`;
  if (type === "integer" || type === "number") {
    if (minimum !== undefined && Number(text) < minimum) return `value must have a minimum value of ${minimum}`;
    if (maximum !== undefined && Number(text) > maximum) return `value must have a maximum value of ${maximum}`;
  }
  if (parameter.enum && !parameter.enum.some((allowed) => String(allowed) === text))
    return `value '${text}' does not have a value in the enumeration '${parameter.enum.join(", ")}'`;
  return undefined;
}

/** How a value arrives: Perl has no booleans, and JSON's become 1 and 0. */
function scalar(value: unknown): string | undefined {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "object" ? undefined : String(value);
}

const TYPES: Readonly<Record<string, RegExp>> = {
  string: /^[\s\S]*$/,
  boolean: /^[01]$/,
  integer: /^[+-]?\d+$/,
  number: /^[+-]?(?=\d|\.\d)\d*(\.\d*)?([Ee][+-]?\d+)?$/,
};

/** Formats that are cheap to know. Proxmox checks the others, and more closely. */
const FORMATS: Readonly<Record<string, { readonly test: RegExp; readonly fault: (value: string) => string }>> = {
  "pve-vmid": { test: /^[1-9]\d{2,8}$/, fault: () => "value does not look like a valid VM ID" },
  "pve-node": { test: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i, fault: () => "value does not look like a valid node name" },
  "pve-configid": { test: /^[a-z][a-z0-9_-]+$/i, fault: (value) => `invalid configuration ID '${value}'` },
  "pve-storage-id": { test: /^[a-z][a-z0-9\-_.]*[a-z0-9]$/i, fault: (value) => `storage ID '${value}' contains illegal characters` },
  "dns-name": {
    test: /^([a-z0-9]([a-z0-9-]*[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i,
    fault: () => "value does not look like a valid DNS name",
  },
  "mac-addr": { test: /^[a-f0-9][02468ace](:[a-f0-9]{2}){5}$/i, fault: () => "value does not look like a valid unicast MAC address" },
};

function formatFault(format: NonNullable<Parameter["format"]>, text: string, name: string): string | undefined {
  if (typeof format === "object") return propertyStringFault(format, text, name);
  const single = format.replace(/-list$/, "");
  const known = FORMATS[format] ?? FORMATS[single];
  if (!known) return undefined;
  const parts = format === single ? [text] : text.split(/[\s,;\0]+/).filter((part) => part !== "");
  const wrong = parts.find((part) => !known.test.test(part));
  return wrong === undefined ? undefined : known.fault(wrong);
}

/** A property string holds several keys in one value: `virtio=BC:24:11:77:43:2F,bridge=vmbr0`. */
function propertyStringFault(keys: Properties, text: string, name: string): string | undefined {
  const values: Record<string, string> = {};
  const unnamed = Object.keys(keys).find((key) => keys[key]?.default_key);
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const [, left = "", right] = /^([^=]+)(?:=(.+))?$/.exec(part) ?? [];
    if (left === "" || (right === undefined && part.includes("="))) return "missing key in comma-separated list property";
    if (right === undefined && unnamed === undefined) return "value without key, but schema does not define a default key";
    let key = right === undefined ? (unnamed ?? "") : left;
    const { alias, keyAlias } = keys[key] ?? {};
    if (alias) {
      if (keyAlias) values[keyAlias] = key;
      key = alias;
    }
    if (values[key] !== undefined) return `duplicate key in comma-separated list property: ${key}`;
    const value = right ?? left;
    values[key] = keys[key]?.type === "boolean" ? (BOOLEANS[value.toLowerCase()] ?? value) : value;
  }
  const faults = checkObject(keys, values, false);
  if (faults.length === 0) return undefined;
  return `format error\n${faults.map(({ parameter, message }) => `${name}.${parameter}: ${message}`).join("\n")}`;
}

/** Words for yes and no. Only property strings know them; elsewhere a boolean is 1 or 0. */
const BOOLEANS: Readonly<Record<string, string>> = { on: "1", yes: "1", true: "1", off: "0", no: "0", false: "0" };
