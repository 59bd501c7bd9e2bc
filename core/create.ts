import { AsyncLocalStorage } from "node:async_hooks";
import type { DependencyContainer } from "tsyringe";
import { LOCAL } from "./access.js";
import { ProxMcp } from "./app.js";
import type { Caller } from "./call/context.js";
import { POLICY } from "./call/policy.js";
import { type ConfiguredConnection, inventory } from "./config/inventory.js";
import { checkConfig } from "./config/load.js";
import { PluginSet } from "./config/plugin-set.js";
import { type CheckedConfig, type Config, DEFAULTS, limitsOf } from "./config/schema.js";
import { Secrets } from "./config/secrets.js";
import { ConnectionEntry, Connections } from "./connections.js";
import { Services } from "./container.js";
import type { Provider } from "./declare/provider.js";
import { PEERS } from "./declare/tokens.js";
import type { ProxMcpError } from "./errors.js";
import { Lock } from "./lock/held.js";
import { peersOf } from "./peers.js";
import { registerServices } from "./services/register.js";
import type { ToolsOf } from "./typed.js";

/** What `createProxMcp` takes beside the config itself. */
export interface Setup extends Config {
  /** Replaces services: `(container) => container.register(CLOCK, { useValue: fixedClock })`. */
  readonly services?: (container: DependencyContainer) => void;
  /** Who calls where a call names nobody. Its roles are held to the rules under `roles`. Default: `{ id: "local" }`, held to no role. */
  readonly caller?: Caller;
  /** The app whose place this one takes: the confirmation tokens and cursors that it gave out hold on. */
  readonly after?: ProxMcp | undefined;
  /** Folder that relative paths and plugin names are resolved from. Default: the current one. */
  readonly folder?: string;
  /** Named in errors as the place the config came from. */
  readonly file?: string;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told when a call has written a connection into the config file. Whoever keeps the app may put a new one in its place. */
  readonly onConfigChange?: ((file: string) => void) | undefined;
  /**
   * Told of each plugin that can't be loaded; it and its connections are left out, and the rest is served. Without this the first such plugin
   * is an error.
   */
  readonly onPluginError?: ((error: ProxMcpError) => void) | undefined;
  /** Whether plugins are held to the `proxmcp.lock.json` in the folder, where there is one. Default: true. */
  readonly lock?: boolean | undefined;
}

/** A config with all that it refers to. */
export interface Prepared {
  readonly config: CheckedConfig;
  readonly secrets: Secrets;
  readonly providers: readonly Provider[];
  readonly configured: readonly ConfiguredConnection[];
}

/** Loads plugins, checks the config and resolves its secrets. */
export async function prepare({
  folder = process.cwd(),
  file,
  env = process.env,
  onPluginError,
  lock = true,
  ...given
}: Omit<Setup, "services" | "after" | "caller" | "onConfigChange">): Promise<Prepared> {
  const config = checkConfig(given, file ?? "the config");
  const secrets = new Secrets();
  const plugins = new PluginSet(onPluginError);
  await plugins.load(config.plugins ?? DEFAULTS.plugins, folder, lock ? await Lock.beside(folder) : undefined);
  const left = plugins.reachable(config);
  const refuse = (provider: Provider, error: ProxMcpError): void => plugins.refuse(provider, error);
  const configured = await inventory({ config: left, file, folder, providers: plugins.providers, env, secrets, refuse });
  plugins.refuseCollisions(configured.map(({ provider }) => provider));
  plugins.reachable(config);
  const { providers } = plugins;
  return { config, secrets, providers, configured: configured.filter(({ provider }) => providers.includes(provider)) };
}

/** Loads plugins, checks the config, resolves secrets and derives the tools. Connects to nothing: that happens with the first call. */
export async function createProxMcp<const Plugins extends NonNullable<Setup["plugins"]> = []>(
  setup: Setup & { readonly plugins?: Plugins | undefined } = {},
): Promise<ProxMcp<ToolsOf<Plugins>>> {
  const { services: replace, after, caller = LOCAL, onConfigChange: changed, ...rest } = setup;
  const { config, secrets, providers, configured } = await prepare(rest);
  const services = new Services();
  registerServices(services, config, secrets, setup.folder ?? process.cwd());
  after?.handOver(services);
  replace?.(services.tsyringe);
  const calling = new AsyncLocalStorage<Caller>();
  const connections = connectionsOf(config, services, providers, configured, () => calling.getStore() ?? caller);
  const { file, folder = process.cwd(), env = process.env } = setup;
  const place = { file, folder, env, changed, given: Object.keys(config.connections ?? {}).length > 0 };
  return new ProxMcp({ config, services, secrets, providers, connections, caller, calling, place });
}

/** Each plugin has a container of its own, and in it one for each connection. */
function connectionsOf(
  config: CheckedConfig,
  services: Services,
  providers: readonly Provider[],
  configured: readonly ConfiguredConnection[],
  caller: () => Caller,
): Connections {
  const policy = services.get(POLICY);
  const { concurrency } = limitsOf(config);
  const entries = providers.flatMap((provider) => {
    const ofPlugin = services.child();
    ofPlugin.value(
      PEERS,
      peersOf(() => connections.of(provider.name), policy, caller),
    );
    return configured
      .filter((one) => one.provider === provider)
      .map(({ name, options, tags, from, match }) => {
        const connection = { name, provider: provider.name, options, tags };
        return new ConnectionEntry(provider, connection, { services: ofPlugin.child(), from, match, concurrency });
      });
  });
  const preferred = configured.filter((one) => one.preferred).map((one): [string, string] => [one.provider.name, one.name]);
  const connections = new Connections(entries, new Map([...preferred, ...Object.entries(config.defaults ?? {})]));
  return connections;
}
