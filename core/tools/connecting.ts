import { z } from "zod";
import type { Confirmations } from "../call/confirm.js";
import type { CallContext } from "../call/context.js";
import { withDeadline } from "../call/deadline.js";
import { POLICY } from "../call/policy.js";
import { configInvalid } from "../config/faults.js";
import { configure, openStore } from "../config/inventory.js";
import { type KeepOptions, keepConnection, type Present, readyToKeep } from "../config/keep.js";
import type { Limits } from "../config/schema.js";
import { rememberSecrets, type Secrets } from "../config/secrets.js";
import type { Connections } from "../connections.js";
import type { Services } from "../container.js";
import type { ConnectingAction, ConnectingArgs, ConnectionEntryDraft, Keeper } from "../declare/connecting.js";
import type { Provider } from "../declare/provider.js";
import { CLOCK, CONNECTION, type Connection, HTTP, LOGGER, PEERS, type Peers, SSH } from "../declare/tokens.js";
import { capital, spaced } from "../derive/words.js";
import { ProxMcpError } from "../errors.js";
import { clientCertificate } from "../services/certificate.js";
import { type CoreTool, coreTool } from "./tool.js";

/** Where the app's config is from, and who is told when a call has changed it. */
export interface ConfigPlace {
  readonly file?: string | undefined;
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The connections stand in the config, whichever that is. Without, they were found around. */
  readonly given: boolean;
  readonly changed: ((file: string) => void) | undefined;
}

export interface ConnectingOptions {
  readonly services: Services;
  readonly secrets: Secrets;
  readonly confirmations: Confirmations;
  readonly connections: Connections;
  readonly limits: Limits;
  readonly place: ConfigPlace;
  readonly peers: (provider: string) => Peers;
}

/** The tools of a plugin's actions on connections as such. They are there without any connection, so the rules of none are asked. */
export function connectingTools(provider: Provider, options: ConnectingOptions): readonly CoreTool[] {
  return Object.entries(provider.connection.actions ?? {}).map(([verb, action]) => connectingTool(provider, verb, action, options));
}

/** What `proxmcp setup` and the reference know such a tool by. */
export const connectingName = ({ name, connection }: Provider, verb: string): string => `${name}_${connection.noun}_${verb}`;

function connectingTool(provider: Provider, verb: string, action: ConnectingAction, options: ConnectingOptions): CoreTool {
  const { confirmations, services, limits, secrets } = options;
  const writes = action.safety !== "read";
  const tool: CoreTool = coreTool({
    name: connectingName(provider, verb),
    title: `${capital(spaced(verb))} ${provider.title} ${spaced(provider.connection.noun)}`,
    description: /[.!?]$/.test(action.about) ? action.about : `${action.about}.`,
    safety: action.safety,
    everyday: false,
    aliases: action.aliases ?? [],
    of: provider,
    openWorld: true,
    input: { ...action.input, ...(writes ? { confirm: z.string().optional().describe("Token from a refusal") } : {}) } as Readonly<
      Record<string, z.ZodType>
    >,
    output: z.object({ result: action.output, notes: z.array(z.string()).optional() }),
    async run(given, context) {
      const { confirm, ...input } = given as Record<string, unknown>;
      rememberSecrets(z.object(action.input), input, input, secrets);
      const call = { caller: context.caller, tool: tool.name, args: input, connections: [] };
      const token = context.confirmToken ?? (confirm as string | undefined);
      // A token stands for a yes to all that this very call asks.
      if (token !== undefined) await confirmations.redeem(token, call);
      const agree = async (question: string): Promise<void> => {
        if (token !== undefined) return;
        if (!context.confirm) throw new ProxMcpError("CONFIRMATION_REQUIRED", question, { data: { confirm: confirmations.issue(call) } });
        if (!(await context.confirm(question))) throw new ProxMcpError("DECLINED", `${question} The answer was no.`);
      };
      const decision = services.get(POLICY).decide(context.caller, tool);
      if (decision.allowed && decision.confirm) await agree(`${tool.title}? ${tool.description}`);
      const seconds = action.timeout ?? (writes ? limits.writeTimeout : limits.readTimeout);
      const result = await withDeadline(
        seconds,
        tool.name,
        context.signal,
        async (signal) => await running({ provider, action, tool }, { input, agree, signal }, context, options),
      );
      return { result: action.output.parse(result), ...(context.notes.length > 0 ? { notes: context.notes } : {}) };
    },
  });
  return tool;
}

async function running(
  { provider, action, tool }: { readonly provider: Provider; readonly action: ConnectingAction; readonly tool: CoreTool },
  { input, agree, signal }: { input: unknown; agree: ConnectingArgs<never, never>["agree"]; signal: AbortSignal },
  context: CallContext,
  options: ConnectingOptions,
): Promise<unknown> {
  // What it opens is closed with it.
  const services = options.services.child();
  // There may be rules for the connection that it is to become, and roles that see only some.
  const permitted = (name: string): void => {
    const decision = services.get(POLICY).decide(context.caller, tool, name);
    if (!decision.allowed) throw new ProxMcpError("TOOL_DENIED", `${tool.name} is not allowed for ${name}: ${decision.why}.`);
  };
  try {
    return await action.run({
      input: input as never,
      ...{ agree, signal, progress: context.progress, note: (sentence) => void context.notes.push(sentence) },
      ...{ http: services.get(HTTP), ssh: services.get(SSH), log: services.get(LOGGER), clock: services.get(CLOCK) },
      keeper: keeperFor(provider, permitted, options),
      certificate: clientCertificate,
      connect: async (connection) => {
        permitted(connection.name);
        const own = services.child();
        own.value(PEERS, options.peers(provider.name));
        own.value(CONNECTION, (await resolved(provider, connection, options)) as Connection<never>);
        return own.construct(provider.client) as never;
      },
    });
  } finally {
    await services.close();
  }
}

/** The connection as its client would see it: checked, its references followed. */
async function resolved(
  provider: Provider,
  { name, options: given }: ConnectionEntryDraft,
  { place, secrets }: ConnectingOptions,
): Promise<Connection> {
  const entry = { name, entry: { provider: provider.name, ...given }, from: "a call" };
  const { folder, env } = place;
  const { connection, faults } = await configure(entry, { config: {}, folder, providers: [provider], env, secrets }, () => openStore(env));
  if (!connection) throw configInvalid(`The connection ${name}`, faults);
  return { name, provider: provider.name, options: connection.options, tags: {} };
}

function keeperFor(provider: Provider, permitted: (name: string) => void, { connections, place }: ConnectingOptions): Keeper {
  const all: readonly Present[] = connections.all.map((entry) => ({
    ...{ name: entry.name, provider: entry.provider, options: entry.connection.options, from: entry.from },
  }));
  const { file, env, given, changed } = place;
  const about: KeepOptions = { provider, file, env, inCode: given && file === undefined, found: given ? [] : all };
  return {
    connections: all.filter((one) => one.provider === provider),
    ready: async (name) => {
      permitted(name);
      await readyToKeep(about);
    },
    keep: async (connection) => {
      permitted(connection.name);
      if (all.some((one) => one.name === connection.name && one.provider !== provider))
        throw new ProxMcpError("CONFLICT", `There is a connection ${connection.name} of another provider.`, { next: "Choose another name." });
      const kept = await keepConnection(connection, about);
      if (kept.file !== undefined) changed?.(kept.file);
      return kept;
    },
  };
}
