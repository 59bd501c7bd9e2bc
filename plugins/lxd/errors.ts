import { type ErrorCode, type ErrorDetails, ProxMcpError } from "proxmcp/plugin";
import type { Operation } from "./wire.js";

/** A request the server refused. */
export interface Refusal {
  /** What was wanted, to stand behind "Unable to": `start instance "web"`. */
  readonly doing: string;
  /** `POST /1.0/instances`. */
  readonly request: string;
  readonly status: number;
  /** The server's own words. */
  readonly reason: string;
  /** For a 403: whether the server trusts our certificate; undefined when it would not say. */
  readonly trusted?: boolean | undefined;
}

// The server has few codes and many texts: 400 and 500 both carry wrong states, bad input and missing things.
const EXISTS = /already exists|exists already|file exists$|(?<!address )already in use/i;
const USED = /^(.*: )?Only empty projects can be removed|(still|currently|that is) in use|used by running instances/i;
const AWAY = /^Missing event connection with target cluster member|^peer node \S+ is down/;
const LACKING = /^Not (implemented|supported)|required tool .* is missing|^Error loading ".*" module|network not supported$/i;
const STATE =
  /(is|isn't|is not|are|must be) (already )?(running|stopped|frozen)\b|not running|while (it is )?running|(of|a) running (container|instance|vm)|isn't frozen/i;
const BUSY = /is busy|being (created|deleted|moved)|another operation|operation .*(in progress|already running)/i;
const FULL = /no space left|out of disk space|not enough|disk quota exceeded|reached maximum number|limit .*(reached|exceeded)|insufficient/i;
/** Those of them that leave no doubt: a disk or a pool has no room. */
const STORAGE_FULL = /no space left|out of (disk )?space|not enough (disk |free )?space|disk quota exceeded|insufficient (free |disk )?space/i;
const INPUT = new RegExp(
  [
    "^Invalid |: Invalid |Unknown configuration key|Unknown (action|source type|driver)|can't be 0|Must specify|Missing |Unsupported compression",
    '^Name (must|can|is) |cannot contain (white space|"/")|cannot be shrunk',
    "Failed parsing address|not within the network subnet|Duplicate listen port|Mismatch of listen port|may not be used as member-specific|is cluster member specific",
  ].join("|"),
  "i",
);
const MISSING = /not found|(doesn't|does not) exist/i;

/** What a refused request means to the caller. */
export function refused({ doing, request, status, reason, trusted }: Refusal): ProxMcpError {
  const error = (code: ErrorCode, details: ErrorDetails = {}) =>
    new ProxMcpError(code, `Unable to ${doing}: ${reason}`, { tried: [request], data: { status }, ...details });
  switch (status) {
    case 401:
      return untrusted(doing, reason, request, status);
    case 403:
      return trusted === false ? untrusted(doing, reason, request, status) : error("FORBIDDEN", { next: FORBIDDEN_NEXT });
    case 404:
      return error("NOT_FOUND");
    case 409:
      return error(EXISTS.test(reason) ? "ALREADY_EXISTS" : "CONFLICT");
    case 412:
      return error("CONFLICT", { next: "It was changed meanwhile. Read it again, then decide." });
    case 429:
      return error("RATE_LIMITED");
    case 501:
      return error("UNSUPPORTED");
  }
  if (/^More than one cluster member has/.test(reason)) return error("NAME_AMBIGUOUS", { next: "Pass `node`, the member whose it is." });
  if (AWAY.test(reason))
    return error("UNREACHABLE", { next: "A member of the cluster does not answer: lxd_member_list says which. Bring it back, or do without it." });
  if (USED.test(reason)) return error("WRONG_STATE", { next: "Take it from all that uses it first." });
  if (LACKING.test(reason)) return error("UNSUPPORTED");
  if (BUSY.test(reason)) return error("CONFLICT");
  if (EXISTS.test(reason)) return error("ALREADY_EXISTS");
  if (STATE.test(reason)) return error("WRONG_STATE", wayOut(reason));
  if (FULL.test(reason)) return error("NO_CAPACITY");
  if (INPUT.test(reason) || status === 400) return error("INVALID_INPUT");
  if (MISSING.test(reason)) return error("NOT_FOUND");
  return error("UPSTREAM");
}

const FORBIDDEN_NEXT =
  "The certificate is known but restricted. Give it the project, or lift the restriction, with `lxc config trust edit` (`incus config trust edit`).";

/** The server answers, and does not know us. */
export function untrusted(doing: string, reason: string, request: string, status = 403): ProxMcpError {
  return new ProxMcpError("AUTH_FAILED", `Unable to ${doing}: the server does not trust our client certificate (${reason})`, {
    tried: [request],
    data: { status },
    next:
      "Enrol it: on the server, `lxc config trust add --name proxmcp` (Incus: `incus config trust add proxmcp`) prints a token that works once. " +
      "Give that to lxd_host_enrol, or as trust_token to the connection, which needs cert and key too.",
  });
}

/**
 * What a failed background task means. Only where its words leave no doubt is the code more exact than TASK_FAILED:
 * the server accepted the request, so the caller should hear that something had begun.
 */
export function taskFailed(doing: string, request: string, operation: Operation): ProxMcpError {
  const tried = [request, `operation ${operation.id} (${operation.description})`];
  const data = { operation: operation.id, status: operation.status_code, ...(operation.created_at ? { began: operation.created_at } : {}) };
  if (operation.status_code === 401) {
    return new ProxMcpError("CANCELLED", `Unable to ${doing}: the server cancelled the operation`, { tried, data });
  }
  const reason = operation.err || operation.status;
  const code: ErrorCode = EXISTS.test(reason)
    ? "ALREADY_EXISTS"
    : BUSY.test(reason)
      ? "CONFLICT"
      : STORAGE_FULL.test(reason)
        ? "NO_CAPACITY"
        : isWrongState(reason)
          ? "WRONG_STATE"
          : /^Snapshot .* does not exist$|Storage (pool|volume) not found$/.test(reason)
            ? "NOT_FOUND"
            : /Invalid (value|CPU limit|instance|snapshot|devices|config)|Unknown configuration key/i.test(reason)
              ? "INVALID_INPUT"
              : "TASK_FAILED";
  return new ProxMcpError(code, `Unable to ${doing}: ${reason}`, { tried, data, ...(code === "WRONG_STATE" ? wayOut(reason) : {}) });
}

/** Whether it failed for want of room on a disk. */
export const isStorageFull = (error: ProxMcpError): boolean => error.code === "NO_CAPACITY" && STORAGE_FULL.test(error.message);

/** What would bring the instance into a state that allows it. */
function wayOut(reason: string): { readonly next?: string } {
  if (/frozen/i.test(reason)) return { next: "Resume it first." };
  if (/not running|isn't running|stopped/i.test(reason)) return { next: "Start it first." };
  return /running/i.test(reason) ? { next: "Stop it first." } : {};
}

// "Failed shutting down instance, status is "Running": ..." is a failure, not a state that the caller could have known.
const isWrongState = (reason: string): boolean => STATE.test(reason) && !reason.startsWith("Failed ");
