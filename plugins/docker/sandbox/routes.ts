import type { SandboxCall, SandboxReply } from "proxmcp/testing";
import { detailsOf } from "./container-views.js";
import { startBox } from "./containers.js";
import { build } from "./build.js";
import { events, happening, pruneCache } from "./events.js";
import { createExec, findExec, startExec } from "./exec.js";
import { pullImage, removeImage } from "./images.js";
import { create, logs, pause, remove, restart, stats, stop, unpause } from "./lifecycle.js";
import * as files from "./files.js";
import * as store from "./image-store.js";
import { filtersOf, listBoxes } from "./listing.js";
import * as operation from "./operations.js";
import { type Answer, type Context, isSet } from "./request.js";
import { checkReference, type State, withTag } from "./state.js";
import * as swarm from "./swarm.js";
import * as view from "./views.js";
import { ENGINE, empty, json, plain, Refusal, refused, streamed } from "./wire.js";

const ROUTES: readonly (readonly [method: string, pattern: RegExp, answer: Answer])[] = [
  ["GET", /^\/_ping$/, () => plain(200, "OK", PING)],
  ["HEAD", /^\/_ping$/, () => plain(200, "", PING)],
  ["GET", /^\/version$/, () => json(200, VERSION)],
  ["GET", /^\/info$/, ({ state }) => json(200, infoOf(state))],
  ["GET", /^\/containers\/json$/, listBoxes],
  ["POST", /^\/containers\/prune$/, operation.pruneBoxes],
  ["POST", /^\/commit$/, operation.commit],
  ["HEAD", /^\/containers\/(.+)\/archive$/, files.statFile],
  ["GET", /^\/containers\/(.+)\/archive$/, files.readFiles],
  ["PUT", /^\/containers\/(.+)\/archive$/, files.writeFiles],
  ["GET", /^\/containers\/(.+)\/changes$/, files.changes],
  ["GET", /^\/containers\/(.+)\/top$/, operation.top],
  ["POST", /^\/containers\/(.+)\/update$/, operation.update],
  ["POST", /^\/containers\/(.+)\/kill$/, operation.kill],
  ["POST", /^\/containers\/(.+)\/rename$/, operation.rename],
  ["POST", /^\/containers\/(.+)\/wait$/, operation.wait],
  ["POST", /^\/containers\/create$/, create],
  ["GET", /^\/containers\/(.+)\/json$/, ({ state, at, call }) => json(200, detailsOf(state, state.box(at[0]!), isSet(call.query, "size")))],
  ["GET", /^\/containers\/(.+)\/stats$/, stats],
  ["GET", /^\/containers\/(.+)\/logs$/, logs],
  ["POST", /^\/containers\/(.+)\/start$/, ({ state, at, call }) => empty(startBox(state, state.box(at[0]!), call.taskError) ? 204 : 304)],
  ["POST", /^\/containers\/(.+)\/stop$/, stop],
  ["POST", /^\/containers\/(.+)\/restart$/, restart],
  ["POST", /^\/containers\/(.+)\/pause$/, pause],
  ["POST", /^\/containers\/(.+)\/unpause$/, unpause],
  ["POST", /^\/containers\/(.+)\/exec$/, createExec],
  ["DELETE", /^\/containers\/(.+)$/, remove],
  ["POST", /^\/exec\/(.+)\/start$/, startExec],
  ["GET", /^\/exec\/(.+)\/json$/, ({ state, at }) => json(200, view.execOf(findExec(state, at[0]!)))],
  ["GET", /^\/images\/json$/, (context) => json(200, store.listImages(context).map(view.imageSummaryOf))],
  ["POST", /^\/images\/create$/, createImage],
  ["POST", /^\/images\/load$/, store.load],
  ["POST", /^\/images\/prune$/, store.prune],
  ["POST", /^\/build$/, build],
  ["POST", /^\/build\/prune$/, pruneCache],
  ["GET", /^\/images\/(.+)\/json$/, showImage],
  ["GET", /^\/images\/(.+)\/history$/, store.history],
  ["GET", /^\/images\/(.+)\/get$/, store.save],
  ["POST", /^\/images\/(.+)\/tag$/, store.tag],
  ["POST", /^\/images\/(.+)\/push$/, store.push],
  ["DELETE", /^\/images\/(.+)$/, deleteImage],
  ["GET", /^\/networks$/, listNetworks],
  ["POST", /^\/networks\/create$/, operation.createNetwork],
  ["POST", /^\/networks\/prune$/, operation.pruneNetworks],
  ["GET", /^\/networks\/([^/]+)$/, ({ state, at }) => json(200, networkView(state, at[0]!))],
  ["POST", /^\/networks\/([^/]+)\/connect$/, operation.connect],
  ["POST", /^\/networks\/([^/]+)\/disconnect$/, operation.disconnect],
  ["DELETE", /^\/networks\/([^/]+)$/, operation.removeNetwork],
  ["GET", /^\/volumes$/, operation.listVolumes],
  ["POST", /^\/volumes\/create$/, operation.createVolume],
  ["GET", /^\/volumes\/([^/]+)$/, ({ state, at }) => json(200, view.volumeOf(state.volume(at[0]!)))],
  ["DELETE", /^\/volumes\/([^/]+)$/, operation.removeVolume],
  ["GET", /^\/system\/df$/, store.diskUsage],
  ["GET", /^\/events$/, events],
  ["GET", /^\/nodes$/, swarm.listNodes],
  ["GET", /^\/nodes\/([^/]+)$/, swarm.showNode],
  ["POST", /^\/nodes\/([^/]+)\/update$/, swarm.updateNode],
  ["GET", /^\/services$/, swarm.listServices],
  ["GET", /^\/services\/([^/]+)$/, swarm.showService],
  ["GET", /^\/services\/([^/]+)\/logs$/, swarm.serviceLogs],
  ["POST", /^\/services\/([^/]+)\/update$/, swarm.updateService],
  ["GET", /^\/tasks$/, swarm.listTasks],
  ["GET", /^\/tasks\/([^/]+)$/, swarm.showTask],
];

