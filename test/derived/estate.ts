import { createProxMcp, type ProxMcp } from "proxmcp";

/** One connection of each shipped provider. Nothing is connected to: tools are derived from declarations alone. */
const connections = {
  cluster: { provider: "proxmox", url: "https://pve.example:8006", token: "root@pam!x=00000000-0000-0000-0000-000000000000" },
  pi: { provider: "lxd", socket: "/var/lib/lxd/unix.socket" },
  engine: { provider: "docker", socket: "/var/run/docker.sock" },
} as const;

export const shippedApp = async (tools: Record<string, unknown> = {}): Promise<ProxMcp> =>
  await createProxMcp({ connections, tools, log: { level: "silent" } });
