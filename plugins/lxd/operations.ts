import { isProxMcpError, type Progress, ProxMcpError } from "proxmcp/plugin";
import type { Operation } from "./wire.js";

/** A wait that broke off: the operation is named, and a forgotten one is no NOT_FOUND of the item that the caller asked about. */
export function withOperation(error: unknown, { id, description }: Operation, request: string, doing: string): unknown {
  if (!isProxMcpError(error)) return error;
  const tried = [request, `operation ${id} (${description})`];
  if (error.code === "NOT_FOUND") {
    return new ProxMcpError("UPSTREAM", `Unable to ${doing}: the server forgot the operation, it may have been restarted`, {
      tried,
      data: { operation: id },
      next: "Look at the item: it may have worked.",
    });
  }
  return new ProxMcpError(error.code, error.message, { ...error.details, tried, data: { ...error.details.data, operation: id } });
}

/**
 * Passes on the percentages in an operation's metadata (`download_progress: "rootfs: 45% (1.2MB/s)"`). Each stage counts from 0
 * again, so what is passed on is the sum over the stages so far: it only grows.
 */
export function progressOf(tell: ((progress: Progress) => void) | undefined): (metadata: Operation["metadata"]) => void {
  const stages = new Map<string, number>();
  let last = -1;
  return (metadata) => {
    for (const [key, text] of Object.entries(metadata ?? {})) {
      const percent = key.endsWith("_progress") && typeof text === "string" ? /(\d+)%/.exec(text)?.[1] : undefined;
      if (percent === undefined) continue;
      const stage = `${key} ${(text as string).split(":")[0]}`;
      stages.set(stage, Math.max(Number(percent), stages.get(stage) ?? 0));
      const progress = [...stages.values()].reduce((sum, one) => sum + one, 0);
      if (progress <= last) continue;
      last = progress;
      tell?.({ progress, total: stages.size * 100, message: text as string });
    }
  };
}
