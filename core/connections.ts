import pLimit, { type LimitFunction } from "p-limit";
import picomatch from "picomatch";
import type { Services } from "./container.js";
import type { Provider } from "./declare/provider.js";
import { CONNECTION, type Connection } from "./declare/tokens.js";
import { toProxMcpError } from "./errors.js";

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
