import { defineConfig } from "proxmcp";

/**
 * Without connections here, those that the environment describes are used; without those, the local LXD, Incus and Docker
 * sockets that answer. Take a connection out of its comment to name machines yourself: then only those are used.
 * Every setting: docs/config.md.
 */
export default defineConfig({
  connections: {
    // pve: { provider: "proxmox", url: "https://pve1.example.com:8006", token: { env: "PVE_TOKEN" }, fingerprint: "<SHA-256 of its certificate>" },
    // pi: { provider: "lxd", socket: "/var/lib/incus/unix.socket" },
    // engine: { provider: "docker", socket: "/var/run/docker.sock" },
  },
  tools: { surface: "default", confirm: "destructive" },
});
