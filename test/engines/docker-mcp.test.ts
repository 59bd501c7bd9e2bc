import { describe } from "vitest";
import { dockerScenario, swarmScenario } from "../conformance/docker.js";
import { withSwarm } from "./docker-swarm.js";
import { file, withEngine } from "./engines.js";
import { throughMcp } from "./through-mcp.js";

withEngine("docker", ({ socket, image }) => {
  withEngine("registry", ({ url }) => {
    throughMcp("docker", "a real Docker and a registry", { socket }, dockerScenario({ image, registry: url.replace(/^https?:\/\//, "") }));
  });
  withEngine("sshd", ({ port, user, key, knownHosts }) => {
    throughMcp(
      "docker",
      "a real Docker behind SSH",
      { url: `ssh://${user}@127.0.0.1:${port}`, key: file(key), knownHosts },
      dockerScenario({ image }),
    );
  });
});

withEngine("dockerTls", ({ url, ca, cert, key, image, socket }) => {
  const connection = { url, ca: file(ca), cert: file(cert), key: file(key) };
  throughMcp("docker", "a real Docker with mutual TLS", connection, dockerScenario({ image }));
  describe("a swarm", () => {
    const service = `pmdk-mcp-${process.pid}`;
    withSwarm(socket, service, image);
    throughMcp("docker", "its manager", connection, swarmScenario({ service }));
  });
});
