/**
 * The API schema of Proxmox VE as data: every method with its parameters, their types and limits. It is read on first use,
 * as most calls never need it.
 * @module
 */

/** One parameter. What is absent is the default: a required string without limits. */
export interface Parameter {
  readonly type?: "integer" | "number" | "boolean" | "array" | "object";
  readonly optional?: boolean;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Of the whole value. */
  readonly pattern?: string;
  readonly default?: unknown;
  /** Another parameter that has to be given with this one. */
  readonly requires?: string;
  /** The name of a format, or the keys of a property string such as `virtio,bridge=vmbr0`. */
  readonly format?: string | Readonly<Record<string, Parameter>>;
  /** In a property string: this key may stand without its name. */
  readonly default_key?: boolean;
  /** In a property string: another name of that key. */
  readonly alias?: string;
  /** In a property string: the key that is set to the name this alias was written with, as `model` is in `virtio=MAC`. */
  readonly keyAlias?: string;
  readonly items?: Parameter;
  readonly oneOf?: readonly Parameter[];
  /** Of an indexed parameter (`net[n]`): the highest index, where it is known. */
  readonly last?: number;
}

export interface Method {
  /** The type of what it answers. A write that answers a string usually answers the id of a task. */
  readonly returns: string;
  /** Parameter that names the node on which it runs; any other node passes the request on. */
  readonly proxyto?: string;
  /** It runs as root, in a second service of the node. */
  readonly protected?: boolean;
  /** False: not for API tokens. */
  readonly token?: false;
  /** Takes parameters that the schema doesn't name. */
  readonly open?: boolean;
  /** By name; those of the path come first. `net[n]` stands for net0, net1 and so on. */
  readonly parameters: Readonly<Record<string, Parameter>>;
}

export interface ApiSchema {
  /** The release of Proxmox VE it was taken from. */
  readonly release: string;
  /** Keyed `GET /nodes/{node}/status`. */
  readonly methods: Readonly<Record<string, Method>>;
}

export interface FoundMethod {
  /** As in the schema: `/nodes/{node}/status`. */
  readonly template: string;
  /** The parameters in the path, decoded: `{ node: "pve1" }`. */
  readonly path: Readonly<Record<string, string>>;
  readonly definition: Method;
}

interface Branch {
  readonly literal: Map<string, Branch>;
  variable?: { readonly name: string; readonly branch: Branch };
  readonly methods: Map<string, { readonly template: string; readonly definition: Method }>;
}

let loading: Promise<{ readonly schema: ApiSchema; readonly root: Branch }> | undefined;

async function load(): Promise<{ readonly schema: ApiSchema; readonly root: Branch }> {
  const module: { default: unknown } = await import("./api.json", { with: { type: "json" } });
  const schema = module.default as ApiSchema;
  return { schema, root: treeOf(schema) };
}

/** The whole schema. */
export async function apiSchema(): Promise<ApiSchema> {
  loading ??= load();
  return (await loading).schema;
}

/**
 * The method that Proxmox would run for this request, or undefined where it answers 501.
 *
 * @param path below `/api2/json`, encoded or not: `/nodes/pve1/status`
 */
export async function findMethod(method: string, path: string): Promise<FoundMethod | undefined> {
  loading ??= load();
  let { root: branch } = await loading;
  const values: Record<string, string> = {};
  for (const segment of path.split("/").filter((part) => part !== "")) {
    const literal = branch.literal.get(segment);
    if (literal) {
      branch = literal;
      continue;
    }
    if (!branch.variable) return undefined;
    values[branch.variable.name] = decoded(segment);
    branch = branch.variable.branch;
  }
  const found = branch.methods.get(method.toUpperCase());
  return found && { ...found, path: values };
}

function treeOf(schema: ApiSchema): Branch {
  const grow = (): Branch => ({ literal: new Map(), methods: new Map() });
  const root = grow();
  for (const [key, definition] of Object.entries(schema.methods)) {
    const [method = "", template = ""] = key.split(" ");
    let branch = root;
    for (const segment of template.split("/").filter((part) => part !== "")) {
      if (segment.startsWith("{")) {
        branch.variable ??= { name: segment.slice(1, -1), branch: grow() };
        branch = branch.variable.branch;
      } else {
        const next = branch.literal.get(segment) ?? grow();
        branch.literal.set(segment, next);
        branch = next;
      }
    }
    branch.methods.set(method, { template, definition });
  }
  return root;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
