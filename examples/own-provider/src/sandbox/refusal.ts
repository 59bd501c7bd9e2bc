import type { SandboxReply } from "proxmcp/testing";

/** HTTP statuses of gRPC's codes, as the gateway maps them. */
const STATUS = {
  Unknown: 500,
  InvalidArgument: 400,
  NotFound: 404,
  AlreadyExists: 409,
  PermissionDenied: 403,
  FailedPrecondition: 400,
  Unimplemented: 501,
  Internal: 500,
} as const;
export type Grpc = keyof typeof STATUS;

/** What a handler ends with when it can't. Most say nothing of the kind of error, which makes it `Unknown`. */
export class Refusal extends Error {
  readonly grpc: Grpc;

  constructor(grpc: Grpc, message: string) {
    super(message);
    this.grpc = grpc;
  }
}

export const refuse = (message: string, grpc: Grpc = "Unknown"): never => {
  throw new Refusal(grpc, message);
};

/** An error as the gateway writes it: gRPC's own text, with the HTTP status as the code. */
export const errorBody = (grpc: string, message: string, status: number): object => ({
  code: status,
  error: `rpc error: code = ${grpc} desc = ${message}`,
});

export const replyOf = ({ grpc, message }: Refusal): SandboxReply => ({ status: STATUS[grpc], body: errorBody(grpc, message, STATUS[grpc]) });

/** The same for a status that a fault asks for. */
export function planted(status: number, reason: string): object {
  if (status === 401 || status === 429) return { error: reason, code: status };
  const grpc = (Object.keys(STATUS) as Grpc[]).find((name) => STATUS[name] === status) ?? "Unknown";
  return errorBody(grpc, reason, status);
}

/** Refused before the gateway is reached: plain text that happens to be JSON. */
export const unauthorized = (error: string): SandboxReply => ({
  status: 401,
  headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  body: `{"error": "${error}", "code": 401}\n`,
});
