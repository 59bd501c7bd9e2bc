import { type ErrorCode, ProxMcpError } from "proxmcp/plugin";

/** What the gateway answered instead of what was asked for. */
export interface Refusal {
  /** What was being done, to go on after "Unable to". */
  readonly doing: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

/** The codes of gRPC, in the order of their numbers. */
const GRPC = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

const BY_GRPC: Readonly<Record<string, ErrorCode>> = {
  InvalidArgument: "INVALID_INPUT",
  OutOfRange: "INVALID_INPUT",
  DeadlineExceeded: "TIMEOUT",
  NotFound: "NOT_FOUND",
  AlreadyExists: "ALREADY_EXISTS",
  PermissionDenied: "FORBIDDEN",
  ResourceExhausted: "NO_CAPACITY",
  FailedPrecondition: "WRONG_STATE",
  Aborted: "CONFLICT",
  Unimplemented: "UNSUPPORTED",
  Unauthenticated: "AUTH_FAILED",
};

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "INVALID_INPUT",
  401: "AUTH_FAILED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "UNSUPPORTED",
  409: "CONFLICT",
  429: "RATE_LIMITED",
  501: "UNSUPPORTED",
  504: "TIMEOUT",
};

/**
 * Most handlers answer "Unknown" and 500 whatever went wrong, a container that is not there included; those of snapshots answer
 * "FailedPrecondition". So these words decide, in this order.
 */
const BY_WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/unreachable/i, "UPSTREAM"],
  [/already in progress/i, "CONFLICT"],
  [/already exists/i, "ALREADY_EXISTS"],
  [/already (running|stopped)|(isn't|is not) running|busy/i, "WRONG_STATE"],
  [/no space left|quota exceeded|disk is full|not enough|insufficient/i, "NO_CAPACITY"],
  [/not found|no such|does not exist/i, "NOT_FOUND"],
  [/not supported|not implemented|not (yet )?configured|need a ZFS/i, "UNSUPPORTED"],
  [/is required|invalid|not a valid|must be|at least one|cannot shrink/i, "INVALID_INPUT"],
];

/** The one place where answers of Containarium become errors of the catalogue. */
export function errorOf({ doing, method, path, status, body }: Refusal): ProxMcpError {
  const { text, grpc } = readError(body);
  // Each layer of the server adds the same words before what it got from below.
  const said = text.replace(/((?:^|: )[^:]+)(?:: (?:failed to [^:]+))+(?=: )/, "$1") || `it answered with status ${status}`;
  const details = { tried: [`${method} ${path}`], data: { status } };
  // What the router of the gateway says of a path that it doesn't have, as opposed to a handler of a thing that it doesn't find.
  if ([404, 501].includes(status) && /^(Not Found|Method Not Allowed)$/.test(said))
    return new ProxMcpError("UNSUPPORTED", `Unable to ${doing}: this server has no ${method} ${path}.`, {
      ...details,
      next: "Update the Containarium server. If it stands behind a proxy, check that `url` leads to its REST API.",
    });
  if (/unknown field/.test(said))
    return new ProxMcpError("UNSUPPORTED", `Unable to ${doing}: this server does not know one of the settings: ${said}`, details);
  const vague = ["Unknown", "Internal", "FailedPrecondition"].includes(grpc ?? (status >= 500 ? "Unknown" : ""));
  const byWords = vague ? BY_WORDS.find(([words]) => words.test(said))?.[1] : undefined;
  const code = byWords ?? BY_GRPC[grpc ?? ""] ?? BY_STATUS[status] ?? "UPSTREAM";
  return new ProxMcpError(code, `Unable to ${doing}: ${said}`, details);
}

/** `{ error, code }` of today's gateway, with gRPC's own code inside the text; `{ code, message }` as the specification has it. */
function readError(body: string): { readonly text: string; readonly grpc?: string } {
  let answer: { readonly error?: unknown; readonly message?: unknown; readonly code?: unknown } | undefined;
  try {
    answer = JSON.parse(body) as typeof answer;
  } catch {
    // A proxy in between answers with a page.
    return {
      text: body
        .replace(/<[^>]*>/g, " ")
        .replace(/\s+/g, " ")
        .trim()
        .slice(0, 200),
    };
  }
  const text = [answer?.error, answer?.message].find((one) => typeof one === "string") ?? "";
  const [, name, rest] = /^rpc error: code = (\w+) desc = ([\s\S]*)$/.exec(text) ?? [];
  if (name !== undefined) return { text: rest ?? "", grpc: name };
  const grpc = typeof answer?.message === "string" && typeof answer.code === "number" ? GRPC[answer.code] : undefined;
  return { text, ...(grpc ? { grpc } : {}) };
}
