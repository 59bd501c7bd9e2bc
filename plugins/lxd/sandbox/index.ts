import type { Duplex } from "node:stream";
import type { Sandbox, SandboxModule, SandboxOptions, SandboxRequest } from "proxmcp/plugin";
import { selfSignedCertificate, serveSandbox } from "proxmcp/testing";
import { errorBody } from "./answers.js";
import { trustToken } from "./certificates.js";
import { type Estate, makeWorld } from "./estate.js";
import { answer } from "./router.js";
import { acceptSocket, refuseSocket } from "./sockets.js";
import type { World } from "./world.js";

export type { Estate } from "./estate.js";

export interface LxdSandbox extends Sandbox {
  /** A trust token, as `lxc config trust add` prints one. */
  trustToken(name?: string): string;
}

/**
 * An LXD or Incus server in miniature. Without `socket` it serves https, as the real one does over the network, and asks for a client
 * certificate; `connection` holds one that it trusts, with its own fingerprint or its authority. Whoever opens the socket is trusted.
 */
export async function start(options: SandboxOptions = {}): Promise<LxdSandbox> {
  const estate = (options.estate ?? {}) as Estate;
  const world = makeWorld(estate, options.taskTime ?? 40);
  const shared = {
    upgrade: (request: SandboxRequest, stream: Duplex) => openStream(world, request, stream),
    ...(options.latency ? { latency: options.latency } : {}),
    errorBody,
  };
  const sandbox = (server: Awaited<ReturnType<typeof serveSandbox>>, connection: Sandbox["connection"]): LxdSandbox => ({
    connection,
    requests: server.requests,
    fail: (fault) => server.fail(fault),
    heal: () => server.heal(),
    pending: () => server.pending(),
    trustToken: (name = "proxmcp") => trustToken(world, { name, restricted: false, projects: [] }).token,
    close: async () => {
      world.close();
      await server.close();
    },
  });

  if (options.socket) {
    const { socket } = options;
    return sandbox(await serveSandbox((call) => answer(world, call, true), { ...shared, socket }), { socket });
  }
  const authority = estate.authority ? await selfSignedCertificate("lxd-authority") : undefined;
  const [server, client] = await Promise.all([selfSignedCertificate("lxd-server", authority), selfSignedCertificate("proxmcp-client", authority)]);
  const { trust } = world;
  trust.password = estate.trustPassword;
  trust.authority = estate.trusted === false ? undefined : authority?.cert;
  if (estate.trusted !== false && !authority) trust.add(client.cert, { name: "proxmcp" });
  const listening = await serveSandbox((call) => answer(world, call, trust.trusts(call.clientCert)), {
    ...shared,
    tls: { key: server.key, cert: server.cert, askClientCert: true },
  });
  world.listens = { address: new URL(listening.url).host, certificate: server.cert };
  const proof = authority ? { ca: authority.cert } : { fingerprint: server.fingerprint };
  return sandbox(listening, { url: listening.url, cert: client.cert, key: client.key, ...proof });
}

/** A websocket of an operation: whoever knows its secret may open it, once. */
function openStream(world: World, { path, query, headers }: SandboxRequest, stream: Duplex): void {
  const [, id = ""] = /^\/1\.0\/operations\/([^/]+)\/websocket$/.exec(path) ?? [];
  const opening = world.operations.opening(decodeURIComponent(id), query.get("secret") ?? "");
  if (!opening) return refuseSocket(stream, id ? 403 : 404, errorBody(id ? 403 : 404, id ? "not authorized" : "not found"));
  opening(acceptSocket(stream, String(headers["sec-websocket-key"])));
}

/** What `proxmcp demo` shows of it: a container's life, from its image to its end. */
export const demo: NonNullable<SandboxModule["demo"]> = {
  connections: { "pi-cluster-01": { taskTime: 300 } },
  tour: [
    { say: "Which LXD containers are running?", tool: "inventory_query", args: { query: "running lxd containers" } },
    {
      say: "Make me a small Alpine container.",
      tool: "lxd_instance_create",
      args: { name: "demo", image: "alpine/3.20", cpu: 1, memory: 268_435_456 },
    },
    { say: "What kernel does it see?", tool: "lxd_instance_exec", args: { name: "demo", command: ["uname", "-a"] } },
    { say: "Keep its state before I try something.", tool: "lxd_snapshot_create", args: { instance: "demo", name: "before" } },
    { say: "Which instances have a snapshot?", tool: "inventory_query", args: { query: "names of instances with a snapshot" } },
    { say: "Stop it.", tool: "lxd_instance_stop", args: { name: "demo" } },
    { say: "Remove it for good.", tool: "lxd_instance_delete", args: { name: "demo" } },
  ],
};
