import pLimit, { type LimitFunction } from "p-limit";
import picomatch from "picomatch";
import type { Services } from "./container.js";
import type { Provider } from "./declare/provider.js";
import { CONNECTION, type Connection } from "./declare/tokens.js";
import { ProxMcpError, toProxMcpError } from "./errors.js";

/** A configured connection: its client, made when it is first used, and the bound on what runs on it at once. */
export class ConnectionEntry {
  readonly name: string;
  readonly provider: Provider;
  readonly connection: Connection;
  /** Where it was configured: a file, "DOCKER_HOST", a socket. */
  readonly from: string;
  readonly #services: Services;
  readonly #matches: ((name: string) => boolean) | undefined;
  readonly #limit: LimitFunction;
  #client: object | undefined;

  constructor(
    provider: Provider,
    connection: Connection,
    options: { services: Services; from: string; match?: readonly string[]; concurrency: number },
  ) {
    this.name = connection.name;
    this.provider = provider;
    this.connection = connection;
    this.from = options.from;
    this.#services = options.services;
    this.#services.value(CONNECTION, connection as Connection<never>);
    this.#matches = options.match?.length ? picomatch([...options.match], { nocase: true, bash: true, dot: true }) : undefined;
    this.#limit = pLimit(options.concurrency);
  }

  /** Whether a pattern of the connection claims resources of this name. */
  claims(name: string): boolean {
    return this.#matches?.(name) ?? false;
  }

  get client(): object {
    this.#client ??= this.#services.construct(this.provider.client) as object;
    return this.#client;
  }

  /** Runs one call on this connection: waits for its turn, and gives every error the connection's name. */
  async run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    try {
      return await this.#limit(() => {
        signal.throwIfAborted();
        return work();
      });
    } catch (error) {
      throw toProxMcpError(error).on(this.name);
    }
  }
}

/** All configured connections, in the order of their providers. */
export class Connections {
  readonly all: readonly ConnectionEntry[];
  readonly #defaults: ReadonlyMap<string, string>;

  /** `defaults`: the connection that is used where none is named, by provider. */
  constructor(entries: readonly ConnectionEntry[], defaults: ReadonlyMap<string, string>) {
    this.all = entries;
    this.#defaults = defaults;
  }

  of(provider: string): readonly ConnectionEntry[] {
    return this.all.filter((entry) => entry.provider.name === provider);
  }

  names(provider: string): readonly string[] {
    return this.of(provider).map((entry) => entry.name);
  }

  /** The connection that is used where none is named: the configured one, or the only one. */
  fallback(provider: string): string | undefined {
    const [only, ...others] = this.of(provider);
    return this.#defaults.get(provider) ?? (others.length === 0 ? only?.name : undefined);
  }

  /** The connection of this name, or all of them without one. Throws CONNECTION_UNKNOWN. */
  chosen(name: string | undefined): readonly ConnectionEntry[] {
    if (name === undefined) return this.all;
    const found = this.all.filter((entry) => entry.name === name);
    if (found.length > 0) return found;
    const names = this.all.map((entry) => entry.name).join(", ");
    throw new ProxMcpError("CONNECTION_UNKNOWN", `There is no connection ${JSON.stringify(name)}. There is: ${names || "none"}.`);
  }
}
