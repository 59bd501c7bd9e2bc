import type { Provider } from "../declare/provider.js";
import { hasVerb } from "../declare/check-kind.js";
import { toolName } from "../derive/tools.js";
import { ProxMcpError, toProxMcpError } from "../errors.js";
import type { Lock } from "../lock/held.js";
import { CORE_NAMES } from "../tools/names.js";
import { type LoadedPlugin, loadPlugin } from "./plugins.js";
import type { CheckedConfig } from "./schema.js";

/** The plugins of one config. One that is refused is an error, or is left out where somebody is told of it. */
export class PluginSet {
  readonly #onError: ((error: ProxMcpError) => void) | undefined;
  readonly #failures: ProxMcpError[] = [];
  #plugins: readonly LoadedPlugin[] = [];

  constructor(onError: ((error: ProxMcpError) => void) | undefined) {
    this.#onError = onError;
  }

  get providers(): readonly Provider[] {
    return this.#plugins.map(({ provider }) => provider);
  }

  /** Loads them all. The first of two with one name is kept. */
  async load(wanted: readonly (string | object)[], folder: string, lock: Lock | undefined): Promise<void> {
    const plugins: LoadedPlugin[] = [];
    for (const result of await Promise.allSettled(wanted.map((plugin) => loadPlugin(plugin, folder, lock)))) {
      if (result.status === "rejected") {
        this.#refuse(result.reason);
        continue;
      }
      const { provider, origin } = result.value;
      const other = plugins.find((one) => one.provider.name === provider.name);
      if (other) this.#refuse(new ProxMcpError("PLUGIN_INVALID", `Two plugins are called ${provider.name}: ${other.origin} and ${origin}.`));
      else plugins.push(result.value);
    }
    this.#plugins = plugins;
  }

  /** Leaves a plugin out after all. */
  refuse(provider: Provider, error: ProxMcpError): void {
    const origin = this.#plugins.find((one) => one.provider === provider)?.origin;
    this.#refuse(new ProxMcpError(error.code, `The plugin ${origin} failed ${error.message}`, { cause: error }));
    this.#plugins = this.#plugins.filter((one) => one.provider !== provider);
  }

  /** A name or an alias means one tool, of all that there are: the plugin that stands later in the config yields. */
  refuseCollisions(connected: readonly Provider[]): void {
    const meant = new Map(CORE_NAMES.map((name): [string, string] => [name, "a tool of ProxMCP itself"]));
    const kept: LoadedPlugin[] = [];
    for (const plugin of this.#plugins) {
      const names = [...connectingNames(plugin), ...(connected.includes(plugin.provider) ? namesOf(plugin) : [])];
      const taken = names.filter(([name]) => meant.has(name)).map(([name, what]) => `${name} means both ${meant.get(name)} and ${what}`);
      if (taken.length > 0) {
        this.#refuse(
          new ProxMcpError("PLUGIN_INVALID", [`The plugin ${plugin.origin} has names that are taken:`, ...taken].join("\n  "), {
            data: { plugin: plugin.origin, faults: taken },
            next: "A name means one tool. Leave one of the two plugins out, or rename the tool or its alias in one of them.",
          }),
        );
        continue;
      }
      for (const [name, what] of names) meant.set(name, what);
      kept.push(plugin);
    }
    this.#plugins = kept;
  }

  /** The config without the connections of plugins that were left out. Throws where nothing is left of what was configured. */
  reachable(config: CheckedConfig): CheckedConfig {
    const [failure] = this.#failures;
    if (!failure) return config;
    const known = new Set(this.providers.map(({ name }) => name));
    const connections = Object.entries(config.connections ?? {}).filter(([, { provider }]) => known.has(provider));
    const defaults = Object.entries(config.defaults ?? {}).filter(([provider]) => known.has(provider));
    // Other sources of connections would be looked at then; those nobody asked for.
    if (config.connections && connections.length === 0) throw failure;
    return {
      ...config,
      ...(config.connections ? { connections: Object.fromEntries(connections) } : {}),
      ...(config.defaults ? { defaults: Object.fromEntries(defaults) } : {}),
    };
  }

  #refuse(error: unknown): void {
    if (!this.#onError) throw error;
    this.#failures.push(toProxMcpError(error));
    this.#onError(toProxMcpError(error));
  }
}

/** The names of what can be done before there is a connection. */
const connectingNames = ({ provider, origin }: LoadedPlugin): readonly Named[] =>
  Object.entries(provider.connection.actions ?? {}).flatMap(([verb, { aliases = [] }]) => {
    const name = toolName(provider.name, provider.connection.noun, verb);
    return [name, ...aliases].map((one) => [one, `${name} (${origin})`] as const);
  });

type Named = readonly [name: string, what: string];

/** The names of what needs one, each with what it means. */
const namesOf = ({ provider, origin }: LoadedPlugin): readonly Named[] =>
  provider.kinds.flatMap((kind) => {
    const actions = Object.entries(kind.actions ?? {}).map(([verb, { aliases }]) => [verb, aliases] as const);
    const own = (["list", "get"] as const).filter((verb) => hasVerb(kind, verb)).map((verb) => [verb, kind.aliases?.[verb]] as const);
    return [...own, ...actions].flatMap(([verb, aliases = []]) => {
      const name = toolName(provider.name, kind.name, verb);
      return [name, ...aliases].map((one) => [one, `${name} (${origin})`] as const);
    });
  });
