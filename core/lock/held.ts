import type { LoadedPlugin } from "../config/plugins.js";
import type { PluginSource } from "../config/source.js";
import { ProxMcpError } from "../errors.js";
import { VERSION } from "../version.js";
import { differenceOf } from "./difference.js";
import { LOCK_FILE, type LockContent, type PinnedPlugin, readLock } from "./file.js";
import { integrityOf } from "./integrity.js";
import { toolSurface, type ToolSurface } from "./surface.js";

/** More lines than this are not read in an error; all of them are in its data, and `proxmcp plugins diff` shows them. */
const MAX_LINES = 30;

/** Holds the plugins of a config to the lock file beside it. */
export class Lock {
  readonly #content: LockContent;
  readonly #folder: string;
  /** Several plugins can come in one package, as those do that ship with this one. */
  readonly #integrities = new Map<string, Promise<string | undefined>>();

  constructor(content: LockContent, folder: string) {
    this.#content = content;
    this.#folder = folder;
  }

  /** Undefined where there is no lock file: then every plugin that the config names is taken as it is. */
  static async beside(folder: string): Promise<Lock | undefined> {
    const content = await readLock(folder);
    return content && new Lock(content, folder);
  }

  /**
   * Before any code of the plugin runs: whether it is pinned, and its files are those that were. Throws PLUGIN_CHANGED. What its tools have
   * become is found out in a process of its own, see `apart.ts`.
   */
  async admit(origin: string, source: PluginSource): Promise<void> {
    const pinned = this.pinnedAs(origin);
    const now = await this.#integrity(source);
    // A checkout of this package has no integrity, and is held to its tools alone.
    if (pinned && (now === undefined || now === pinned.integrity)) return;
    const { surfaceApart } = await import("./apart.js");
    const surface = await surfaceApart(origin, this.#folder, source);
    const { version } = source;
    const versions = pinned?.version === version ? "" : ` (version ${pinned?.version ?? "unknown"} -> ${version ?? "unknown"})`;
    throw this.#refusal(
      origin,
      pinned ? `The files of the plugin ${origin} are not those that ${LOCK_FILE} pins${versions}.` : `The plugin ${origin} is not in ${LOCK_FILE}.`,
      surface ? differenceOf(pinned?.surface ?? NOTHING, surface) : undefined,
    );
  }

  /** After it is loaded: whether what it declares is what was pinned. Throws PLUGIN_CHANGED. */
  async hold({ provider, origin, source, shipped }: LoadedPlugin): Promise<void> {
    const pinned = this.pinnedAs(origin);
    // The files of this package are all there is to its own plugins, and deriving their tools would be most of the start-up.
    if (shipped && pinned?.integrity !== undefined && source && (await this.#integrity(source)) === pinned.integrity) return;
    const now = await toolSurface(provider);
    if (pinned?.surface.hash === now.hash) return;
    const what = pinned ? `declares other tools than ${LOCK_FILE} pins` : `is not in ${LOCK_FILE}`;
    throw this.#refusal(origin, `The plugin ${origin} ${what}.`, differenceOf(pinned?.surface ?? NOTHING, now));
  }

  pinnedAs(origin: string): PinnedPlugin | undefined {
    return Object.values(this.#content.plugins).find((one) => one.plugin === origin);
  }

  #integrity(source: PluginSource): Promise<string | undefined> {
    const key = `${source.holds} ${source.folder}`;
    const known = this.#integrities.get(key) ?? integrityOf(source);
    this.#integrities.set(key, known);
    return known;
  }

  /** `difference` is undefined where it could not be found out without running the plugin as usual. */
  #refusal(origin: string, what: string, difference: readonly string[] | undefined): ProxMcpError {
    const written = this.#content.proxmcp === VERSION ? [] : [`(The lock file was written by proxmcp ${this.#content.proxmcp}; this is ${VERSION}.)`];
    const more = (difference?.length ?? 0) - MAX_LINES;
    const shown =
      difference === undefined
        ? ["What its tools have become can't be told without running it."]
        : difference.length === 0
          ? ["Its tools are the same: names, descriptions, schemas and safety."]
          : [...difference.slice(0, MAX_LINES), ...(more > 0 ? [`and ${more} more lines`] : [])];
    return new ProxMcpError("PLUGIN_CHANGED", [what, ...written, ...shown].join("\n  "), {
      data: { plugin: origin, difference: difference ?? null },
    });
  }
}

const NOTHING: ToolSurface = { hash: "", provider: "", tools: {} };

/** What a lock file keeps of a plugin. */
export async function pinOf({ provider, origin, source }: LoadedPlugin): Promise<PinnedPlugin> {
  const integrity = source && (await integrityOf(source));
  const version = source?.version ?? provider.version;
  return {
    plugin: origin,
    ...(source?.name ? { package: source.name } : {}),
    ...(version ? { version } : {}),
    ...(integrity ? { integrity } : {}),
    surface: await toolSurface(provider),
  };
}
