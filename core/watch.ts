import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ProxMcp } from "./app.js";
import { toProxMcpError } from "./errors.js";
import type { LiveApp } from "./live.js";

/** Milliseconds of quiet before a file counts as written: an editor writes in several steps. */
const QUIET = 100;

export interface WatchOptions {
  readonly file: string;
  /** Files beside it that count as parts of it, there or not. */
  readonly also?: readonly string[];
  /** Makes an app of what the file says now, to take the place of the one before it. */
  readonly open: (former: ProxMcp) => Promise<ProxMcp>;
}

export interface Watching {
  close(): Promise<void>;
}

/**
 * Puts a new app in the place of the one that is served whenever its config file has changed. A file with faults is told in the log, and the
 * app stays as it is. The folder is watched, not the file: editors and config maps put another file in its place.
 */
export async function watchConfig(live: LiveApp, { file, also = [], open }: WatchOptions): Promise<Watching> {
  const read = async (): Promise<string | undefined> => {
    const text = await textOf(file);
    return text === undefined ? undefined : [text, ...(await Promise.all(also.map(textOf)))].join("\0");
  };
  let known = await read();
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();
  const replaced: Promise<void>[] = [];
  const look = async (): Promise<void> => {
    const text = await read();
    if (text === undefined || text === known) return;
    known = text;
    const { former } = await takeUp(live, { file, open });
    // Calls under way may take long; the next change must not wait for them.
    if (former) replaced.push(former);
  };
  const watcher = watch(dirname(file), () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = last.then(look);
    }, QUIET);
  });
  watcher.on("error", (error) => live.current.logger.error("the config is no longer watched", { file, error: error.message }));
  return {
    close: async () => {
      watcher.close();
      clearTimeout(timer);
      await last;
      await Promise.all(replaced);
    },
  };
}

/** Puts an app of what the config says now in the place of the one that is served. `former` resolves when that one has ended; absent where it stays. */
export async function takeUp(live: LiveApp, { file, open }: WatchOptions): Promise<{ readonly former?: Promise<void> }> {
  const { logger } = live.current;
  try {
    const next = await open(live.current);
    logger.info("the changed config is in use", { file, connections: next.connections.length, tools: next.tools().length });
    return { former: live.replace(next) };
  } catch (error) {
    const { code, message } = toProxMcpError(error);
    logger.error("the changed config has faults; the former one stays in use", { file, code, message });
    return {};
  }
}

/** Undefined where there is no such file, as in the moment when it is replaced. */
const textOf = async (file: string): Promise<string | undefined> => await readFile(file, "utf8").catch(() => undefined);
