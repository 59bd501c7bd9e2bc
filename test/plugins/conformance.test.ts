import { tmpdir } from "node:os";
import { join } from "node:path";
import docker from "proxmcp/plugins/docker";
import lxd from "proxmcp/plugins/lxd";
import proxmox from "proxmcp/plugins/proxmox";
import type { Provider, SandboxOptions } from "proxmcp/plugin";
import { conformance, type Subject } from "../conformance.js";
import { dockerScenario, swarmScenario } from "../conformance/docker.js";
import { lxdScenario } from "../conformance/lxd.js";
import { hostsScenario } from "../conformance/lxd-hosts.js";
import { start as startLxd } from "../../plugins/lxd/sandbox/index.js";
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
const lxdSubject = { image: "alpine/3.20", remote: async () => ({ image: "debian/13", image_server: "https://images.example.org" }) };
conformance(sandbox(lxd, "lxd sandbox"), lxdScenario(lxdSubject));
conformance(sandbox(lxd, "incus sandbox", { estate: { flavor: "incus" } }), lxdScenario(lxdSubject));
conformance(
  sandbox(lxd, "incus sandbox over its socket", { estate: { flavor: "incus" }, socket: join(tmpdir(), `conformance-incus-${process.pid}.socket`) }),
  lxdScenario(lxdSubject),
);
conformance(sandbox(proxmox, "proxmox sandbox", { estate: "production" }), proxmoxScenario);
hostsScenario(
  "two sandboxes over https",
  async () => {
    const [one, two] = await Promise.all([startLxd(), startLxd({ estate: { flavor: "incus" } })]);
    return { connections: { one: one.connection, two: two.connection }, close: async () => void (await Promise.all([one.close(), two.close()])) };
  },
  { image: "alpine/3.20", roads: ["pull", "push", "relay", "auto"] },
);
