import type { SandboxCall, SandboxReply } from "proxmcp/testing";
import { detailsOf } from "./container-views.js";
import { startBox } from "./containers.js";
import { createExec, findExec, startExec } from "./exec.js";
import { pullImage, removeImage } from "./images.js";
import { create, logs, pause, remove, restart, stats, stop, unpause } from "./lifecycle.js";
import { listBoxes } from "./listing.js";
import { type Answer, type Context, isSet } from "./request.js";
import { checkReference, type State, withTag } from "./state.js";
import * as view from "./views.js";
import { ENGINE, empty, json, plain, Refusal, refused, streamed } from "./wire.js";

const ROUTES: readonly (readonly [method: string, pattern: RegExp, answer: Answer])[] = [
  ["GET", /^\/_ping$/, () => plain(200, "OK", PING)],
  ["HEAD", /^\/_ping$/, () => plain(200, "", PING)],
  ["GET", /^\/version$/, () => json(200, VERSION)],
  ["GET", /^\/info$/, ({ state }) => json(200, infoOf(state))],
  ["GET", /^\/containers\/json$/, listBoxes],
  ["POST", /^\/containers\/create$/, create],
  ["GET", /^\/containers\/(.+)\/json$/, ({ state, at }) => json(200, detailsOf(state, state.box(at[0]!)))],
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
  ["GET", /^\/images\/json$/, ({ state }) => json(200, state.images.map(view.imageSummaryOf))],
  ["POST", /^\/images\/create$/, ({ state, call, taskTime }) => streamed(pullImage(state, call.query, taskTime, call.taskError), "application/json")],
  ["GET", /^\/images\/(.+)\/json$/, showImage],
  ["DELETE", /^\/images\/(.+)$/, ({ state, at, call }) => json(200, removeImage(state, at[0]!, isSet(call.query, "force")))],
  ["GET", /^\/networks$/, ({ state }) => json(200, state.networks.map(view.networkOf))],
  ["GET", /^\/networks\/([^/]+)$/, showNetwork],
  ["GET", /^\/volumes$/, ({ state }) => json(200, { Volumes: state.volumes.map(view.volumeOf), Warnings: null })],
  ["GET", /^\/volumes\/([^/]+)$/, showVolume],
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
    try {
      return await route({ state, call, at: found.slice(1).map(decodeURIComponent), taskTime });
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
  };
}

function showImage({ state, at }: Context): SandboxReply {
  const key = at[0]!;
  const image = state.findImage(key);
  if (image) return json(200, view.imageDetailsOf(image));
  checkReference(key);
  throw new Refusal(404, `no such image: ${key}: No such image: ${withTag(key)}`);
}

function showNetwork({ state, at }: Context): SandboxReply {
  const key = at[0]!;
  const network = state.networks.find(({ name, id }) => name === key || id.startsWith(key));
  if (!network) throw new Refusal(404, `network ${key} not found`);
  return json(200, view.networkOf(network));
}

function showVolume({ state, at }: Context): SandboxReply {
  const key = at[0]!;
  const volume = state.volumes.find(({ name }) => name === key);
  if (!volume) throw new Refusal(404, `get ${key}: no such volume`);
  return json(200, view.volumeOf(volume));
}
