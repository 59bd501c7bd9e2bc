/**
 * Every error that a user can meet, in one catalogue: the next step for each code. Plugins map their platform's errors to these codes in one place of their
 * client; callers get the code, what failed, on which connection, what was tried and what to do next.
 */
export const ERRORS = {
  CONFIG_INVALID: "Correct the named setting. `proxmcp doctor` checks the whole configuration.",
  PLUGIN_INVALID: "Correct the declaration. All faults are listed at once.",
  PLUGIN_NOT_FOUND: "Install the package beside the config file, or correct its name under `plugins`.",
  PLUGIN_INCOMPATIBLE: "Install a version of the plugin that is made for this proxmcp, or a proxmcp that the plugin is made for.",
  PLUGIN_CHANGED: "Look at the difference: `proxmcp plugins diff`. To accept it: `proxmcp plugins lock`. Otherwise put the former version back.",
  NO_CONNECTION: "Add a connection to the config, or run `proxmcp demo` to try ProxMCP without any platform.",
  CONNECTION_UNKNOWN: "Use one of the connections that the message lists.",
  CONNECTION_NEEDED: "Say which connection is meant: pass the parameter that the message names.",
  CONNECTION_AMBIGUOUS: "Several connections hold this name. Pass the connection that is meant.",
  CONNECTION_UNCERTAIN: "Some connections could not be asked, so the name may exist there too. Pass the connection that is meant.",
  UNREACHABLE: "Check that the address is right, the service runs and a firewall lets it through.",
  TLS_UNTRUSTED: "Pin the server's fingerprint or give its CA in the connection, after checking it on the server itself.",
  HOST_KEY_UNKNOWN: "Check the fingerprint on the host itself, then add it to known_hosts or to the connection.",
  AUTH_FAILED: "Check the credentials of the connection.",
  FORBIDDEN: "Give the credentials the permission that the message names.",
  NOT_FOUND: "List what exists and use a name or id from there.",
  NAME_AMBIGUOUS: "Several items have this name. Use the id.",
  ALREADY_EXISTS: "Choose another name, or use the one that exists.",
  INVALID_INPUT: "Correct the named argument. The tool's input schema says what is allowed.",
  INVALID_OUTPUT: "The platform answered something this version does not know. Please report it with the named field.",
  CONFLICT: "Something else is changing this item. Wait for it to finish, then try again.",
  WRONG_STATE: "Bring the item into the state that the message names first.",
  NO_CAPACITY: "Free resources, choose another target or ask for less.",
  UNSUPPORTED: "The platform or its version cannot do this. The message says what it needs.",
  TASK_FAILED: "The platform accepted the request and then failed. The message has its reason.",
  TIMEOUT: "It may still be running: look at the item before trying again. A longer limit can be set under `limits`.",
  CANCELLED: "The call was cancelled. What had been sent may still take effect: look at the item.",
  RATE_LIMITED: "Wait a moment, then try again.",
  UPSTREAM: "The platform answered with an error. The message has what it said.",
  TOOL_UNKNOWN: "List the tools, or find one with `tool_find`.",
  TOOL_DENIED: "This tool is not allowed by the configuration.",
  CONFIRMATION_REQUIRED: "Ask the user. If they agree, call again with the same arguments and `confirm` set to the token.",
  CONFIRMATION_INVALID: "Call again without `confirm` to get a new token.",
  DECLINED: "The user said no. Do not try again unless they ask for it.",
  AUDIT_FAILED: "Make the file under `audit` writable. The call itself was carried out: look at the item before trying again.",
  INTERNAL: "This is a fault in ProxMCP or in a plugin. Please report it.",
} as const;

/** A code of the catalogue, a key of `ERRORS`. All of them, with their meanings: [errors](../errors.md). */
export type ErrorCode = keyof typeof ERRORS;

/** What an error knows beside its code and message. */
export interface ErrorDetails {
  /** The connection it happened on. */
  readonly connection?: string;
  /** What was attempted, in the order it was attempted: requests, roads, credentials. Never a secret. */
  readonly tried?: readonly string[];
  /** Overrides the catalogue's next step when something more exact is known. */
  readonly next?: string;
  /** Facts for a machine: candidates, the offending field, an HTTP status. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What was thrown before, for the log alone. */
  readonly cause?: unknown;
}

/** An error as it is shown: the shape of a failing tool's `structuredContent.error` and of the entries in `errors`. */
export interface ErrorReport {
  /** What kind of failure it is. */
  readonly code: ErrorCode;
  /** What failed, in the platform's own words. */
  readonly message: string;
  /** What to do now. */
  readonly next: string;
  /** Where it happened, if it got that far. */
  readonly connection?: string;
  /** What was attempted, in that order. */
  readonly tried?: readonly string[];
  /** Facts for a machine. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * An error that a user can act on. Throw it from a client, in the one place where the platform's answers are read.
 *
 * @example
 * throw new ProxMcpError("CONFLICT", `Unable to start container "web": port is already allocated`, { tried: ["POST /containers/web/start"] });
 */
export class ProxMcpError extends Error {
  /** By which it is known, whichever copy of the package threw it. */
  override readonly name = "ProxMcpError";
  /** What kind of failure it is. */
  readonly code: ErrorCode;
  /** Where it happened, what was tried, what can be done. */
  readonly details: ErrorDetails;

  /** `message`: what failed, in the platform's own words: `Unable to <do> <what>: <why>`. Never a secret. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  /** The same error with the connection filled in, if it has none yet. */
  on(connection: string): ProxMcpError {
    if (this.details.connection) return this;
    return new ProxMcpError(this.code, this.message, { ...this.details, connection });
  }

  /** As it is shown to a caller: with the catalogue's next step where `details` has none. */
  report(): ErrorReport {
    const { connection, tried, next, data } = this.details;
    return {
      code: this.code,
      message: this.message,
      next: next ?? ERRORS[this.code],
      ...(connection ? { connection } : {}),
      ...(tried?.length ? { tried } : {}),
      ...(data ? { data } : {}),
    };
  }
}

/** Two copies of the package can meet in one process, so the name is asked, not the class. */
export function isProxMcpError(error: unknown): error is ProxMcpError {
  return error instanceof Error && error.name === "ProxMcpError" && "code" in error && "report" in error;
}

/** Any thrown value as an error of the catalogue. Unknown ones become INTERNAL with their own message. */
export function toProxMcpError(error: unknown): ProxMcpError {
  if (isProxMcpError(error)) return error;
  if (error instanceof Error && error.name === "AbortError") return new ProxMcpError("CANCELLED", "The call was cancelled.", { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new ProxMcpError("INTERNAL", message, { cause: error });
}
