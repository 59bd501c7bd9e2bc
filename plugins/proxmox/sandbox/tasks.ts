import { formatUpid } from "../upid.js";
import type { TokenSpec } from "./access.js";

export interface SandboxTask {
  readonly upid: string;
  readonly node: string;
  readonly type: string;
  readonly id: string;
  readonly user: string;
  readonly tokenid: string;
  readonly pid: number;
  readonly pstart: number;
  readonly starttime: number;
  endtime?: number;
  exitstatus?: string;
  readonly log: string[];
}

export interface Work {
  readonly node: string;
  readonly type: string;
  readonly id: string;
  readonly token: TokenSpec;
  /** What makes it fail at once, asked when it holds its lock. */
  readonly refusal?: (() => string | undefined) | undefined;
  /** Fails with this when its time is up. */
  readonly failure?: string | undefined;
  /** Tasks with the same one wait for each other, and give up after a while. */
  readonly lock?: string | undefined;
  /** How many times as long as usual it takes. */
  readonly slowness?: number | undefined;
  readonly log?: readonly string[];
  /** What it changes, when it succeeds. */
  readonly effect?: () => void;
  /** What it leaves behind, when it was begun and fails. */
  readonly onFailure?: () => void;
}

interface Holder {
  task: SandboxTask;
  readonly waiting: { readonly task: SandboxTask; readonly work: Work }[];
}

/** How many task times a task waits for a lock; ten seconds in Proxmox. */
const PATIENCE = 10;

/** The tasks of a cluster: each takes its time, then changes something or fails. */
export class Tasks {
  readonly all: SandboxTask[] = [];
  readonly #time: number;
  readonly #holders = new Map<string, Holder>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #next = 0x1840;

  constructor(time: number) {
    this.#time = time;
  }

  start(work: Work): string {
    const [user = "", tokenid = ""] = work.token.id.split("!");
    const pid = this.#next++;
    const parts = { node: work.node, pid, pstart: pid * 80, starttime: seconds(), type: work.type, id: work.id, user };
    const task: SandboxTask = { ...parts, upid: formatUpid({ ...parts, token: tokenid }), tokenid, log: [] };
    this.all.unshift(task);
    this.#acquire(task, work);
    return task.upid;
  }

  find(upid: string): SandboxTask | undefined {
    return this.all.find((task) => task.upid === upid);
  }

  running(type: RegExp, id: string): SandboxTask[] {
    return this.all.filter((task) => task.exitstatus === undefined && type.test(task.type) && task.id === id);
  }

  interrupt(task: SandboxTask): void {
    this.#finish(task, "received interrupt");
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Runs after so many task times, unless the sandbox is closed. */
  later(times: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, this.#time * times);
    timer.unref();
    this.#timers.add(timer);
  }

  #acquire(task: SandboxTask, work: Work): void {
    const { lock } = work;
    const holder = lock === undefined ? undefined : this.#holders.get(lock);
    if (!holder) {
      if (lock !== undefined) this.#holders.set(lock, { task, waiting: [] });
      return this.#run(task, work);
    }
    task.log.push("trying to acquire lock...");
    holder.waiting.push({ task, work });
    this.later(PATIENCE, () => {
      const at = holder.waiting.findIndex((one) => one.task === task);
      if (at < 0) return;
      holder.waiting.splice(at, 1);
      this.#finish(task, `can't lock file '${lock}' - got timeout`);
    });
  }

  #run(task: SandboxTask, work: Work): void {
    const refusal = work.refusal?.();
    if (refusal !== undefined) return this.#finish(task, refusal);
    task.log.push(...(work.log ?? []));
    this.later(work.slowness ?? 1, () => {
      if (task.exitstatus !== undefined) return; // interrupted
      const warned = work.failure?.startsWith("WARNINGS:") ?? false;
      if (work.failure === undefined || warned) work.effect?.();
      else work.onFailure?.();
      this.#finish(task, work.failure ?? "OK");
    });
  }

  #finish(task: SandboxTask, exitstatus: string): void {
    task.exitstatus = exitstatus;
    task.endtime = seconds();
    const warned = exitstatus.startsWith("WARNINGS:");
    task.log.push(exitstatus === "OK" ? "TASK OK" : warned ? `TASK ${exitstatus}` : `TASK ERROR: ${exitstatus}`);
    for (const [lock, holder] of this.#holders) {
      if (holder.task !== task) continue;
      const next = holder.waiting.shift();
      if (next) {
        holder.task = next.task;
        next.task.log.push(" OK");
        this.#run(next.task, next.work);
      } else this.#holders.delete(lock);
    }
  }
}

const seconds = (): number => Math.floor(Date.now() / 1000);