/** Answers a request as the engine would. */
export async function answer(state: State, call: SandboxCall, taskTime: number): Promise<SandboxReply> {
  const [, version, unversioned] = /^\/v(\d+\.\d+)(\/.*)$/.exec(call.path) ?? [];
  const path = unversioned ?? call.path;
  for (const [method, pattern, route] of ROUTES) {
    const found = method === call.method ? pattern.exec(path) : null;
    if (!found) continue;
    const unfit = version === undefined ? undefined : wrongVersion(version);
    if (unfit) return unfit;
    const tell = happening(state, method, path);
    try {
      const reply = await route({ state, call, at: found.slice(1).map(decodeURIComponent), taskTime });
      if (reply.status < 300) tell?.();
      return reply;
    } catch (error) {
      if (error instanceof Refusal) return refused(error.status, error.message);
      throw error;
    }
  }
  return refused(404, "page not found"); // for a wrong method as well
}

function wrongVersion(version: string): SandboxReply | undefined {
  const minor = Number(version.split(".")[1]);
  if (minor > Number(ENGINE.api.split(".")[1]))
    return refused(400, `client version ${version} is too new. Maximum supported API version is ${ENGINE.api}`);
  if (minor < Number(ENGINE.minApi.split(".")[1]))
    return plain(
      400,
      `client version ${version} is too old. Minimum supported API version is ${ENGINE.minApi}, please upgrade your client to a newer version\n`,
    );
  return undefined;
}

const PING = { "cache-control": "no-cache, no-store, must-revalidate", pragma: "no-cache" };

const VERSION = {
  Platform: { Name: "Docker Engine - Community" },
  Components: [
    { Name: "Engine", Version: ENGINE.version, Details: { ApiVersion: ENGINE.api, Arch: "amd64", MinAPIVersion: ENGINE.minApi, Os: "linux" } },
  ],
  Version: ENGINE.version,
  ApiVersion: ENGINE.api,
  MinAPIVersion: ENGINE.minApi,
  GitCommit: "5d6db84",
  GoVersion: "go1.18.10",
  Os: "linux",
  Arch: "amd64",
  KernelVersion: "6.8.0-45-generic",
};

function infoOf(state: State): Record<string, unknown> {
  const count = (...statuses: string[]): number => state.boxes.filter(({ status }) => statuses.includes(status)).length;
  return {
    ID: "SAND:BOXS:ANDB:OXSA",
    Containers: state.boxes.length,
    ContainersRunning: count("running", "restarting"),
    ContainersPaused: count("paused"),
    ContainersStopped: count("created", "exited", "dead"),
    Images: state.images.length,
    Driver: "overlay2",
    CgroupDriver: "cgroupfs",
    CgroupVersion: "1",
    KernelVersion: "6.8.0-45-generic",
    OperatingSystem: "Ubuntu 24.04 LTS",
    OSType: "linux",
    Architecture: "x86_64",
    NCPU: state.cpus,
    MemTotal: state.memory,
    DockerRootDir: "/var/lib/docker",
    Name: "dock1",
    ServerVersion: ENGINE.version,
    Warnings: null,
    Swarm: { LocalNodeState: state.swarm ? "active" : "inactive" },
  };
}

function showImage({ state, at }: Context): SandboxReply {
  const key = at[0]!;
  const image = state.findImage(key);
  if (image) return json(200, view.imageDetailsOf(image));
  checkReference(key);
  throw new Refusal(404, `no such image: ${key}: No such image: ${withTag(key)}`);
}

function deleteImage({ state, at, call }: Context): SandboxReply {
  const gone = removeImage(state, at[0]!, isSet(call.query, "force"));
  for (const { Untagged, Deleted } of gone) state.tell("image", Deleted ? "delete" : "untag", Deleted ?? Untagged ?? "", {});
  return json(200, gone);
}

function createImage(context: Context): SandboxReply {
  const { state, call, taskTime } = context;
  if (call.query.get("fromSrc")) return store.importImage(context);
  const reference = withTag(call.query.get("fromImage") ?? "");
  if (!store.mayAccess(reference, store.loginOf(context)))
    throw new Refusal(500, `Head "https://registry.example/v2/": unauthorized: authentication required`);
  return streamed(pullImage(state, call.query, taskTime, call.taskError), "application/json");
}

const networkView = (state: State, key: string): Record<string, unknown> => {
  const network = state.network(key);
  return view.networkOf(network, operation.membersOf(state, network.name));
};

function listNetworks({ state, call }: Context): SandboxReply {
  const { dangling } = filtersOf(call.query.get("filters"));
  // The engine looks at who is in a network only in its details, so that for this filter all but its own are unused.
  const found = dangling?.[0] === "true" || dangling?.[0] === "1" ? operation.ownNetworks(state) : state.networks;
  return json(
    200,
    found.map((network) => view.networkOf(network)),
  );
}
