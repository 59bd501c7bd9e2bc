import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { Ssh2 } from "../../core/transport/ssh.js";

/** Whether Node has loaded ssh2, which is CommonJS. */
const loaded = (): boolean => Object.keys(createRequire(import.meta.url).cache).some((path) => /[\\/]node_modules[\\/]ssh2[\\/]/.test(path));

it("ssh2 is loaded when a connection is first used, and not before", async () => {
  const ssh = new Ssh2().open({ host: "127.0.0.1", port: 1, user: "ops" });
  expect(loaded()).toBe(false);
  await expect(ssh.exec(["true"], { signal: new AbortController().signal })).rejects.toThrow("nothing listens there");
  expect(loaded()).toBe(true);
});
