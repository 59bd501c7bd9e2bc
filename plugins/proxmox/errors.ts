/**
 * The one place where an answer of Proxmox becomes an error of the catalogue. Proxmox uses status 500 for nearly everything
 * that fails, so the text decides.
 * @module
 */
import { type ErrorCode, ProxMcpError } from "proxmcp/plugin";

/** A failed request, as far as it matters here. */
export interface Failure {
  readonly method: string;
  /** Below `/api2/json`. */
  readonly path: string;
  readonly status: number;
  /** The reason phrase: the whole message on older releases, and on any release when the body is empty. */
  readonly reason: string;
  /** The parsed body, its text when it is no JSON, undefined when it is empty. */
  readonly body: unknown;
  /** Whose token was used: `root@pam!mcp`. */
  readonly token: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly next?: string;
}

const QUORUM: Meaning = {
  code: "WRONG_STATE",
  next: "The cluster has no quorum: reads work, writes don't. Bring back enough nodes for a majority (see the cluster's status), then try again.",
};
const CHANGED: Meaning = { code: "CONFLICT", next: "Somebody else changed it meanwhile. Read it again and repeat the change on what is there now." };
const LOCKED: Meaning = {
  code: "CONFLICT",
  next: "Another task holds the lock (the message names its kind). Wait for it to end: the list of tasks shows it.",
};
const GUEST_GONE: Meaning = { code: "NOT_FOUND", next: "List the guests: it was deleted, or has moved to another node just now." };

/** In order: the first that matches decides. */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/no quorum|cluster not ready|\/etc\/pve\/.*permission denied/i, QUORUM],
  [/checksum mismatch \(file change|detected modified configuration/i, CHANGED],
  [/is locked \(/i, LOCKED],
  [/can't lock file .*got timeout/i, { code: "CONFLICT", next: "Another task on this guest was still running. Try again in half a minute." }],
  [/hostname lookup '.*' failed|no such cluster node/i, { code: "NOT_FOUND", next: "List the nodes and use a name from there." }],
  [/RRD error: opening .*no such file/i, { code: "NOT_FOUND", next: "There are no measurements of this name: list what exists." }],
  [/configuration file .*does not exist|unable to find configuration file/i, GUEST_GONE],
  [/config file already exists|already exists|already defined/i, { code: "ALREADY_EXISTS" }],
  [/only root (can|may)/i, { code: "FORBIDDEN", next: "Proxmox lets only root@pam itself do this, no API token. Do it on the node." }],
  [
    /guest agent is not running/i,
    { code: "WRONG_STATE", next: "Install and start qemu-guest-agent in the guest, and enable it in the VM's options." },
  ],
  [
    /already running|not running|is running|(a|migrate|overwrite) running (vm|container)|is a template|if it's a template|template to a template/i,
    { code: "WRONG_STATE" },
  ],
  [/is not empty|is used by|still in use|because vm contains snapshots|is disabled|is not online/i, { code: "WRONG_STATE" }],
  [/no space left|not enough (free )?(space|memory)|cannot allocate memory/i, { code: "NO_CAPACITY" }],
  [/feature .*not (available|supported)|not supported|migrated to rules|does not support/i, { code: "UNSUPPORTED" }],
  [
    /exec of .* failed|failed to exec|not installed/i,
    { code: "UNSUPPORTED", next: "A program that this needs is not installed there. The message names it." },
  ],
  [/invalid server response/i, { code: "UPSTREAM" }],
  [/does not exist|no such |not found|not defined|no rule at position/i, { code: "NOT_FOUND" }],
  [/400 (parameter verification failed|rule '.*' is invalid)|missing value for required option|unknown section type/i, { code: "INVALID_INPUT" }],
  [/unable to shrink|not allowed for|does not look like|unable to parse|reserved name|^format error/i, { code: "INVALID_INPUT" }],
];

/** What a text of Proxmox means: of an answer with status 500, or the end of a failed task. */
export function meaningOf(text: string): Meaning {
  return MEANINGS.find(([pattern]) => pattern.test(text))?.[1] ?? { code: "UPSTREAM" };
}

/** True for the one failure that says that nothing was done and that the same request may be sent again. */
export const isLockTimeout = (error: unknown): boolean => error instanceof Error && /can't lock file .*got timeout/i.test(error.message);

/** The error for a request that Proxmox did not answer with success. */
export function errorOf(failure: Failure): ProxMcpError {
  const { method, path, status, token } = failure;
  const said = wordsOf(failure);
  const what = `${method} ${path}`;
  const failed = (code: ErrorCode, message: string, next?: string, data: Record<string, unknown> = {}): ProxMcpError =>
    new ProxMcpError(code, message, { tried: [what], data: { status, ...data }, ...(next ? { next } : {}) });
  const node = /^\/nodes\/([^/]+)/.exec(path)?.[1];

  switch (status) {
    case 401:
      return failed(
        "AUTH_FAILED",
        `Proxmox refused the API token ${token}: ${said}`,
        "Check the token's id (USER@REALM!TOKENID) and secret, and that neither the token nor its user has expired or is disabled.",
      );
    case 403:
      return forbidden(said, token, failed);
    case 400:
      return badParameters(failure, said, failed);
    case 501:
      // The same status stands for a request that its HTTP server can't take: chunked, too long, a DELETE with a body.
      return /not implemented/i.test(said)
        ? failed("UNSUPPORTED", `Proxmox does not know ${what}: ${said}`, "This release of Proxmox VE may be older than the method.")
        : failed("UNSUPPORTED", `Proxmox does not take ${what} in this form: ${said}`);
    case 595:
    case 596:
      return node === undefined
        ? failed("UNREACHABLE", `Proxmox could not finish ${what}: ${said}`)
        : failed(
            "UNREACHABLE",
            status === 595 ? `Node ${node} can't be reached from the cluster: ${said}` : `Node ${node} did not answer in time: ${said}`,
            `Check that ${node} is up and that its services pveproxy and pvedaemon run. Guests on other nodes are not affected.`,
            { node },
          );
    case 429:
      return failed("RATE_LIMITED", `Proxmox asks to slow down: ${said}`);
    default: {
      const { code, next } = meaningOf(said);
      return failed(code, `Unable to ${what}: ${said}`, next);
    }
  }
}

type Fail = (code: ErrorCode, message: string, next?: string, data?: Record<string, unknown>) => ProxMcpError;

function forbidden(said: string, token: string, failed: Fail): ProxMcpError {
  const [, object, privileges] = /\((\/[^,)]*), ([^)]+)\)/.exec(said) ?? [];
  if (object === undefined || privileges === undefined) return failed("FORBIDDEN", `${token} may not do this: ${said}`);
  return failed(
    "FORBIDDEN",
    `${token} may not do this: ${said}`,
    `Give ${token} ${privileges.replaceAll("|", " or ")} on ${object} (Datacenter > Permissions). A token with privilege separation needs it itself, besides its user.`,
    { object, privileges: privileges.split("|") },
  );
}

