import type { Logger } from "../declare/tokens.js";
import type { Secrets } from "../config/secrets.js";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/**
 * JSON lines on stderr, by pino; stdout belongs to the protocol. pino is loaded with the first line that is written.
 * Known secrets are masked in everything.
 */
export class PinoLogger implements Logger {
  readonly #level: LogLevel;
  readonly #secrets: Secrets;
  #pino: Promise<Logger> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(level: LogLevel, secrets: Secrets) {
    this.#level = level;
    this.#secrets = secrets;
  }

  debug(message: string, facts?: Record<string, unknown>): void {
    this.#write("debug", message, facts);
  }
  info(message: string, facts?: Record<string, unknown>): void {
    this.#write("info", message, facts);
  }
  warn(message: string, facts?: Record<string, unknown>): void {
    this.#write("warn", message, facts);
  }
  error(message: string, facts?: Record<string, unknown>): void {
    this.#write("error", message, facts);
  }

  /** Resolves when all lines are out. */
  async close(): Promise<void> {
    await this.#last;
  }

  #write(level: Exclude<LogLevel, "silent">, message: string, facts: Record<string, unknown> = {}): void {
    if (ORDER.indexOf(level) < ORDER.indexOf(this.#level)) return;
    this.#pino ??= openPino(this.#level);
    const line = this.#secrets.mask(facts, true);
    const text = this.#secrets.maskText(message);
    this.#last = this.#pino.then((pino) => (pino[level] as unknown as (facts: object, message: string) => void).call(pino, line, text));
  }
}

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

async function openPino(level: LogLevel): Promise<Logger> {
  const { pino } = await import("pino");
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (name) => ({ level: name }) } },
    pino.destination({ dest: 2, sync: true }),
  ) as unknown as Logger;
}
