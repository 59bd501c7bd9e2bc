import { defineProvider } from "proxmcp/plugin";
import { PduClient, PduConnection } from "./client.ts";
import { outlets } from "./outlets.ts";

export default defineProvider({
  name: "pdu",
  title: "Switched PDU",
  about: "Power strips whose outlets can be switched and measured over the network.",
  connection: { noun: "pdu", schema: PduConnection },
  hosts: [],
  client: PduClient,
  test: async ({ client, signal }) => ({ version: (await client.ask<{ firmware: string }>("GET", "/api/info", signal)).firmware }),
  kinds: [outlets],
  sandbox: () => import("./sandbox.ts"),
});
