import { defineProvider } from "proxmcp/plugin";
import { DockerClient } from "./client.js";
import { engineCapacity, testEngine } from "./engine.js";
import { foundConnections } from "./contexts.js";
import { watchEvents } from "./events.js";
import { composeProjects } from "./kinds/compose-projects.js";
import { containers } from "./kinds/containers.js";
import { images } from "./kinds/images.js";
import { networks } from "./kinds/networks.js";
import { nodes } from "./kinds/nodes.js";
import { services } from "./kinds/services.js";
import { stacks } from "./kinds/stacks.js";
import { system } from "./kinds/system.js";
import { tasks } from "./kinds/tasks.js";
import { volumes } from "./kinds/volumes.js";
import { DockerConnection, environmentConnections, LOCAL } from "./options.js";

/** Docker Engine, and Podman through its Docker API. */
export default defineProvider({
  name: "docker",
  title: "Docker",
  about: "Docker Engine: application containers, images, networks and volumes of one host.",
  connection: { noun: "host", schema: DockerConnection, env: environmentConnections, found: foundConnections, local: LOCAL },
  hosts: [{ workload: "app-container", fit: 1, features: ["linux", "oci-image", "published-ports", "volumes"] }],
  client: DockerClient,
  test: testEngine,
  capacity: engineCapacity,
  kinds: [containers, images, networks, volumes, system, composeProjects, nodes, services, tasks, stacks],
  watch: watchEvents,
  sandbox: () => import("./sandbox/index.js"),
});
