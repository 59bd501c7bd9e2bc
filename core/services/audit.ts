import type { FileHandle } from "node:fs/promises";
import type { Logger } from "../declare/tokens.js";
import type { Safety } from "../declare/action.js";
import type { ErrorCode } from "../errors.js";

/** One call, as the audit keeps it. Secrets are masked before it gets here. */
export interface AuditEntry {
  /** ISO 8601, when the call ended. */
  readonly time: string;
  readonly call: string;
  readonly caller: string;
  readonly tool: string;
  /** Absent where there is no such tool. */
  readonly safety?: Safety;
  readonly connections: readonly string[];
  readonly arguments: unknown;
  readonly outcome: "ok" | "partial" | ErrorCode;
  readonly milliseconds: number;
}

/** Where audit lines go. */
export interface Audit {
  write(entry: AuditEntry): void | Promise<void>;
}

/** The default: audit lines among the log lines on stderr; reads at level debug, the rest at info. */
export class LogAudit implements Audit {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  write({ time: _, ...entry }: AuditEntry): void {
    this.#logger[entry.safety === "read" && entry.outcome === "ok" ? "debug" : "info"]("audit", entry);
  }
}

/** Appends JSON lines to a file that only its owner can read. A call whose line can't be written fails. */
export class FileAudit implements Audit {
  readonly #path: string;
  #file: FileHandle | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async write(entry: AuditEntry): Promise<void> {
    // One after the other: a long line is written in parts, and another must not come between them.
    const written = this.#last.then(() => this.#append(`${JSON.stringify(entry)}\n`));
    this.#last = written.catch(() => {}); // told to the call that it belongs to, and no reason to lose the next
    await written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #append(line: string): Promise<void> {
    const { open } = await import("node:fs/promises");
    this.#file ??= await open(this.#path, "a", 0o600);
    await this.#file.appendFile(line);
  }
}
