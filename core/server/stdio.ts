import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { ProxMcp } from "../app.js";
import { type AppSource, sourceOf } from "../live.js";
import { createMcpServer } from "./mcp.js";

export interface Serving {
  close(): Promise<void>;
  /** Resolves when the client has gone. */
  readonly ended: Promise<void>;
}

/** Serves an app over this process's stdin and stdout. Nothing else may write to stdout from now on. */
export function serveOverStdio(app: ProxMcp | AppSource): Serving {
  const source = sourceOf(app);
  // Whatever a library or a plugin prints must not corrupt the protocol.
  console.log = console.info = console.debug = (...words: unknown[]) => console.error(...words);
  const handle = serveStdio(() => createMcpServer(app), {
    onerror: (error) => source.current.logger.warn("protocol error", { error: error.message }),
  });
  const ended = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve);
    process.stdin.once("close", resolve);
  });
  const close = async (): Promise<void> => {
    await handle.close();
    process.stdin.destroy(); // an open stdin keeps the process alive
  };
  return { ended, close };
}
