import { createConnection } from "node:net";
import type { FoundConnection, Provider } from "../declare/provider.js";
import { ProxMcpError } from "../errors.js";
import { configInvalid, describeIssue } from "./faults.js";
import type { CheckedConfig, ToolRules } from "./schema.js";
import { holdsSecret, isReference, rememberSecrets, resolveReferences, type Secrets } from "./secrets.js";
import type { SecretStore } from "./store.js";

/** A connection as it was configured, checked against its provider's schema, its secrets resolved. */
export interface ConfiguredConnection {
  readonly name: string;
  readonly provider: Provider;
  readonly options: Readonly<Record<string, unknown>>;
  readonly match: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly tools?: ToolRules;
  /** The file, environment variable or socket it comes from. */
  readonly from: string;
  /** Meant when a call names none. */
  readonly preferred?: boolean;
}

export interface InventoryOptions {
  readonly config: CheckedConfig;
  readonly file?: string | undefined;
  readonly folder: string;
  readonly providers: readonly Provider[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
  /** Told of a plugin that fails while it looks around. Without this, what it throws ends the whole. */
  readonly refuse?: (provider: Provider, error: ProxMcpError) => void;
}

/**
 * All connections: those of the config; without any there, those that the environment describes; without those, local sockets that answer
 * and what the user's own settings describe.
 * One source at a time, so that a stray variable never adds a machine to a config that names its own.
 */
export async function inventory(options: InventoryOptions): Promise<readonly ConfiguredConnection[]> {
  const configured = Object.entries(options.config.connections ?? {});
  const entries: readonly Entry[] =
    configured.length > 0
      ? configured.map(([name, entry]) => ({ name, entry, from: options.file ?? "the config" }))
      : (await surroundings(options)).map(({ provider, found, nearby }) => ({
          name: found.name,
          entry: { provider: provider.name, ...found.options },
          from: found.from,
          ...(found.preferred ? { preferred: true } : {}),
          ...(nearby ? { nearby } : {}),
        }));
  const faults: string[] = [];
  for (const [at, { name, from }] of entries.entries()) {
    const other = entries.findIndex((one) => one.name === name);
    if (other < at) faults.push(`connections.${name}: described twice, by ${entries[other]?.from} and ${from}`);
  }
  const store = once(() => openStore(options.env));
  const checked = await Promise.all(entries.map((entry) => configure(entry, options, store)));
  // What merely lies about, a context of an engine long gone, keeps nobody from starting.
  faults.push(...checked.flatMap((one, at) => (entries[at]?.nearby ? [] : one.faults)), ...checkDefaults(options.config, entries, options.providers));
  if (faults.length > 0) throw configInvalid(options.file ?? "The configuration", faults);
  return checked.flatMap((one) => one.connection ?? []);
}

export interface Entry {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly from: string;
  readonly preferred?: boolean;
  /** Nobody asked for it: it was found on this machine. */
  readonly nearby?: boolean;
}

/** Checks one connection and resolves its secrets. Without one if it has faults; all of them are told. */
export async function configure(
  { name, entry, from, preferred }: Entry,
  { providers, folder, env, secrets }: InventoryOptions,
  store: () => Promise<SecretStore>,
): Promise<{ readonly connection?: ConfiguredConnection; readonly faults: readonly string[] }> {
  const { provider: providerName, match, tags, tools, ...own } = entry;
  const path = `connections.${name}`;
  const provider = providers.find((one) => one.name === providerName);
  if (!provider)
    return { faults: [`${path}.provider: found ${JSON.stringify(providerName)}; allowed: ${providers.map((one) => one.name).join(", ")}`] };
  const { schema } = provider.connection;
  const shape = schema.shape as Record<string, object>;
  const faults = Object.keys(own)
    .filter((option) => !Object.hasOwn(shape, option))
    .map((option) => `${path}.${option}: no such option; allowed: ${Object.keys(shape).join(", ")}`);
  const resolved: Record<string, unknown> = {};
  const unresolved: string[] = [];
  for (const [option, value] of Object.entries(own)) {
    if (!Object.hasOwn(shape, option)) continue;
    const missing: string[] = [];
    resolved[option] = await resolveReferences(value, `${path}.${option}`, { folder, env, faults: missing, store });
    if (missing.length > 0) unresolved.push(option);
    faults.push(...missing);
  }
  rememberSecrets(schema, own, resolved, secrets);
  const result = schema.safeParse(resolved);
  // A schema may make something else of a secret: a token without the word before it.
  if (result.success) rememberSecrets(schema, own, result.data, secrets);
  for (const issue of result.success ? [] : result.error.issues) {
    const option = String(issue.path[0]);
    // With a part missing, only what is said about the others is worth reading.
    if (unresolved.length > 0 && (unresolved.includes(option) || !(option in resolved))) continue;
    const show = !holdsSecret(shape[option] ?? {}) && !isReference(own[option]);
    const described = describeIssue({ ...issue, path: ["connections", name, ...issue.path] }, { connections: { [name]: resolved } }, { show });
    faults.push(...described.map((fault) => secrets.maskText(fault)));
  }
  if (faults.length > 0 || !result.success) return { faults };
  const connection: ConfiguredConnection = {
    name,
    provider,
    options: result.data as Record<string, unknown>,
    match: (match as readonly string[] | undefined) ?? [],
    tags: (tags as Record<string, string> | undefined) ?? {},
    ...(tools ? { tools } : {}),
    from,
    ...(preferred ? { preferred } : {}),
  };
  return { connection, faults };
}

/** The user's store of secrets. Deriving its key takes time and memory, so it is opened only when a connection needs it. */
export async function openStore(env: InventoryOptions["env"]): Promise<SecretStore> {
  const { passphraseOf, SecretStore, storePath } = await import("./store.js");
  const passphrase = await passphraseOf(env);
  if (passphrase === undefined)
    throw new ProxMcpError("CONFIG_INVALID", "The store of secrets has no passphrase here.", {
      next: "Set PROXMCP_PASSPHRASE or PROXMCP_PASSPHRASE_FILE where ProxMCP is started.",
    });
  return await SecretStore.open(storePath(env), passphrase);
}

const once = <Value>(make: () => Promise<Value>): (() => Promise<Value>) => {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
};

export interface Found {
  readonly provider: Provider;
  readonly found: FoundConnection;
  /** It was found on this machine; without this the environment describes it. */
  readonly nearby?: boolean;
}

type Around = Pick<InventoryOptions, "providers" | "env" | "refuse">;

async function surroundings(around: Around): Promise<readonly Found[]> {
  const described = describedIn(around);
  return described.length > 0 ? described : await foundNear(around);
}

/** What the environment describes. */
export const describedIn = ({ providers, env, refuse }: Around): readonly Found[] =>
  providers.flatMap((provider) => {
    try {
      return (provider.connection.env?.(env) ?? []).map((found) => ({ provider, found }));
    } catch (error) {
      return gone(provider, error, refuse);
    }
  });

function gone(provider: Provider, error: unknown, refuse: InventoryOptions["refuse"]): [] {
  if (!refuse) throw error;
  refuse(provider, new ProxMcpError("PLUGIN_INVALID", `while it looked for connections: ${error instanceof Error ? error.message : String(error)}`));
  return [];
}

/** What answers on this machine, and what the user's own settings describe. */
export async function foundNear({ providers, env, refuse }: Around): Promise<readonly Found[]> {
  const near = await Promise.all(
    providers.map(async (provider) => {
      const { local = [], found } = provider.connection;
      try {
        return [...local, ...((await found?.(env)) ?? [])].map((found) => ({ provider, found, nearby: true }));
      } catch (error) {
        return gone(provider, error, refuse);
      }
    }),
  );
  const answering = await Promise.all(
    near.flat().map(async (one) => (one.found.socket === undefined || (await answers(one.found.socket)) ? one : undefined)),
  );
  // Two sockets of one daemon (a snap and a package leave both) must not become two connections of one name.
  const names = new Set<string>();
  return answering.filter((one) => one !== undefined && !names.has(one.found.name) && names.add(one.found.name)) as Found[];
}

/** Whether something accepts connections on a unix socket. */
function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path: socket });
    const done = (answer: boolean): void => {
      probe.destroy();
      resolve(answer);
    };
    probe.once("connect", () => done(true));
    probe.once("error", () => done(false));
    probe.setTimeout(1000, () => done(false));
  });
}

function checkDefaults({ defaults = {} }: CheckedConfig, connections: readonly Entry[], providers: readonly Provider[]): readonly string[] {
  return Object.entries(defaults).flatMap(([provider, name]) => {
    if (!providers.some((one) => one.name === provider))
      return [`defaults.${provider}: no such provider; allowed: ${providers.map((one) => one.name).join(", ")}`];
    const known = connections.filter(({ entry }) => entry["provider"] === provider).map((one) => one.name);
    return known.includes(name)
      ? []
      : [`defaults.${provider}: found ${JSON.stringify(name)}; allowed: ${known.join(", ") || "none, as no such connection is configured"}`];
  });
}
