import { tmpdir } from "node:os";
import { join } from "node:path";
import docker from "proxmcp/plugins/docker";
import lxd from "proxmcp/plugins/lxd";
import proxmox from "proxmcp/plugins/proxmox";
import type { Provider, SandboxOptions } from "proxmcp/plugin";
import { conformance, type Subject } from "../conformance.js";
import { dockerScenario, swarmScenario } from "../conformance/docker.js";
import { lxdScenario } from "../conformance/lxd.js";
import { proxmoxScenario } from "../conformance/proxmox.js";

const sandbox = (provider: Provider, name: string, options: SandboxOptions = {}): Subject => ({
  name,
  provider: provider.name,
  start: async () => {
    const module = await provider.sandbox?.();
    if (!module) throw new Error(`${provider.name} has no sandbox`);
    return await module.start(options);
  },
});

const engine = dockerScenario({ image: "nginx:1.27", registry: "registry.example" });
conformance(sandbox(docker, "docker sandbox"), engine);
conformance(sandbox(docker, "docker sandbox over TLS", { tls: true }), engine);
conformance(sandbox(docker, "docker sandbox, a swarm's manager", { estate: "swarm" }), swarmScenario({ service: "edge_cache" }));
conformance(sandbox(lxd, "lxd sandbox"), lxdScenario({ image: "alpine/3.20" }));
conformance(sandbox(lxd, "incus sandbox", { estate: { flavor: "incus" } }), lxdScenario({ image: "alpine/3.20" }));
conformance(
  sandbox(lxd, "incus sandbox over its socket", { estate: { flavor: "incus" }, socket: join(tmpdir(), `conformance-incus-${process.pid}.socket`) }),
  lxdScenario({ image: "alpine/3.20" }),
);
conformance(sandbox(proxmox, "proxmox sandbox", { estate: "production" }), proxmoxScenario);
