import { randomBytes, randomUUID } from "node:crypto";
import { Refusal } from "./answers.js";
import type { Socket } from "./sockets.js";

export interface TaskSpec {
  readonly description: string;
  /** Default: task. */
  readonly class?: string;
  /** Paths of what the task works on: `/1.0/instances/web`. */
  readonly instances: readonly string[];
  readonly images?: readonly string[];
  /** Containers are listed under their old path too. */
  readonly containers?: boolean;
  /** What it fails with, whatever its body would do. */
  readonly taskError?: string | undefined;
  readonly mayCancel?: boolean;
  /** Names of its websockets: each gets a secret, and is waited for by `task.socket`. */
  readonly sockets?: readonly string[];
  /** What its metadata says from the beginning, given the secrets of its websockets. */
  metadata?(secrets: Readonly<Record<string, string>>): Record<string, unknown>;
  run(task: Task): Promise<void> | void;
}

/** A task as its body sees it. */
export interface Task {
  readonly id: string;
  /** Aborted when the task is cancelled or the sandbox closes. */
  readonly signal: AbortSignal;
  report(metadata: Record<string, unknown>): void;
  /** Waits milliseconds, unless the task is cancelled meanwhile. */
  pause(milliseconds: number): Promise<void>;
  /** The websocket of this name, once a client has opened it. */
  socket(name: string): Promise<Socket>;
}

interface Running {
  readonly abort: AbortController;
  ended: Promise<void>;
  /** By secret: what is told when a client opens it. */
  readonly sockets: Map<string, (socket: Socket) => void>;
  wire: ReturnType<typeof pending>;
}

/** The background operations: each is known for five seconds after its end. */
export class Operations {
  readonly #running = new Map<string, Running>();
  readonly #forget = new Set<NodeJS.Timeout>();

  /** Starts a task and returns it as the server shows it at that moment. */
  start(spec: TaskSpec) {
    const id = randomUUID();
    const secrets = Object.fromEntries((spec.sockets ?? []).map((name) => [name, randomBytes(32).toString("hex")]));
    const sockets = new Map<string, (socket: Socket) => void>();
    const opened = Object.fromEntries(
      Object.entries(secrets).map(([name, secret]) => [name, new Promise<Socket>((resolve) => sockets.set(secret, resolve))]),
    );
    const wire = { ...pending(id, spec), ...(spec.metadata ? { metadata: spec.metadata(secrets) } : {}) };
    const one: Running = { abort: new AbortController(), ended: Promise.resolve(), sockets, wire };
    this.#running.set(id, one);
    const shown = { ...one.wire };
    const task: Task = {
      id,
      signal: one.abort.signal,
      report: (metadata) => void (one.wire = { ...one.wire, metadata: { ...one.wire.metadata, ...metadata }, updated_at: new Date().toISOString() }),
      pause: (milliseconds) => pause(milliseconds, one.abort.signal),
      socket: async (name) => {
        const gone = new Promise<never>((_, reject) =>
          one.abort.signal.addEventListener("abort", () => reject(new Error("cancelled")), { once: true }),
        );
        return await Promise.race([opened[name] as Promise<Socket>, gone]);
      },
    };
    one.ended = this.#run(one, spec, task);
    return shown;
  }

  async #run(one: Running, spec: TaskSpec, task: Task): Promise<void> {
    // The answer to the request goes out first.
    await pause(0, one.abort.signal).catch(() => {});
    try {
      if (spec.taskError !== undefined) throw new Error(spec.taskError);
      await spec.run(task);
      if (one.abort.signal.aborted) throw new Error("cancelled");
      one.wire = { ...one.wire, status: "Success", status_code: 200, may_cancel: false };
    } catch (error) {
      const cancelled = one.abort.signal.aborted;
      const message = error instanceof Error ? error.message : String(error);
      one.wire = {
        ...one.wire,
        ...(cancelled ? { status: "Cancelled", status_code: 401 } : { status: "Failure", status_code: 400, err: message }),
        may_cancel: false,
      };
    }
    const timer = setTimeout(() => {
      this.#forget.delete(timer);
      this.#running.delete(task.id);
    }, 5_000);
    timer.unref();
    this.#forget.add(timer);
  }

  /** By status: paths, or with `full` the operations themselves. */
  list(full: boolean): Readonly<Record<string, readonly unknown[]>> {
    const byStatus = Object.groupBy([...this.#running.values()], ({ wire }) => wire.status.toLowerCase());
    const shown = ({ wire }: Running): unknown => (full ? wire : `/1.0/operations/${wire.id}`);
    return Object.fromEntries(Object.entries(byStatus).map(([status, of]) => [status, (of ?? []).map(shown)]));
  }

  get(id: string) {
    return this.#find(id).wire;
  }

  /** Answers when it has ended, or after so many seconds; a negative number waits as long as it takes. */
  async wait(id: string, timeout: string | null, signal: AbortSignal) {
    const seconds = Number(timeout ?? -1);
    if (!Number.isInteger(seconds)) throw new Refusal(500, `strconv.Atoi: parsing "${timeout}": invalid syntax`);
    const one = this.#find(id);
    const over = seconds < 0 ? new Promise<void>(() => {}) : pause(seconds * 1000, signal).catch(() => {});
    await Promise.race([one.ended, over, new Promise<void>((gone) => signal.addEventListener("abort", () => gone(), { once: true }))]);
    return one.wire;
  }

  /** Whom to tell of a websocket that a client opens by its secret; undefined when that is wrong. */
  opening(id: string, secret: string): ((socket: Socket) => void) | undefined {
    const one = this.#running.get(id);
    const tell = one?.sockets.get(secret);
    one?.sockets.delete(secret);
    return tell;
  }

  cancel(id: string): void {
    const one = this.#find(id);
    if (one.wire.status_code !== 103) throw new Refusal(400, "Only running operations can be cancelled");
    if (!one.wire.may_cancel) throw new Refusal(400, "This operation can't be cancelled");
    one.abort.abort();
  }

  close(): void {
    for (const { abort } of this.#running.values()) abort.abort();
    for (const timer of this.#forget) clearTimeout(timer);
  }

  #find(id: string): Running {
    const one = this.#running.get(id);
    if (!one) throw new Refusal(404, "Operation not found");
    return one;
  }
}

function pending(id: string, spec: TaskSpec) {
  const now = new Date().toISOString();
  return {
    id,
    class: spec.class ?? (spec.sockets ? "websocket" : "task"),
    description: spec.description,
    created_at: now,
    updated_at: now,
    status: "Running",
    status_code: 103,
    resources: {
      ...(spec.containers ? { containers: spec.instances.map((path) => path.replace("/1.0/instances/", "/1.0/containers/")) } : {}),
      ...(spec.instances.length ? { instances: [...spec.instances] } : {}),
      ...(spec.images ? { images: [...spec.images] } : {}),
    },
    metadata: null as Record<string, unknown> | null,
    may_cancel: spec.mayCancel ?? false,
    err: "",
    location: "none",
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error("cancelled"));
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      reject(new Error("cancelled"));
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
