import { defineProvider } from "proxmcp/plugin";
import { AcmeClient, AcmeConnection } from "./client.ts";
import { machines } from "./machines.ts";

export default defineProvider({
  name: "acme",
  title: "Acme",
  about: "Virtual machines on Acme.",
  connection: {
    // What one connection is called: the tools' parameter, where there are several.
    noun: "host",
    schema: AcmeConnection,
    // A connection that needs no config, where the environment describes one.
    env: ({ ACME_URL: url, ACME_TOKEN: token }) => (url && token ? [{ name: "acme", options: { url, token }, from: "ACME_URL" }] : []),
  },
  hosts: [{ workload: "vm", fit: 0.5 }],
  client: AcmeClient,
  test: async ({ client, signal }) => {
    const { version } = await client.ask<{ version: string }>({ method: "GET", path: "/api/version", signal });
    return { version: `Acme ${version}` };
  },
  kinds: [machines],
  sandbox: () => import("./sandbox.ts"),
});
