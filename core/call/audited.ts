import type { Secrets } from "../config/secrets.js";
import type { Clock, Logger } from "../declare/tokens.js";
import { objectOf } from "../derive/json.js";
import type { Tool } from "../derive/tools.js";
import { type ErrorCode, ProxMcpError, toProxMcpError } from "../errors.js";
import type { Audit } from "../services/audit.js";
import type { CallContext } from "./context.js";
import { outcomeOf } from "./dispatch.js";

export type CallValue = Readonly<Record<string, unknown>>;

/** What becomes known of a call while it runs. */
export interface Trace {
  tool?: Tool;
  connections: readonly string[];
}

export interface AuditedServices {
  readonly audit: Audit;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly logger: Logger;
}

/**
 * Runs a call and writes its audit line, whatever becomes of it: a call that is refused leaves one too. No secret leaves it, neither in the
 * answer nor in an error nor in the line.
 */
export async function audited(
  name: string,
  args: Readonly<Record<string, unknown>>,
  context: CallContext,
  { audit, clock, secrets, logger }: AuditedServices,
  work: (trace: Trace) => Promise<CallValue>,
): Promise<CallValue> {
  const began = clock.now();
  const trace: Trace = { connections: [] };
  const write = async (outcome: "ok" | "partial" | ErrorCode): Promise<void> => {
    const { tool, connections } = trace;
    // What another tool carries out is audited there.
    if (tool && "audited" in tool && tool.audited === false) return;
    await audit.write({
      time: new Date(clock.now()).toISOString(),
      call: context.call,
      caller: context.caller.id,
      tool: tool?.name ?? name,
      ...(tool ? { safety: tool.safety } : {}),
      connections,
      arguments: secrets.mask(shownOf(args, tool, secrets), true),
      outcome,
      milliseconds: clock.now() - began,
    });
  };
  let value: CallValue;
  try {
    value = await work(trace);
  } catch (error) {
    const failure = toProxMcpError(error);
    if (failure.code === "INTERNAL")
      logger.error("a call failed for a reason that is a fault", { call: context.call, tool: name, stack: stackOf(error) });
    if (failure.details.connection) trace.connections = [failure.details.connection];
    // The call failed already; that its line could not be written as well is for the log.
    await write(failure.code).catch((unwritten: unknown) =>
      logger.error("an audit line could not be written", { call: context.call, tool: name, error: String(unwritten) }),
    );
    throw new ProxMcpError(failure.code, secrets.maskText(failure.message), secrets.mask({ ...failure.details, cause: undefined }));
  }
  try {
    await write(outcomeOf(value));
  } catch (error) {
    throw new ProxMcpError(
      "AUDIT_FAILED",
      `${name} was carried out, but its audit line could not be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return secrets.empty ? value : secrets.mask(value);
}

/** The arguments without a confirmation token, which is a key if only for once, and without what the tool declares secret. */
function shownOf(args: Readonly<Record<string, unknown>>, tool: Tool | undefined, secrets: Secrets): unknown {
  const { confirm: _, ...shown } = args;
  const action = tool?.operation?.action;
  return action?.input ? secrets.hideFields(objectOf(action.input), shown) : shown;
}

/** Where it happened: an error that was wrapped on its way says so in its cause. */
function stackOf(error: unknown): string | undefined {
  const cause = (error as { cause?: unknown } | undefined)?.cause;
  return cause instanceof Error ? stackOf(cause) : (error as Error | undefined)?.stack;
}
