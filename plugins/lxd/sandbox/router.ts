import type { SandboxCall, SandboxReply } from "proxmcp/testing";
import { Refusal, refusal, sync } from "./answers.js";
import { certificates, changeCertificate, deleteCertificate, postCertificate } from "./certificates.js";
import { createGuest } from "./creation.js";
import * as backups from "./backups.js";
import { exec } from "./exec.js";
import { changeMember } from "./evacuation.js";
import { deleteFile, readFile, writeFile } from "./files.js";
import { exportImage, offerImage, postImage } from "./image-transfer.js";
import * as images from "./images.js";
import { guestOf } from "./guests.js";
import { deleteGuest, listGuests, patchGuest, putGuest, rebuildGuest, renameGuest, showGuest } from "./instances.js";
import { consoleLog, logFile, logFiles, recordedFiles } from "./logs.js";
import * as profiles from "./profiles.js";
import { renderState } from "./render.js";
import * as projects from "./projects.js";
import { cluster, members, resources, serverInfo } from "./server.js";
import { NETWORK_ROUTES } from "./network-routes.js";
import { createSnapshot, deleteSnapshot, listSnapshots, postSnapshot, putSnapshot, showSnapshot } from "./snapshots.js";
import { changeState } from "./states.js";
import { STORAGE_ROUTES } from "./storage-routes.js";
import * as warnings from "./warnings.js";
import type { World } from "./world.js";

/** One request, with what the routes need of it. */
export interface Call extends Omit<SandboxCall, "json"> {
  readonly world: World;
  /** Decoded segments of the path that a route leaves open. */
  readonly names: readonly string[];
  readonly project: string;
  readonly trusted: boolean;
  readonly range: string | undefined;
  /** The body. Broken JSON is refused in the words of Go's decoder. */
  json<Body>(): Body;
}

export type Answer = (call: Call) => SandboxReply | Promise<SandboxReply>;
interface Route {
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, Answer>>;
  /** Answered to strangers too. */
  readonly open?: boolean;
}

const route = (path: string, methods: Route["methods"], open = false): Route => ({
  path: new RegExp(`^${path.replaceAll("*", "([^/]+)")}$`),
  methods,
  open,
});

