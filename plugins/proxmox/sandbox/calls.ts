import { allowed, type TokenSpec } from "./access.js";
import type { Cluster, Guest } from "./cluster.js";

/** A request that has passed authentication and the check of its parameters. */
export interface Call {
  readonly cluster: Cluster;
  readonly token: TokenSpec;
  /** Of the path and of the query or body together, as they came. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** How the task that it starts is to fail. */
  readonly taskError?: string | undefined;
}

/** What a method needs, as `[path, privileges]`, and what it answers as `data`. */
export interface Route {
  readonly needs?: (call: Call) => readonly [path: string, privileges: string];
  readonly run: (call: Call) => unknown;
}

export type Routes = Readonly<Record<string, Route>>;

/** A part of a longer list: `total` stands beside `data`. */
export class Part {
  readonly data: unknown;
  readonly total: number;
  constructor(data: unknown, total: number) {
    this.data = data;
    this.total = total;
  }
}

/** An answer that is no success. */
export class Refusal extends Error {
  readonly status: number;
  /** Faults by parameter, of a 400. */
  readonly errors: Readonly<Record<string, string>> | undefined;
  constructor(status: number, message: string, errors?: Readonly<Record<string, string>>) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export const badParameter = (parameter: string, fault: string): Refusal => new Refusal(400, "Parameter verification failed.", { [parameter]: fault });

export const text = ({ parameters }: Call, name: string): string => String(parameters[name] ?? "");
export const number = ({ parameters }: Call, name: string, otherwise: number): number =>
  parameters[name] === undefined ? otherwise : Number(parameters[name]);
export const flag = ({ parameters }: Call, name: string): boolean => parameters[name] === true || String(parameters[name] ?? 0) === "1";

export const may = (call: Call, path: string, privileges: string): boolean => allowed(call.token, path, privileges);
export const onGuest =
  (privileges: string) =>
  (call: Call): readonly [string, string] => [`/vms/${text(call, "vmid")}`, privileges];
export const onNode =
  (privileges: string) =>
  (call: Call): readonly [string, string] => [`/nodes/${text(call, "node")}`, privileges];

export const auditsStorage = (call: Call, { name }: { readonly name: string }): boolean =>
  may(call, `/storage/${name}`, "Datastore.Audit|Datastore.AllocateSpace");

const FOLDER = { qemu: "qemu-server", lxc: "lxc" } as const;

/** What Proxmox says when a guest is not on the node it was asked of. */
export const noConfiguration = (call: Call, type: Guest["type"]): string =>
  `Configuration file 'nodes/${text(call, "node")}/${FOLDER[type]}/${text(call, "vmid")}.conf' does not exist`;

export const findGuest = (call: Call, type: Guest["type"]): Guest | undefined =>
  call.cluster.guestOn(text(call, "node"), type, number(call, "vmid", 0));

export function theGuest(call: Call, type: Guest["type"]): Guest {
  const guest = findGuest(call, type);
  if (!guest) throw new Refusal(500, noConfiguration(call, type));
  return guest;
}

/** Without quorum nothing can be written. Proxmox says so in different words, depending on what notices it. */
export function requireQuorum({ cluster }: Call, words = "cluster not ready - no quorum?"): void {
  if (!cluster.quorate) throw new Refusal(500, words);
}
