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
  readonly safety: Safety;
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
    this.#logger[entry.safety === "read" ? "debug" : "info"]("audit", entry);
  }
}

/** Appends JSON lines to a file that only its owner can read. A call whose line can't be written fails. */
export class FileAudit implements Audit {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async write(entry: AuditEntry): Promise<void> {
    this.#file ??= import("node:fs/promises").then(({ open }) => open(this.#path, "a", 0o600));
    await (await this.#file).appendFile(`${JSON.stringify(entry)}\n`);
  }

  async close(): Promise<void> {
    await (await this.#file)?.close();
  }
}
