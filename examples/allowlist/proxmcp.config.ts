import { defineConfig } from "proxmcp";

/** Look at everything, change only what is on staging, and delete nothing anywhere. */
export default defineConfig({
  connections: {
    prod: {
      provider: "docker",
      url: "tcp://prod.example.com:2376",
      ca: { file: "certs/ca.pem" },
      cert: { file: "certs/client.crt" },
      key: { file: "certs/client.key" },
      tools: { readOnly: true },
    },
    staging: {
      provider: "docker",
      url: "tcp://staging.example.com:2376",
      ca: { file: "certs/ca.pem" },
      cert: { file: "certs/client.crt" },
      key: { file: "certs/client.key" },
      tools: { deny: ["docker_container_exec"], confirm: "write" },
    },
    pve: {
      provider: "proxmox",
      url: "https://pve1.example.com:8006",
      token: { env: "PVE_TOKEN" },
      ca: { file: "certs/pve-root-ca.pem" },
      tools: { readOnly: true },
    },
  },
  tools: { deny: ["*_delete"] },
});
