import { execFileSync } from "node:child_process";
import { afterAll, beforeAll } from "vitest";

/** Makes the engine on this socket a manager with one service for the tests around it, and takes that back afterwards. */
export function withSwarm(socket: string, service: string, image: string): void {
  const docker = (...args: string[]): string =>
    execFileSync("docker", ["-H", `unix://${socket}`, ...args], { stdio: ["ignore", "pipe", "pipe"] }).toString();
  beforeAll(() => {
    docker("swarm", "init", "--advertise-addr", "127.0.0.1");
    // On the network of its host: an overlay network needs what a restricted machine has not. It waits until the task runs.
    docker("service", "create", "--name", service, "--replicas", "1", "--network", "host", image);
  }, 60_000);
  afterAll(async () => {
    docker("service", "rm", service);
    for (let left = 200; left > 0 && docker("ps", "-q", "--filter", `name=${service}`) !== ""; left -= 1)
      await new Promise((done) => setTimeout(done, 50));
    docker("swarm", "leave", "--force");
    for (const id of docker("ps", "-aq", "--filter", `name=${service}`).split("\n").filter(Boolean)) docker("rm", "-f", id);
    docker("network", "rm", "docker_gwbridge");
  }, 60_000);
}
