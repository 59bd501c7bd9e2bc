import "reflect-metadata";
import { type DependencyContainer, instanceCachingFactory, container as processContainer } from "tsyringe";
import type { ClientClass } from "./declare/provider.js";
import type { Token } from "./declare/tokens.js";
import { ProxMcpError } from "./errors.js";

/**
 * The DI container: tokens to services. One root for each app, a child for each plugin, and in that a child for each connection.
 * The only importer of tsyringe. Classes say what they need in a static `inject`, so no decorator metadata is involved
 * (docs/decisions/0002-dependency-injection.md).
 */
export class Services {
  readonly tsyringe: DependencyContainer;
  readonly #made: object[] = [];
  readonly #children: Services[] = [];
  #closed = false;

  constructor(tsyringe: DependencyContainer = processContainer.createChildContainer()) {
    this.tsyringe = tsyringe;
  }

  /** Registers a service that already exists. Whoever made it closes it. */
  value<Service>(token: Token<Service>, service: Service): void {
    this.tsyringe.register(token, { useValue: service });
  }

  /** Registers a service that is made when it is first asked for, once, and closed with this container. */
  factory<Service>(token: Token<Service>, make: (services: Services) => Service): void {
    this.tsyringe.register(token, { useFactory: instanceCachingFactory(() => this.#own(make(this))) });
  }

  get<Service>(token: Token<Service>): Service {
    return this.tsyringe.resolve<Service>(token);
  }

  /** Makes an instance of a class from the services that its `inject` names, and closes it with this container. */
  construct<Instance>(target: ClientClass<Instance>): Instance {
    // A call that was under way at the end must not open what nobody will close.
    if (this.#closed) throw new ProxMcpError("CANCELLED", "ProxMCP was closed.");
    const services = target.inject.map((token) => this.get(token));
    return this.#own(new target(...(services as never[])));
  }

  child(): Services {
    const child = new Services(this.tsyringe.createChildContainer());
    this.#children.push(child);
    return child;
  }

  /** Closes children first, then what was made here, last made first. One that fails to close does not keep the others open. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#children.splice(0).reverse()) await child.close();
    for (const made of this.#made.splice(0).reverse()) await closeQuietly(made);
  }

  #own<Made>(made: Made): Made {
    if (typeof made === "object" && made !== null && "close" in made) this.#made.push(made);
    return made;
  }
}

async function closeQuietly(made: object): Promise<void> {
  try {
    await (made as { close?(): unknown }).close?.();
  } catch {
    // It is going away; there is nobody left to tell.
  }
}
