#!/usr/bin/env node
// As a whole: an older Node would not even say that it is too old for names that it does not have.
import * as modules from "node:module";

const FLOOR = [22, 19] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < FLOOR[0] || (major === FLOOR[0] && minor < FLOOR[1])) {
  process.stderr.write(`proxmcp needs Node ${FLOOR.join(".")} or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
modules.enableCompileCache();
const { run } = await import("./run.js");
// The cache is written at a normal exit, but a server is ended by a signal.
setTimeout(modules.flushCompileCache, 2000).unref();
// Whoever read the output has gone, as `| head` does.
process.stdout.on("error", (error: { code?: string }) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.exitCode = await run(process.argv);