function badParameters(failure: Failure, said: string, failed: Fail): ProxMcpError {
  const faults = (failure.body as { errors?: Record<string, unknown> } | null | undefined)?.errors;
  const named = typeof faults === "object" && faults !== null ? Object.entries(faults) : [];
  if (named.length === 0) return failed("INVALID_INPUT", `Proxmox refused the parameters: ${said}`);
  const text = named.map(([parameter, fault]) => `${parameter}: ${String(fault).trim()}`).join("; ");
  const only = named.length === 1 ? String(named[0]?.[1]).trim() : "";
  // Some lookups fail as a bad parameter.
  if (/^no such (task|storage)/i.test(only)) return failed("NOT_FOUND", `Unable to ${failure.method} ${failure.path}: ${text}`);
  if (/already exists\.?$/i.test(only)) return failed("ALREADY_EXISTS", `Unable to ${failure.method} ${failure.path}: ${text}`);
  if (/^only root (can|may)/i.test(only)) return failed("FORBIDDEN", text, meaningOf(only).next);
  return failed("INVALID_INPUT", `Proxmox refused the parameters: ${text}`, undefined, { errors: faults });
}

/** Proxmox's own words, wherever this release puts them. */
function wordsOf({ status, reason, body }: Failure): string {
  const message = typeof body === "string" ? body : (body as { message?: unknown } | null | undefined)?.message;
  const text = typeof message === "string" && message.trim() !== "" && !message.trimStart().startsWith("<") ? message : reason;
  return text.trim() || `status ${status}`;
}
