/**
 * Start-up: from spawn to the answer to `tools/list`, for `proxmcp serve` with three providers configured, beside bare Node in the same run.
 * Times depend on the machine; the ratio is what counts. Run with `npm run bench`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROUNDS = 15;
const cli = new URL("../../dist/cli.js", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "proxmcp-bench-"));
const config = join(folder, "proxmcp.config.json");
// The connections of the demo. Nothing is connected to before the first call, so nobody needs to answer there.
const cluster = { provider: "proxmox", url: "https://127.0.0.1:1", token: "root@pam!bench=00000000-0000-0000-0000-000000000000" };
writeFileSync(
  config,
  JSON.stringify({
    connections: {
      production: cluster,
      lab: cluster,
      pi: { provider: "lxd", socket: "/nowhere" },
      docker: { provider: "docker", socket: "/nowhere" },
    },
    log: { level: "silent" },
  }),
);

function bareNode(): Promise<number> {
  return new Promise((resolve) => {
    const began = performance.now();
    spawn(process.execPath, ["-e", ""], { stdio: "ignore" }).on("exit", () => resolve(performance.now() - began));
  });
}

function listTools(): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, [cli, "serve", "--config", config], { stdio: ["pipe", "pipe", "inherit"] });
    const send = (message: object): void => void child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const message = JSON.parse(text.slice(0, end)) as { id?: number; result?: { tools?: unknown[] } };
        text = text.slice(end + 1);
        if (message.id === 1) {
          send({ method: "notifications/initialized" });
          send({ id: 2, method: "tools/list" });
        } else if (message.id === 2) {
          const took = performance.now() - began;
          if (!message.result?.tools?.length) return reject(new Error("no tools"));
          child.on("exit", () => resolve(took));
          child.stdin.end();
        }
      }
    });
    child.on("error", reject);
    send({ id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } } });
  });
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

try {
  await listTools(); // fills the compile cache
  const bare: number[] = [];
  const serve: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await bareNode());
    serve.push(await listTools());
  }
  console.log(
    `start-up, median of ${ROUNDS}: bare node ${median(bare).toFixed(0)} ms, proxmcp to tools/list ${median(serve).toFixed(0)} ms, ratio ${(median(serve) / median(bare)).toFixed(1)}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
