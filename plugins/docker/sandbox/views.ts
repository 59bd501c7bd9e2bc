import { type Exec, type Image, idOf, type Network, type Volume } from "./state.js";
import { goTime } from "./wire.js";

export const imageSummaryOf = (image: Image): Record<string, unknown> => ({
  Containers: -1,
  Created: Math.floor(image.created / 1000),
  Id: `sha256:${image.id}`,
  Labels: image.labels,
  ParentId: "",
  RepoDigests: image.digests.length ? image.digests : image.references.length ? null : ["<none>@<none>"],
  RepoTags: image.references.length ? image.references : ["<none>:<none>"],
  SharedSize: -1,
  Size: image.size,
  VirtualSize: image.size,
});

export const imageDetailsOf = (image: Image): Record<string, unknown> => ({
  Id: `sha256:${image.id}`,
  RepoTags: image.references,
  RepoDigests: image.digests,
  Parent: "",
  Created: goTime(image.created),
  Config: { Cmd: image.command, Env: null, Labels: image.labels },
  Architecture: "amd64",
  Os: "linux",
  Size: image.size,
  VirtualSize: image.size,
  RootFS: { Type: "layers", Layers: image.layers.map(({ id }) => `sha256:${idOf(id)}`) },
});

export const networkOf = (network: Network, members: object = {}): Record<string, unknown> => ({
  Name: network.name,
  Id: network.id,
  Created: goTime(network.created),
  Scope: "local",
  Driver: network.driver,
  EnableIPv6: false,
  IPAM: {
    Driver: "default",
    Options: null,
    Config: network.subnet ? [{ Subnet: network.subnet, Gateway: network.subnet.replace(/\.0\/\d+$/, ".1") }] : [],
  },
  Internal: network.internal,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: members,
  Options: {},
  Labels: network.labels,
});

export const volumeOf = (volume: Volume): Record<string, unknown> => ({
  CreatedAt: new Date(volume.created).toISOString().replace(/\.\d+Z$/, "Z"),
  Driver: "local",
  Labels: volume.labels,
  Mountpoint: `/var/lib/docker/volumes/${volume.name}/_data`,
  Name: volume.name,
  Options: null,
  Scope: "local",
});

export const execOf = (exec: Exec): Record<string, unknown> => ({
  ID: exec.id,
  Running: exec.running,
  ExitCode: exec.exitCode,
  ProcessConfig: {
    tty: false,
    entrypoint: exec.argv[0],
    arguments: exec.argv.slice(1),
    privileged: false,
    ...(exec.user ? { user: exec.user } : {}),
  },
  OpenStdin: exec.listens,
  OpenStderr: true,
  OpenStdout: true,
  CanRemove: false,
  ContainerID: exec.box.id,
  DetachKeys: "",
  Pid: exec.pid,
});
