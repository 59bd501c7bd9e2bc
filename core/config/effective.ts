import { type Prepared } from "../create.js";
import { type CheckedConfig, DEFAULTS } from "./schema.js";
import { isReference, type Secrets } from "./secrets.js";

/** One setting as it holds, and where it comes from. */
export interface Setting {
  /** `connections.pve.url`. */
  readonly path: string;
  /** Secrets are masked. */
  readonly value: unknown;
  /** The config file, a variable, a file, a socket; "default" where nobody said anything. */
  readonly from: string;
}

/** Every setting that holds: those of the config, of the connections that were found, and the defaults of the rest. */
export function effectiveSettings({ config, configured, secrets }: Prepared, file = "the config"): readonly Setting[] {
  const { connections = {}, $schema: _, ...general } = config;
  const ofConnections = configured.flatMap(({ name, provider, options, from, ...rules }) => {
    const given = connections[name];
    const path = `connections.${name}`;
    const shown = secrets.hideFields(provider.connection.schema, options) as Readonly<Record<string, unknown>>;
    const own = Object.entries(shown).map(([option, value]) => ({
      path: `${path}.${option}`,
      value: masked(value, given?.[option], secrets),
      from: originOf(given?.[option], given === undefined ? from : file),
    }));
    const core = Object.entries({ match: rules.match, tags: rules.tags }).filter(([, value]) => Object.keys(value).length > 0);
    return [
      { path: `${path}.provider`, value: provider.name, from: given === undefined ? from : file },
      ...own.map((one) => (given && !Object.hasOwn(given, one.path.slice(path.length + 1)) ? { ...one, from: "default" } : one)),
      ...core.flatMap(([option, value]) => leavesOf(value, `${path}.${option}`, from)),
      ...(rules.tools ? leavesOf(rules.tools, `${path}.tools`, from) : []),
    ];
  });
  return [...ofConnections, ...leavesOf(general, "", file), ...defaultsBeside(config)];
}

/** What a reference led to is shown only where its field is not secret, and a known secret never. */
const masked = (value: unknown, given: unknown, secrets: Secrets): unknown => {
  const shown = secrets.mask(value);
  // The text of a file is long, and its place says more.
  return isReference(given) && "file" in given && shown === value ? "(its text)" : shown;
};

function originOf(given: unknown, otherwise: string): string {
  if (!isReference(given)) return otherwise;
  if ("store" in given) return `the store, as ${given.store}`;
  return "env" in given ? `variable ${given.env}` : `file ${given.file}`;
}

/** A setting for each value; lists are one value. */
function leavesOf(value: unknown, path: string, from: string): readonly Setting[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [{ path, value: nameable(value), from }];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, path ? `${path}.${name}` : name, from));
}

/** A plugin that is an object is told by its name. */
const nameable = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map((one) => (typeof one === "object" && one !== null && "kinds" in one ? `(object) ${String((one as { name?: unknown }).name)}` : one))
    : value;

function defaultsBeside({ tools, limits, plugins, cache, audit, log }: CheckedConfig): readonly Setting[] {
  const { readTimeout, writeTimeout, concurrency, outputBytes } = DEFAULTS;
  const all: readonly (readonly [string, unknown, unknown])[] = [
    ["plugins", plugins, DEFAULTS.plugins],
    ["tools.surface", tools?.surface, tools?.allow ? "all" : DEFAULTS.surface],
    ["tools.readOnly", tools?.readOnly, false],
    ["tools.confirm", tools?.confirm, DEFAULTS.confirm],
    ["tools.confirmBy", tools?.confirmBy, "auto"],
    ["limits.readTimeout", limits?.readTimeout, readTimeout],
    ["limits.writeTimeout", limits?.writeTimeout, writeTimeout],
    ["limits.concurrency", limits?.concurrency, concurrency],
    ["limits.outputBytes", limits?.outputBytes, outputBytes],
    ["cache.ttl", cache?.ttl, 0],
    ["audit", audit, "log lines"],
    ["log.level", log?.level, "info"],
  ];
  return all.filter(([, given]) => given === undefined).map(([path, , value]) => ({ path, value, from: "default" }));
}
