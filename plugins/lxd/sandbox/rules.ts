import { parseSize } from "../sizes.js";
import { Refusal } from "./answers.js";
import type { DeviceSet, Text, World } from "./world.js";

/** The server's rules for names of instances. */
export function checkName(name: string): void {
  const wrong = (why: string): never => {
    throw new Refusal(400, `Invalid instance name: ${why}`);
  };
  if (name.includes("/")) throw new Refusal(400, 'The character "/" is reserved for snapshots');
  if (name.length < 1 || name.length > 63) wrong("Name must be 1-63 characters long");
  if (name.startsWith("-")) wrong('Name must not start with "-" character');
  if (name.endsWith("-")) wrong('Name must not end with "-" character');
  if (/^\d/.test(name)) wrong("Name must not start with a number");
  if (!/^[a-zA-Z0-9-]+$/.test(name)) wrong("Name can only contain alphanumeric and hyphen characters");
}

const KEYS =
  /^(user\.|volatile\.|image\.|environment\.|raw\.|cloud-init\.|cluster\.evacuate$|boot\.|security\.|snapshots\.|migration\.|linux\.|nvidia\.|limits\.(cpu|memory|disk|network|processes|kernel|hugepages)(\.|$))/;

/** What is wrong with a configuration, in the server's words. */
export function configFault(config: Readonly<Record<string, string | null>>): string | undefined {
  for (const [key, value] of Object.entries(config)) {
    if (!KEYS.test(key)) return `Unknown configuration key: ${key}`;
    if (!value) continue;
    if (key === "limits.cpu" && !/^\d+$|^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(value)) return "Invalid CPU limit syntax";
    if (key === "limits.memory" && !/^\d+%$/.test(value)) {
      const bytes = parseSize(value);
      if (bytes === undefined) return `Invalid value: ${value}`;
      if (bytes === 0) return "Memory limit can't be 0";
    }
  }
  return undefined;
}

/** What is wrong with devices, in the server's words. */
export function deviceFault(world: World, devices: DeviceSet): string | undefined {
  for (const [name, device] of Object.entries(devices)) {
    const failed = `Device validation failed for "${name}": `;
    if (!device.type) return `${failed}Failed loading device "${name}": Missing device type in config`;
    if (device.network && !world.networks.get(device.network)?.managed) {
      return `${failed}Failed loading device "${name}": Failed to load network "${device.network}" for project "default": Network not found`;
    }
    if (device.size && parseSize(device.size) === undefined) return `${failed}Invalid value for device option "size": Invalid value: ${device.size}`;
  }
  return undefined;
}

interface Clause {
  readonly not: boolean;
  readonly joint: "and" | "or";
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

/** `filter=`: clauses joined by `and` and `or`, read from left to right; `eq` takes a pattern and ignores case. */
export function parseFilter(text: string): (item: Readonly<Record<string, unknown>>) => boolean {
  const parts = text.split(/\s+/).filter(Boolean);
  const wrong = (why: string): Refusal => new Refusal(500, `Invalid filter: ${why}`);
  const clauses: Clause[] = [];
  let joint: Clause["joint"] = "and";
  let at = 0;
  while (at < parts.length) {
    const not = parts[at]?.toLowerCase() === "not";
    if (not) at += 1;
    const [field, operator] = [parts[at], parts[at + 1]];
    let value = parts[at + 2];
    if (field === undefined) throw wrong("incomplete not clause");
    if (operator === undefined) throw wrong("clause has no operator");
    if (value === undefined) throw wrong("clause has no value");
    at += 3;
    if (value.startsWith('"')) {
      // A quote that opens and closes in one word is never closed for this reader.
      const end = parts.findIndex((part, index) => index >= at && part.endsWith('"'));
      if (end < 0) throw wrong("unterminated quote");
      value = [value, ...parts.slice(at, end + 1)].join(" ").slice(1, -1);
      at = end + 1;
    }
    clauses.push({ not, joint, field, operator, value });
    const next = parts[at++];
    if (next === undefined) break;
    if (next !== "and" && next !== "or") throw wrong("invalid clause composition");
    if (at === parts.length) throw wrong("unterminated compound clause");
    joint = next;
  }
  return (item) =>
    clauses.reduce((matched, clause) => (clause.joint === "and" ? matched && holds(clause, item) : matched || holds(clause, item)), true);
}

function holds({ not, field, operator, value }: Clause, item: Readonly<Record<string, unknown>>): boolean {
  const [head = "", ...rest] = field.split(".");
  const found = rest.length ? (item[head] as Text | undefined)?.[rest.join(".")] : item[head];
  const equal = found !== undefined && new RegExp(`^${value}$`, "i").test(String(found));
  return (operator === "ne" ? !equal : equal) !== not;
}
