import { defineConfig } from "proxmcp";

/** Look at everything, run containers on staging, and do nothing else. Operators may start and stop them, but not make or delete any. */
export default defineConfig({
  connections: {
    prod: {
      provider: "docker",
      url: "tcp://prod.example.com:2376",
      ca: { file: "certs/ca.pem" },
      cert: { file: "certs/client.crt" },
      key: { file: "certs/client.key" },
      // Its logs hold what customers wrote.
      tools: { readOnly: true, deny: ["docker_container_logs"] },
    },
    staging: {
      provider: "docker",
      url: "tcp://staging.example.com:2376",
      ca: { file: "certs/ca.pem" },
      cert: { file: "certs/client.crt" },
      key: { file: "certs/client.key" },
      tools: {
        // Nothing but these, whatever a later version brings.
        allow: ["docker_*_{list,get}", "docker_container_{logs,create,start,stop,restart,delete}"],
        confirm: "write",
      },
    },
    pve: {
      provider: "proxmox",
      url: "https://pve1.example.com:8006",
      token: { env: "PVE_TOKEN" },
      ca: { file: "certs/pve-root-ca.pem" },
      tools: { readOnly: true },
    },
  },
  // Above all others: no connection can allow these again.
  tools: { deny: ["*_exec"] },
  // `proxmcp serve --role operator`, or the roles of a caller where ProxMCP is embedded.
  roles: {
    operator: { deny: ["*_create", "*_delete"], connections: ["staging", "pve"] },
    viewer: { readOnly: true },
  },
});
