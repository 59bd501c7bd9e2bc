/**
 * The shell of a node, over SSH. Only for what Proxmox has no API for, and where the connection has `ssh`.
 * @module
 */
import { ProxMcpError, type SshClient } from "proxmcp/plugin";
import type { ProxmoxClient } from "./client.js";

/** To be closed by who opens it. */
export async function openShell(client: ProxmoxClient, node: string, signal: AbortSignal): Promise<SshClient> {
  const { ssh } = client.options;
  if (!ssh) throw new ProxMcpError("UNSUPPORTED", `No SSH is configured for ${client.name}.`, { next: "Add `ssh` to the connection." });
  return client.ssh.open({
    host: ssh.hosts?.[node] ?? (await addressOf(client, node, signal)),
    user: ssh.user,
    port: ssh.port,
    key: ssh.key,
    passphrase: ssh.passphrase,
    password: ssh.password,
    knownHosts: ssh.known_hosts,
    fingerprint: ssh.fingerprint,
  });
}

/** Where a node is, as the cluster knows it. */
async function addressOf(client: ProxmoxClient, node: string, signal: AbortSignal): Promise<string> {
  const rows = await client.get<readonly { readonly type: string; readonly name: string; readonly ip?: string }[]>("/cluster/status", signal);
  return rows.find((row) => row.type === "node" && row.name === node)?.ip ?? node;
}
