import { forClient } from "proxmcp/plugin";
import type { DockerClient } from "../client.js";
import { files } from "../container-files.js";
import { inside } from "../container-inside.js";
import { Container, type ContainerSummary, filtersOf, fromDetails, fromSummary } from "../container-item.js";
import { inspect, lifecycle } from "../container-lifecycle.js";

const { kind } = forClient<DockerClient>();

export const containers = kind({
  name: "container",
  about: "A container of the Docker Engine, running or not",
  says: ["container", "docker container", "app"],
  item: Container,
  key: "name",
  alsoBy: ["id"],
  everyday: ["list", "get", "create", "start", "stop", "restart", "delete", "exec", "logs"],
  aliases: { list: ["docker_ps", "docker_list_containers", "docker_container_ls"], get: ["docker_inspect", "docker_container_inspect"] },

  list: async ({ client, where, signal }) => {
    const query = { all: true, filters: filtersOf(where) };
    const found = await client.json<ContainerSummary[]>({ what: "list containers", path: "/containers/json", query, signal });
    return found.map(fromSummary);
  },

  get: async (args) => fromDetails(await inspect(args), args.clock.now()),

  actions: { ...lifecycle, ...inside, ...files },
});
