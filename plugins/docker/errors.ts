import { type ErrorCode, ProxMcpError } from "proxmcp/plugin";

interface Rule {
  readonly says: RegExp;
  readonly code: ErrorCode;
  readonly next?: string;
}

/**
 * What the engine means, by its words: it answers 500 for a taken port, a wrong mount and a registry that is down, and 409 for
 * anything from a taken name to an image in use. The first that fits counts.
 */
const RULES: readonly Rule[] = [
  { says: /client version .* is too (new|old)/i, code: "UNSUPPORTED" },
  {
    says: /multiple ids found/i,
    code: "NAME_AMBIGUOUS",
  },
  { says: /container name .* already in use/i, code: "ALREADY_EXISTS" },
  {
    says: /port is already allocated|address already in use|bind: permission denied/i,
    code: "WRONG_STATE",
    next: "Choose another host port, or stop what holds this one.",
  },
  { says: /no space left on device|cannot allocate memory/i, code: "NO_CAPACITY" },
  { says: /is paused|paused container/i, code: "WRONG_STATE", next: "Continue the container first (docker unpause), or stop it." },
  { says: /already exists in network|network with name .* already exists|a volume named .* already exists/i, code: "ALREADY_EXISTS" },
  { says: /has active endpoints/i, code: "WRONG_STATE", next: "Disconnect or delete the containers in this network first." },
  { says: /volume is in use/i, code: "WRONG_STATE", next: "Delete the containers that use this volume first." },
  { says: /is not connected to (the )?network/i, code: "WRONG_STATE" },
  { says: /pool overlaps/i, code: "CONFLICT", next: "Choose another subnet." },
  { says: /pre-?defined .*network/i, code: "UNSUPPORTED" },
  { says: /extraction point is not a directory|invalid subnet|invalid CIDR/i, code: "INVALID_INPUT" },
  { says: /network .* is ambiguous/i, code: "NAME_AMBIGUOUS" },
  { says: /invalid signal/i, code: "INVALID_INPUT" },
  { says: /removal of container .* is already in progress/i, code: "CONFLICT" },
  { says: /running container \w+\. stop/i, code: "WRONG_STATE", next: "Stop the container first, or pass `force`." },
  { says: /is not running|is already paused|is not paused|is restarting/i, code: "WRONG_STATE" },
  { says: /cannot be forced/i, code: "WRONG_STATE", next: "Stop and delete the containers that use this image first." },
  { says: /must (be )?force/i, code: "WRONG_STATE", next: "Delete the containers that use this image, name one reference, or pass `force`." },
  { says: /toomanyrequests|rate limit/i, code: "RATE_LIMITED" },
  {
    says: /pull access denied|unauthorized|authentication required|no basic auth/i,
    code: "FORBIDDEN",
    next: "Check the image's name. A private one needs a login: `registries` in the connection, or `docker login` as the user that runs ProxMCP.",
  },
  { says: /^(invalid (volume specification|mode|mount|port|reference|restart)|.*invalid characters for a local volume)/i, code: "INVALID_INPUT" },
];

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "INVALID_INPUT",
  401: "AUTH_FAILED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  429: "RATE_LIMITED",
  501: "UNSUPPORTED",
};

/**
 * An answer of the engine as an error of the catalogue: "Unable to start container "web": port is already allocated".
 * `status` 200 is for an error within a stream that had begun well.
 */
export function engineError(what: string, status: number, words: string, tried: string): ProxMcpError {
  const rule = RULES.find(({ says }) => says.test(words));
  const code = rule?.code ?? BY_STATUS[status] ?? (status < 300 ? "TASK_FAILED" : "UPSTREAM");
  return new ProxMcpError(code, `Unable to ${what}: ${words || `the engine answered ${status}`}`, {
    tried: [tried],
    data: { status },
    ...(rule?.next ? { next: rule.next } : {}),
  });
}

/** The engine's own words: `{"message"}` as a rule, plain text from what stands before its router. */
export function wordsOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // not JSON: a proxy, or the engine's version check
  }
  return text.trim().slice(0, 300);
}
