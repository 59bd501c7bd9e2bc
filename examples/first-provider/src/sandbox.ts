import type { Sandbox } from "proxmcp/plugin";
import { selfSignedCertificate, serveSandbox } from "proxmcp/testing";

/** A strip with three outlets, over https. */
export async function start(): Promise<Sandbox> {
  const token = "sandbox-token";
  const outlets = [
    { name: "nas", status: "on", power: 38.5 },
    { name: "pve1", status: "on", power: 121 },
    { name: "printer", status: "off", power: 0 },
  ];
  const { key, cert, fingerprint } = await selfSignedCertificate("pdu");
  const server = await serveSandbox(
    ({ method, path, headers, json }) => {
      if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { error: "bad token" } };
      if (path === "/api/info") return { status: 200, body: { firmware: "PDU 2.1.0" } };
      if (path === "/api/outlets") return { status: 200, body: outlets };
      const outlet = outlets.find(({ name }) => path === `/api/outlets/${encodeURIComponent(name)}`);
      if (method !== "PUT" || !outlet) return { status: 404, body: { error: "no such outlet" } };
      return { status: 200, body: Object.assign(outlet, json(), { power: json().status === "on" ? 9 : 0 }) };
    },
    { tls: { key, cert }, errorBody: (_status, reason) => ({ error: reason }) },
  );
  return { ...server, connection: { url: server.url, token, fingerprint } };
}
