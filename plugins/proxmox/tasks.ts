/**
 * Follows a task to its end. Proxmox answers most writes with the id of a task and does the work afterwards, so a request
 * that was accepted has not succeeded yet.
 * @module
 */
import { type CallArgs, type Clock, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { meaningOf } from "./errors.js";
import type { Upid } from "./upid.js";

/** `GET /nodes/{node}/tasks/{upid}/status` */
export interface TaskStatus {
  readonly status: "running" | "stopped";
  /** `OK`, `WARNINGS: 2`, or what went wrong. */
  readonly exitstatus?: string;
  readonly type: string;
  readonly id: string;
  readonly node: string;
  readonly user: string;
  readonly tokenid?: string;
  readonly starttime: number;
}

export interface TaskLog {
  readonly lines: readonly string[];
  readonly total: number;
}

/** What following needs of the client. */
export interface TaskReader {
  taskStatus(upid: Upid, signal: AbortSignal): Promise<TaskStatus>;
  /** `start` counts from 0. */
  taskLog(upid: Upid, start: number, limit: number, signal: AbortSignal): Promise<TaskLog>;
  stopTask(upid: Upid, signal: AbortSignal): Promise<void>;
}

export interface Following extends Pick<CallArgs<unknown>, "signal" | "progress" | "note"> {
  /** False: the task is started and left to itself. */
  readonly wait?: boolean | undefined;
  /** Told the id of a task that is left. */
  readonly task?: ((id: string) => void) | undefined;
  /** The task is stopped when the caller cancels. Only for work that Proxmox itself clears up after: copies, transfers, backups. */
  readonly cancels?: boolean;
}

const FIRST_WAIT = 100;
const LONGEST_WAIT = 2_000;
const LAST_LINES = 6;
const STOP_PATIENCE = 5_000;
/** A node that restarts its services does not answer for a moment; the task goes on meanwhile. */
const MISSES = 3;
const UNREAD: TaskLog = { lines: [], total: 0 };

/** Resolves when the task has done its work. Throws TASK_FAILED with the end of its log. */
export async function followTask(reader: TaskReader, upid: Upid, following: Following, clock: Clock): Promise<void> {
  const { signal, progress, note } = following;
  let wait = FIRST_WAIT;
  let misses = 0;
  let share = 0;
  for (let polls = 1; ; polls += 1) {
    try {
      const { status, exitstatus } = await reader.taskStatus(upid, signal);
      misses = 0;
      if (status === "stopped") return await end(reader, upid, exitstatus ?? "", signal, note);
      // The first look at the log is worth a request only when the task takes a while.
      const { lines } = wait > FIRST_WAIT ? await tail(reader, upid, signal).catch(() => UNREAD) : UNREAD;
      const message = lines.at(-1) ?? `${`${upid.type} ${upid.id}`.trim()} runs on ${upid.node}`;
      share = Math.max(share, shareOf(lines));
      // The count of our looks stands in until the log tells a share; progress only grows.
      progress(share > 0 ? { progress: Math.max(share, polls), total: 100, message } : { progress: polls, message });
      await clock.sleep(wait, signal);
    } catch (error) {
      if (isProxMcpError(error) && error.code === "TASK_FAILED") throw error;
      if (signal.aborted) throw following.cancels && !isLate(signal) ? await stopped(reader, upid, signal) : goesOn(upid, signal);
      misses += 1;
      if (misses > MISSES || !isProxMcpError(error) || error.code !== "UNREACHABLE") throw lostSight(upid, error);
      await clock.sleep(wait, signal);
    }
    wait = Math.min(wait * 1.6, LONGEST_WAIT);
  }
}

async function end(reader: TaskReader, upid: Upid, exitstatus: string, signal: AbortSignal, note: (sentence: string) => void): Promise<void> {
  if (exitstatus === "OK") return;
  const { lines } = await tail(reader, upid, signal).catch(() => UNREAD);
  const told = lines.filter((line) => line.trim() !== "" && !/^TASK (ERROR|WARNINGS)/.test(line));
  if (/^WARNINGS: \d+$/.test(exitstatus)) {
    const warnings = told.filter((line) => /^warn/i.test(line));
    note(`The task ended with ${exitstatus.toLowerCase()}${warnings.length > 0 ? `: ${warnings.join(" / ")}` : ""}. Its id is ${upid.text}`);
    return;
  }
  const reason = exitstatus === "" ? "it ended without a result" : exitstatus;
  const { code, next } = meaningOf(reason);
  const before = told.length > 0 ? ` Its log ends: ${told.join(" / ")}` : "";
  throw new ProxMcpError("TASK_FAILED", `The task ${upid.type} ${upid.id} on ${upid.node} failed: ${reason}.${before}`, {
    tried: [upid.text],
    data: { upid: upid.text, exitstatus, ...(code === "UPSTREAM" ? {} : { because: code }) },
    ...(next ? { next } : {}),
  });
}

/** The last lines of the log. Its length is known only from an answer, so a long log takes a second request. */
async function tail(reader: TaskReader, upid: Upid, signal: AbortSignal): Promise<TaskLog> {
  const first = await reader.taskLog(upid, 0, 50, signal);
  if (first.total <= first.lines.length) return { lines: first.lines.slice(-LAST_LINES), total: first.total };
  return await reader.taskLog(upid, Math.max(0, first.total - LAST_LINES), LAST_LINES, signal);
}

/** How far a log says that its task is, in percent: `(25.00%)`, `INFO:  25% (1.0 GiB of 4.0 GiB)`. */
function shareOf(lines: readonly string[]): number {
  const shares = lines.flatMap((line) => /\b(\d{1,3}(?:\.\d+)?)\s?%/.exec(line)?.[1] ?? []);
  return Math.min(100, Number(shares.at(-1) ?? 0));
}

/** Time was up, which is not a wish to stop. */
const isLate = (signal: AbortSignal): boolean => isProxMcpError(signal.reason) && signal.reason.code === "TIMEOUT";

async function stopped(reader: TaskReader, upid: Upid, signal: AbortSignal): Promise<ProxMcpError> {
  try {
    await reader.stopTask(upid, AbortSignal.timeout(STOP_PATIENCE));
  } catch {
    return goesOn(upid, signal);
  }
  return new ProxMcpError("CANCELLED", `Cancelled, and the task was stopped: ${upid.text}`, {
    tried: [upid.text],
    data: { upid: upid.text },
    next: "Proxmox clears up what the task had begun. Look at the guest before trying again.",
    cause: signal.reason,
  });
}

function goesOn(upid: Upid, signal: AbortSignal): ProxMcpError {
  return new ProxMcpError(isLate(signal) ? "TIMEOUT" : "CANCELLED", `We stopped waiting, but the task goes on in Proxmox: ${upid.text}`, {
    tried: [upid.text],
    data: { upid: upid.text },
    next: "Look at the task with its id, or at the guest, before trying again.",
    cause: signal.reason,
  });
}

function lostSight(upid: Upid, error: unknown): ProxMcpError {
  const { code, message, details } = isProxMcpError(error)
    ? error
    : { code: "INTERNAL" as const, message: error instanceof Error ? error.message : String(error), details: {} };
  return new ProxMcpError(code, `The task ${upid.type} ${upid.id} was started, but it can't be watched: ${message}`, {
    ...details,
    tried: [...(details.tried ?? []), upid.text],
    data: { ...details.data, upid: upid.text },
    next: "The task may have gone on. Look at it with its id, or at the guest, before trying again.",
    cause: error,
  });
}
