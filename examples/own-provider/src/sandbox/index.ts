import { randomBytes } from "node:crypto";
import type { Sandbox, SandboxModule, SandboxOptions } from "proxmcp/plugin";
import { selfSignedCertificate, serveSandbox } from "proxmcp/testing";
import type { Estate } from "./estate.ts";
import { type Grant, tokenFor } from "./jwt.ts";
import { planted } from "./refusal.ts";
import { answer } from "./routes.ts";
import { stateOf } from "./state.ts";

const TASK_TIME = 30;

export interface ContainariumSandbox extends Sandbox {
  /** Another token for it: of another user, with less rights, or one that has expired. */
  token(grant: Grant): string;
}

/** Starts a Containarium server in miniature. `estate` is an `Estate`; default: two backends with the containers of five people. */
export async function start(options: SandboxOptions = {}): Promise<ContainariumSandbox> {
  const state = stateOf(options.estate as Estate | undefined);
  const secret = randomBytes(32).toString("base64url");
  const certificate = options.tls ? await selfSignedCertificate("containarium") : undefined;
  const served = await serveSandbox((call) => answer(call, state, secret, options.taskTime ?? TASK_TIME), {
    errorBody: planted,
    ...(options.latency ? { latency: options.latency } : {}),
    ...(certificate ? { tls: { key: certificate.key, cert: certificate.cert } } : {}),
  });
  const token = (grant: Grant): string => tokenFor(secret, grant);
  const connection = { url: served.url, token: token({}), ...(certificate ? { fingerprint: certificate.fingerprint } : {}) };
  return { ...served, connection, token };
}

/** What `proxmcp demo` shows of it. */
export const demo: NonNullable<SandboxModule["demo"]> = {
  connections: { containarium: {} },
  tour: [
    { say: "Who has a running container?", tool: "containarium_container_list", args: { where: { status: ["running"] } } },
    { say: "Create one for erin with 8 GB of memory.", tool: "containarium_container_create", args: { username: "erin", memory: 8_000_000_000 } },
    { say: "What does everybody use?", tool: "containarium_container_metrics", args: {} },
    { say: "How are the hosts?", tool: "containarium_backend_list", args: {} },
  ],
};
