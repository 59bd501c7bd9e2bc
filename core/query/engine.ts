import type { CallContext } from "../call/context.js";
import type { Connections } from "../connections.js";
import type { Clock } from "../declare/tokens.js";
import type { Provider } from "../declare/provider.js";
import type { QueryArgs } from "../tools/query.js";
import { completeQuery } from "./complete.js";
import { type QueryHelp, queryHelp } from "./help.js";
import { type Interpretation, planQuery } from "./interpret.js";
import { buildLexicon, type Lexicon } from "./lexicon.js";
import { type QueryAnswer, type QueryServices, runQuery } from "./run.js";

/** Questions in words: reads them, plans them, runs them. Everything it knows comes from declarations and connections. */
export class QueryEngine {
  readonly #services: QueryServices & { readonly clock: Clock };
  readonly #providers: () => readonly Provider[];
  readonly #connections: Connections;
  #lexicon: Lexicon | undefined;

  constructor(services: QueryServices & { readonly clock: Clock }, providers: () => readonly Provider[], connections: Connections) {
    this.#services = services;
    this.#providers = providers;
    this.#connections = connections;
  }

  get lexicon(): Lexicon {
    this.#lexicon ??= buildLexicon(
      this.#providers(),
      this.#connections.all.map(({ name, provider, connection }) => ({ name, provider: provider.name, tags: connection.tags })),
    );
    return this.#lexicon;
  }

  help(): QueryHelp {
    return queryHelp(this.lexicon);
  }

  /** How a question that someone has begun could go on. */
  complete(text: string): readonly string[] {
    return completeQuery(text, this.lexicon, this.#services.clock.now());
  }

  /** How a query is understood. Asks no platform. */
  interpret(text: string): Interpretation {
    return planQuery(text, this.lexicon, this.#services.clock.now()).interpretation;
  }

  async run({ query, connection, limit, cursor }: QueryArgs, context: CallContext): Promise<QueryAnswer> {
    const plan = planQuery(query, this.lexicon, this.#services.clock.now());
    if (connection === undefined) return await runQuery(plan, { limit, cursor }, this.#services, context);
    this.#connections.chosen(connection);
    // The parameter narrows what the words already name.
    const named = plan.interpretation.connections;
    const connections = named && !named.includes(connection) ? [] : [connection];
    return await runQuery({ ...plan, interpretation: { ...plan.interpretation, connections } }, { limit, cursor }, this.#services, context);
  }
}
