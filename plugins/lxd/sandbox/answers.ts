import type { SandboxReply } from "proxmcp/testing";

/** Something the server refuses: its status and its own words. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const envelope = { status: "", status_code: 0, operation: "", error_code: 0, error: "", metadata: null };

export const sync = (metadata: unknown, headers?: Readonly<Record<string, string>>): SandboxReply => ({
  status: 200,
  ...(headers ? { headers } : {}),
  body: { ...envelope, type: "sync", status: "Success", status_code: 200, metadata },
});

export const accepted = (operation: { readonly id: string }): SandboxReply => ({
  status: 202,
  headers: { location: `/1.0/operations/${operation.id}` },
  body: {
    ...envelope,
    type: "async",
    status: "Operation created",
    status_code: 100,
    operation: `/1.0/operations/${operation.id}`,
    metadata: operation,
  },
});

export const errorBody = (status: number, error: string) => ({ ...envelope, type: "error", error_code: status, error });

export const refusal = (status: number, error: string): SandboxReply => ({
  status,
  headers: { "x-content-type-options": "nosniff" },
  body: errorBody(status, error),
});

/** A file, whole or the part that the Range header asks for, as Go's file server answers. */
export function file(name: string, content: string, range: string | undefined): SandboxReply {
  const bytes = Buffer.from(content);
  const headers = {
    "accept-ranges": "bytes",
    "content-disposition": `inline;filename=${name}`,
    "content-type": "application/octet-stream",
  };
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  const suffix = first === "" && last;
  if ((!first && !suffix) || (first && bytes.length === 0)) return { status: 200, headers, body: new Uint8Array(bytes) };
  const from = first ? Number(first) : Math.max(0, bytes.length - Number(last));
  const to = first && last ? Math.min(Number(last), bytes.length - 1) : bytes.length - 1;
  if (from >= bytes.length && bytes.length > 0) {
    return { status: 416, headers: { "content-range": `bytes */${bytes.length}` }, body: "invalid range: failed to overlap\n" };
  }
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${from}-${to}/${bytes.length}` },
    body: new Uint8Array(bytes.subarray(from, to + 1)),
  };
}
