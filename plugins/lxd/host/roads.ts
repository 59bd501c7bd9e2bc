import { type CallArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { untrusted } from "../errors.js";
import type { Leg } from "../road.js";
import { envelopeIn, type ServerInfo } from "../wire.js";

export const TestedRoads = z.object({
  ok: z.boolean(),
  roads: z.array(
    z.object({
      road: z.string(),
      works: z.boolean(),
      taken: z.boolean(),
      answer: z.string().optional(),
      milliseconds: z.int(),
      code: z.string().optional(),
      why: z.string().optional(),
      next: z.string().optional(),
    }),
  ),
});

/** Milliseconds for each road. */
const PATIENCE = 10_000;

/** Tries every road of a connection, each by itself, and says which works and why the others don't. */
export async function testRoads({ client, signal, clock }: Pick<CallArgs<LxdClient>, "client" | "signal" | "clock">) {
  const { way } = client;
  const trials = await Promise.all(
    way.legs.map(async (leg) => {
      const began = clock.now();
      const about = { road: leg.name, taken: false };
      try {
        const answer = await tried(leg, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
        return { ...about, works: true, ...(answer ? { answer } : {}), milliseconds: clock.now() - began };
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, message, next } = (isProxMcpError(error) ? error : new ProxMcpError("INTERNAL", String(error))).report();
        return { ...about, works: false, milliseconds: clock.now() - began, code, why: message, next };
      }
    }),
  );
  // The first that leads to the server is the one that requests take.
  const taken = trials.findIndex((trial, at) => trial.works && way.legs[at]?.http !== undefined);
  return { ok: taken >= 0, roads: trials.map((trial, at) => ({ ...trial, taken: at === taken })) };
}

/** What answered at the end of a road. */
async function tried({ http, reach, name }: Leg, signal: AbortSignal): Promise<string | undefined> {
  await reach?.(signal);
  if (!http) return undefined;
  const response = await http.request({ method: "GET", path: "/1.0", signal });
  const envelope = envelopeIn(await response.text());
  const server = envelope?.metadata as ServerInfo | undefined;
  if (envelope?.type === "error") throw new ProxMcpError("UPSTREAM", `${name} answered: ${envelope.error}`);
  if (!server?.auth) throw new ProxMcpError("UPSTREAM", `What answers at ${name} is neither LXD nor Incus.`);
  if (server.auth !== "trusted") throw untrusted("use the server", `it calls us ${server.auth}`, "GET /1.0");
  const { environment } = server;
  return `${environment?.server === "incus" ? "Incus" : "LXD"} ${environment?.server_version ?? "of unknown version"} on ${environment?.server_name ?? "an unnamed host"}`;
}
