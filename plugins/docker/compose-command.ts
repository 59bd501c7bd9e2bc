import { spawn } from "node:child_process";
import { ProxMcpError } from "proxmcp/plugin";
import type { DockerClient } from "./client.js";
import { sshAddress } from "./road.js";

const SAID_BYTES = 64_000;

interface Outcome {
  readonly exitCode: number;
  readonly said: string;
}

/**
 * Runs `docker compose` on the machine where the project's files are: this one for a unix socket, the far one over SSH. Answers what it
 * said. Compose works on files, of which the engine knows nothing, so a bare address is not enough.
 */
export async function compose(client: DockerClient, what: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  await plugin(client, what, signal);
  const { exitCode, said } = await docker(client, what, ["compose", ...args], signal);
  if (exitCode === 0) return said;
  throw new ProxMcpError("TASK_FAILED", `Unable to ${what}: ${lastLines(said) || `docker compose ended with ${exitCode}`}`, {
    tried: [`docker compose ${args.find((arg) => arg === "up" || arg === "down") ?? ""}`],
    data: { exit_code: exitCode },
  });
}

const lastLines = (said: string): string => said.trim().split("\n").slice(-5).join("\n").slice(-1000);

/** Compose is a plugin of the docker command, and not everybody has it. */
async function plugin(client: DockerClient, what: string, signal: AbortSignal): Promise<void> {
  const { exitCode, said } = await docker(client, what, ["compose", "version"], signal);
  if (exitCode === 0) return;
  throw new ProxMcpError("UNSUPPORTED", `Unable to ${what}: the docker compose plugin is not installed on ${placeOf(client)}: ${lastLines(said)}`, {
    tried: ["docker compose version"],
    next: "Install the package docker-compose-plugin there. Listing, logs and restarts of projects work without it.",
  });
}

const placeOf = (client: DockerClient): string => (client.ssh ? sshAddress(client.address).host : "this machine");

async function docker(client: DockerClient, what: string, args: readonly string[], signal: AbortSignal): Promise<Outcome> {
  const { socket } = client.options;
  if (client.ssh) {
    const { path } = sshAddress(client.address);
    const { exitCode, stdout, stderr } = await client.ssh.exec(["docker", ...(path ? ["-H", `unix://${path}`] : []), ...args], { signal });
    return { exitCode, said: `${stdout}${stderr}` };
  }
  if (socket) return await onThisMachine(what, ["-H", `unix://${socket}`, ...args], signal);
  throw new ProxMcpError(
    "UNSUPPORTED",
    `Unable to ${what}: the files of a project are on the engine's machine, and ${client.address} leads to its API alone.`,
    {
      next: "Give the connection a unix socket (`socket`), or reach the machine over SSH (`url: ssh://user@host`).",
    },
  );
}

/** The settings of this user's docker command hold, but not where it would connect to by itself. */
function environment(): NodeJS.ProcessEnv {
  const { DOCKER_HOST: _host, DOCKER_CONTEXT: _context, DOCKER_TLS_VERIFY: _verify, DOCKER_CERT_PATH: _certificates, ...rest } = process.env;
  return rest;
}

function onThisMachine(what: string, args: readonly string[], signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let said = "";
    const take = (chunk: Buffer): void => void (said = (said + chunk.toString("utf8")).slice(-SAID_BYTES));
    const program = spawn("docker", args, { stdio: ["ignore", "pipe", "pipe"], env: environment() });
    const stop = (): void => void program.kill();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    program.stdout.on("data", take);
    program.stderr.on("data", take);
    program.once("error", (error: NodeJS.ErrnoException) => {
      signal.removeEventListener("abort", stop);
      const why = error.code === "ENOENT" ? "there is no docker command on this machine" : error.message;
      reject(
        new ProxMcpError("UNSUPPORTED", `Unable to ${what}: ${why}.`, {
          tried: ["docker compose"],
          next: "Install the docker command and its compose plugin (docker-ce-cli, docker-compose-plugin) where ProxMCP runs.",
        }),
      );
    });
    program.once("close", (code) => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve({ exitCode: code ?? 1, said });
    });
  });
}
