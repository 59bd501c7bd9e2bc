import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { until } from "../fixtures/tape-app.js";
import type { Engines } from "./engines.js";

/** A port that nothing listens on. */
const freePort = (): number => 20_000 + ((process.pid * 7 + Math.floor(Math.random() * 1000)) % 20_000);

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });

/** An sshd of this suite's own, with the keys of the other one, that runs commands and forwards nothing. */
export function withClosedSshd(ssh: Engines["sshd"]): { readonly port: number; readonly knownHosts: string } {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-sshd-"));
  const port = freePort();
  const knownHosts = join(folder, "known_hosts");
  writeFileSync(knownHosts, readFileSync(ssh.knownHosts, "utf8").replace(`:${ssh.port}`, `:${port}`));
  let stop = (): void => {};
  beforeAll(async () => {
    const config = join(folder, "sshd_config");
    const hostKey = ssh.hostKey.replace(/\.pub$/, "");
    writeFileSync(
      config,
      `ListenAddress 127.0.0.1:${port}\nHostKey ${hostKey}\nPidFile none\nAuthorizedKeysFile ${ssh.key}.pub\nStrictModes no\nUsePAM no\nAllowTcpForwarding no\nAllowStreamLocalForwarding no\n`,
    );
    const server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config], { stdio: "ignore" });
    stop = () => void server.kill();
    await until(() => listens(port));
  });
  afterAll(() => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { port, knownHosts };
}
