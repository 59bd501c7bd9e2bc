import { createConnection } from "node:net";
import type { FoundConnection, Provider } from "../declare/provider.js";
import { ProxMcpError } from "../errors.js";
import { isSecret } from "../declare/check.js";
import { describeIssue } from "./load.js";
import type { CheckedConfig, ToolRules } from "./schema.js";
import { resolveSecrets, type Secrets } from "./secrets.js";

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
}

export interface InventoryOptions {
  readonly config: CheckedConfig;
  readonly file?: string | undefined;
  readonly folder: string;
  readonly providers: readonly Provider[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
}

/**
 * All connections: those of the config; without any there, those that the environment describes; without those, local sockets that answer.
 * One source at a time, so that a stray variable never adds a machine to a config that names its own.
 */
export async function inventory(options: InventoryOptions): Promise<readonly ConfiguredConnection[]> {
  const configured = Object.entries(options.config.connections ?? {});
  const faults: string[] = [];
  const collect = async (name: string, entry: Record<string, unknown>, from: string): Promise<ConfiguredConnection | undefined> => {
    try {
      return await configure(name, entry, from, options);
    } catch (error) {
      if (!(error instanceof ProxMcpError)) throw error;
      faults.push(...((error.details.data?.["faults"] as string[] | undefined) ?? [error.message]));
      return undefined;
    }
  };
  const found: readonly (readonly [string, Record<string, unknown>, string])[] =
    configured.length > 0
      ? configured.map(([name, entry]) => [name, entry, options.file ?? "the config"] as const)
      : (await surroundings(options)).map(({ provider, found }) => [found.name, { provider: provider.name, ...found.options }, found.from] as const);
  const connections = (await Promise.all(found.map(([name, entry, from]) => collect(name, entry, from)))).filter((one) => one !== undefined);
  faults.push(...checkDefaults(options.config, connections, options.providers));
  if (faults.length > 0)
    throw new ProxMcpError(
      "CONFIG_INVALID",
      [`${options.file ?? "The configuration"} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`, ...faults].join("\n  "),
      { data: { faults } },
    );
  return connections;
}

async function configure(
  name: string,
  entry: Record<string, unknown>,
  from: string,
  { providers, folder, env, secrets }: InventoryOptions,
): Promise<ConfiguredConnection> {
  const { provider: providerName, match, tags, tools, ...own } = entry;
  const path = `connections.${name}`;
  const fail = (faults: readonly string[]): never => {
    throw new ProxMcpError("CONFIG_INVALID", faults.join("; "), { data: { faults } });
  };
  const provider = providers.find((one) => one.name === providerName);
  if (!provider) return fail([`${path}.provider: found ${JSON.stringify(providerName)}; allowed: ${providers.map((one) => one.name).join(", ")}`]);
  const { schema } = provider.connection;
  const shape = schema.shape as Record<string, object>;
  const unknown = Object.keys(own).filter((option) => !(option in shape));
  if (unknown.length > 0) return fail(unknown.map((option) => `${path}.${option}: no such option; allowed: ${Object.keys(shape).join(", ")}`));
  const resolved = (await resolveSecrets(own, { path, folder, env, secrets })) as Record<string, unknown>;
  for (const [option, value] of Object.entries(resolved)) if (isSecret(shape[option]) && typeof value === "string") secrets.add(value);
  const result = schema.safeParse(resolved);
  if (!result.success)
    return fail(
      result.error.issues.map((issue) =>
        describeIssue(
          { ...issue, path: ["connections", name, ...issue.path] },
          { connections: { [name]: resolved } },
          !isSecret(shape[String(issue.path[0])]),
        ),
      ),
    );
  return {
    name,
    provider,
    options: result.data as Record<string, unknown>,
    match: (match as readonly string[] | undefined) ?? [],
    tags: (tags as Record<string, string> | undefined) ?? {},
    ...(tools ? { tools: tools as ToolRules } : {}),
    from,
  };
}

interface Found {
  readonly provider: Provider;
  readonly found: FoundConnection;
}

async function surroundings({ providers, env }: InventoryOptions): Promise<readonly Found[]> {
  const described = providers.flatMap((provider) => (provider.connection.env?.(env) ?? []).map((found) => ({ provider, found })));
  if (described.length > 0) return described;
  const sockets = providers.flatMap((provider) => (provider.connection.local ?? []).map((found) => ({ provider, found })));
  const answering = await Promise.all(sockets.map(async (one) => ((await answers(one.found.socket)) ? one : undefined)));
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

function checkDefaults(
  { defaults = {} }: CheckedConfig,
  connections: readonly ConfiguredConnection[],
  providers: readonly Provider[],
): readonly string[] {
  return Object.entries(defaults).flatMap(([provider, name]) => {
    if (!providers.some((one) => one.name === provider))
      return [`defaults.${provider}: no such provider; allowed: ${providers.map((one) => one.name).join(", ")}`];
    const known = connections.filter((one) => one.provider.name === provider).map((one) => one.name);
    return known.includes(name)
      ? []
      : [`defaults.${provider}: found ${JSON.stringify(name)}; allowed: ${known.join(", ") || "none, as no such connection is configured"}`];
  });
}
