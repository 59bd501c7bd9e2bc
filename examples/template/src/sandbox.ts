import type { Sandbox } from "proxmcp/plugin";
import { type SandboxCall, type SandboxReply, selfSignedCertificate, serveSandbox } from "proxmcp/testing";

const TOKEN = "sandbox-token";
const GiB = 1024 ** 3;

/** The platform in miniature, over https. Build it to answer as the real one does, errors included: one that is too kind hides faults. */
export async function start(): Promise<Sandbox> {
  const machines = new Map(
    [
      { name: "web1", status: "running", cpu: 2, memory: 2 * GiB, created: "2026-01-10T08:00:00Z", tags: ["web"] },
      { name: "db1", status: "running", cpu: 4, memory: 8 * GiB, created: "2026-02-01T09:30:00Z", tags: ["database"] },
      { name: "old", status: "stopped", cpu: 1, memory: GiB, created: "2024-06-30T12:00:00Z", tags: [] as string[] },
    ].map((machine) => [machine.name, machine]),
  );

  function answer({ method, path, headers, json }: SandboxCall): SandboxReply {
    if (headers["authorization"] !== `Bearer ${TOKEN}`) return refused(401, "who are you?");
    const route = `${method} ${path}`;
    if (route === "GET /api/version") return ok({ version: "1.0.0" });
    if (route === "GET /api/machines") return ok([...machines.values()]);
    if (route === "POST /api/machines") {
      const { name, cpu, memory } = json<{ name: string; cpu: number; memory: number }>();
      if (machines.has(name)) return refused(409, `there is a machine ${name} already`);
      machines.set(name, { name, cpu, memory, status: "stopped", created: new Date().toISOString(), tags: [] });
      return ok(machines.get(name));
    }
    const [, name = "", verb] = /^\/api\/machines\/([^/]+)(?:\/(start|stop))?$/.exec(path) ?? [];
    const machine = machines.get(decodeURIComponent(name));
    if (!machine) return refused(404, `there is no ${path}`);
    if (method === "DELETE") machines.delete(machine.name);
    if (method === "POST") machine.status = verb === "start" ? "running" : "stopped";
    return ok(machine);
  }

  const { key, cert, fingerprint } = await selfSignedCertificate("acme");
  const server = await serveSandbox(answer, { tls: { key, cert }, errorBody: (_status, reason) => ({ error: reason }) });
  return { ...server, connection: { url: server.url, token: TOKEN, fingerprint } };
}

const ok = (body: unknown): SandboxReply => ({ status: 200, body });
const refused = (status: number, error: string): SandboxReply => ({ status, body: { error } });
