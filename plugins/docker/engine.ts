import type { Capacity, ConnectionReport } from "proxmcp/plugin";
import type { DockerClient } from "./client.js";

interface Version {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly Os?: string;
  readonly Arch?: string;
  readonly Components?: readonly { readonly Name?: string }[] | null;
}

/** GET /version: who answers, and in which API. */
export async function testEngine({ client, signal }: { client: DockerClient; signal: AbortSignal }): Promise<ConnectionReport> {
  const found = await client.json<Version>({ what: "ask the engine's version", path: "/version", signal });
  // Podman speaks the same API and calls its first component "Podman Engine".
  const product = found.Components?.some(({ Name }) => Name === "Podman Engine") ? "Podman" : "Docker Engine";
  return {
    version: `${product} ${found.Version}`,
    facts: {
      api: await client.apiVersion(signal),
      engine_api: found.ApiVersion,
      address: client.address,
      ...(found.Os ? { os: found.Os } : {}),
      ...(found.Arch ? { arch: found.Arch } : {}),
    },
    warnings: client.warnings,
  };
}

/** GET /info. The engine knows what its machine has, not how much of it is in use. */
export async function engineCapacity({ client, signal }: { client: DockerClient; signal: AbortSignal }): Promise<Capacity> {
  const info = await client.json<{ Name: string; Architecture?: string; NCPU?: number; MemTotal?: number }>({
    what: "ask what the engine has",
    path: "/info",
    signal,
  });
  return {
    places: [{ name: info.Name, healthy: true, arch: info.Architecture, cpu: info.NCPU || undefined, memory: info.MemTotal || undefined }],
  };
}