const ROUTES: readonly Route[] = [
  route("/", { GET: () => sync(["/1.0"]) }, true),
  route("/1.0", { GET: serverInfo }, true),
  route("/1.0/certificates", { GET: certificates, POST: postCertificate }),
  route("/1.0/certificates/*", { GET: certificates, PUT: changeCertificate, DELETE: deleteCertificate }),
  route("/1.0/resources", { GET: resources }),
  route("/1.0/warnings", { GET: warnings.listWarnings }),
  route("/1.0/warnings/*", {
    GET: warnings.showWarning,
    PUT: warnings.changeWarning,
    PATCH: warnings.changeWarning,
    DELETE: warnings.deleteWarning,
  }),
  route("/1.0/cluster", { GET: cluster }),
  route("/1.0/cluster/members", { GET: members }),
  route("/1.0/cluster/members/*", { GET: members }),
  route("/1.0/cluster/members/*/state", { POST: changeMember }),
  route("/1.0/projects", { GET: projects.listProjects, POST: projects.createProject }),
  route("/1.0/projects/*", {
    GET: projects.showProject,
    PUT: projects.changeProject,
    POST: projects.renameProject,
    DELETE: projects.deleteProject,
  }),
  route("/1.0/projects/*/state", { GET: projects.projectState }),
  route("/1.0/instances", { GET: listGuests, POST: createGuest }),
  route("/1.0/instances/*", { GET: showGuest, PUT: putGuest, PATCH: patchGuest, DELETE: deleteGuest, POST: renameGuest }),
  route("/1.0/instances/*/state", { GET: (call) => sync(renderState(call.world, guestOf(call))), PUT: changeState }),
  route("/1.0/instances/*/snapshots", { GET: listSnapshots, POST: createSnapshot }),
  route("/1.0/instances/*/snapshots/*", { GET: showSnapshot, PUT: putSnapshot, POST: postSnapshot, DELETE: deleteSnapshot }),
  route("/1.0/instances/*/rebuild", { POST: rebuildGuest }),
  route("/1.0/instances/*/files", { GET: readFile, HEAD: readFile, POST: writeFile, DELETE: deleteFile }),
  route("/1.0/instances/*/backups", { GET: backups.listBackups, POST: backups.createBackup }),
  route("/1.0/instances/*/backups/*", { GET: backups.showBackup, POST: backups.renameBackup, DELETE: backups.deleteBackup }),
  route("/1.0/instances/*/backups/*/export", { GET: backups.exportBackup }),
  route("/1.0/instances/*/exec", { POST: exec }),
  route("/1.0/instances/*/console", { GET: consoleLog }),
  route("/1.0/instances/*/logs", { GET: logFiles }),
  route("/1.0/instances/*/logs/exec-output", { GET: recordedFiles }),
  route("/1.0/instances/*/logs/*", { GET: recordedIn("logs"), DELETE: recordedIn("logs") }),
  route("/1.0/instances/*/logs/exec-output/*", { GET: recordedIn("exec-output"), DELETE: recordedIn("exec-output") }),
  route("/1.0/images", { GET: images.listImages, POST: postImage }, true),
  route("/1.0/images/aliases", { GET: images.listAliases, POST: images.addAlias }),
  route(
    "/1.0/images/aliases/*",
    { GET: images.showAlias, POST: images.renameAlias, PATCH: images.pointAlias, PUT: images.pointAlias, DELETE: images.deleteAlias },
    true,
  ),
  route("/1.0/images/*", { GET: images.showImage, PUT: images.changeImage, PATCH: images.changeImage, DELETE: images.deleteImage }, true),
  route("/1.0/images/*/export", { GET: exportImage }, true),
  route("/1.0/images/*/refresh", { POST: images.refreshImage }),
  route("/1.0/images/*/secret", { POST: offerImage }),
  ...NETWORK_ROUTES.map(([path, methods]) => route(path, methods)),
  route("/1.0/profiles", { GET: profiles.listProfiles, POST: profiles.createProfile }),
  route("/1.0/profiles/*", {
    GET: profiles.showProfile,
    PUT: profiles.changeProfile,
    PATCH: profiles.changeProfile,
    POST: profiles.renameProfile,
    DELETE: profiles.deleteProfile,
  }),
  ...STORAGE_ROUTES.map(([path, methods]) => route(path, methods)),
  route("/1.0/operations", { GET: (call) => sync(call.world.operations.list(Boolean(call.query.get("recursion")))) }),
  route("/1.0/operations/*", { GET: (call) => sync(call.world.operations.get(call.names[0] ?? "")), DELETE: cancelOperation }),
  route("/1.0/operations/*/wait", {
    GET: async (call) => sync(await call.world.operations.wait(call.names[0] ?? "", call.query.get("timeout"), call.signal)),
  }),
];

function recordedIn(folder: "logs" | "exec-output"): Answer {
  return (call) => logFile(call, call.names[1] ?? "", folder);
}

function cancelOperation(call: Call): SandboxReply {
  call.world.operations.cancel(call.names[0] ?? "");
  return sync({});
}

/** Answers a request as the server would: 404 for unknown paths, 403 to strangers, 501 for methods that a path does not have. */
export async function answer(world: World, request: SandboxCall, trusted: boolean): Promise<SandboxReply> {
  const path = request.path.length > 1 ? request.path.replace(/\/$/, "") : request.path;
  for (const { path: pattern, methods, open } of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    // Strangers may read what is open to all, and ask to be trusted.
    const asking = request.method === "POST" && path === "/1.0/certificates";
    if (!trusted && !asking && !(open && request.method === "GET")) return refusal(403, "not authorized");
    const handler = methods[request.method];
    if (!handler) return refusal(501, "not implemented");
    const project = request.query.get("project") || "default";
    const callIn = (place: World): Call => ({
      ...request,
      world: place,
      trusted,
      names: match.slice(1).map(decodeURIComponent),
      project,
      range: request.headers.range as string | undefined,
      json: <Body>() => bodyOf(request) as Body,
    });
    try {
      if (projects.asksAll({ world, ...request, path })) return await projects.listAll(world, path, (place) => handler(callIn(place)));
      const place = projects.worldOf(world, path, project);
      return place ? await handler(callIn(place)) : projects.noProject(path, request.method, project);
    } catch (error) {
      if (error instanceof Refusal) return refusal(error.status, error.message);
      throw error;
    }
  }
  return refusal(404, "not found");
}

function bodyOf(request: SandboxCall): unknown {
  const text = new TextDecoder().decode(request.body);
  if (!text.trim()) throw new Refusal(400, "EOF");
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "unexpected EOF");
  }
}
