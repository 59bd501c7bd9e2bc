import type { SandboxCall, SandboxReply } from "proxmcp/testing";
import * as backups from "./backups.ts";
import * as containers from "./containers.ts";
import { verified } from "./jwt.ts";
import { errorBody, Refusal, replyOf, unauthorized } from "./refusal.ts";
import type { Handler } from "./request.ts";
import * as settings from "./settings.ts";
import * as snapshots from "./snapshots.ts";
import type { State } from "./state.ts";

/** `*` stands for one part of the path. */
const ROUTES: readonly (readonly [method: string, path: string, handler: Handler])[] = [
  ["GET", "/v1/containers", containers.list],
  ["POST", "/v1/containers", containers.create],
  ["GET", "/v1/containers/*", containers.get],
  ["DELETE", "/v1/containers/*", containers.remove],
  ["POST", "/v1/containers/*/start", containers.start],
  ["POST", "/v1/containers/*/stop", containers.stop],
  ["PUT", "/v1/containers/*/resize", containers.resize],
  ["POST", "/v1/containers/*/ttl", settings.ttl],
  ["POST", "/v1/containers/*/delete-policy", settings.deletePolicy],
  ["POST", "/v1/containers/*/auto-sleep", settings.autoSleep],
  ["POST", "/v1/containers/*/cleanup-disk", settings.cleanupDisk],
  ["POST", "/v1/containers/*/ssh-keys", settings.addKey],
  ["DELETE", "/v1/containers/*/ssh-keys/*", settings.removeKey],
  ["GET", "/v1/containers/*/debug", settings.debug],
  ["GET", "/v1/containers/*/collaborators", settings.collaborators],
  ["POST", "/v1/containers/*/collaborators", settings.addCollaborator],
  ["DELETE", "/v1/containers/*/collaborators/*", settings.removeCollaborator],
  ["GET", "/v1/containers/*/snapshots", snapshots.list],
  ["POST", "/v1/containers/*/snapshots", snapshots.create],
  ["DELETE", "/v1/containers/*/snapshots/*", snapshots.remove],
  ["POST", "/v1/containers/*/snapshots/*/rollback", snapshots.rollback],
  ["GET", "/v1/metrics", containers.metrics],
  ["GET", "/v1/metrics/*", containers.metrics],
  ["GET", "/v1/system/info", containers.system],
  ["GET", "/v1/stacks", settings.stacks],
  ["GET", "/v1/backups", backups.list],
  ["POST", "/v1/backups", backups.create],
  ["GET", "/v1/backups/*", backups.get],
  ["DELETE", "/v1/backups/*", backups.remove],
  ["POST", "/v1/backups/*/restore", backups.restore],
  ["POST", "/v1/backups/*/verify", backups.verify],
];

/** Answers as the gateway does: first the token, then the path, then the handler. */
export async function answer(call: SandboxCall, state: State, secret: string, taskTime: number): Promise<SandboxReply> {
  const { authorization } = call.headers;
  if (typeof authorization !== "string") return unauthorized("missing authorization header");
  const [, token] = /^bearer (.*)$/i.exec(authorization) ?? [];
  if (token === undefined) return unauthorized("invalid authorization header format, expected 'Bearer <token>'");
  const claims = verified(secret, token);
  if (!claims) return unauthorized("invalid token");

  // The gateway decodes a path before it takes it apart: %2F is a slash like any other.
  const segments = decodeURIComponent(call.path).split("/");
  const fits = ROUTES.filter(([, path]) => {
    const wanted = path.split("/");
    return wanted.length === segments.length && wanted.every((part, at) => part === "*" || part === segments[at]);
  });
  const [, path, handler] = fits.find(([method]) => method === call.method) ?? [];
  if (!path || !handler)
    return fits.length > 0
      ? { status: 501, body: errorBody("Unimplemented", "Method Not Allowed", 501) }
      : { status: 404, body: errorBody("NotFound", "Not Found", 404) };
  const wanted = path.split("/");
  const parts = segments.filter((_, at) => wanted[at] === "*");
  const work = () => new Promise<void>((done) => setTimeout(done, taskTime));
  try {
    return { status: 200, body: await handler({ call, state, claims, parts, work }) };
  } catch (error) {
    if (error instanceof Refusal) return replyOf(error);
    throw error;
  }
}
