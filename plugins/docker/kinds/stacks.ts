import { type CallArgs, facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { allServices, STACK } from "./services.js";

const { kind } = forClient<DockerClient>();

const Stack = z.object({
  name: facet(z.string(), "Name"),
  services: facet(z.array(z.string()), "Its services"),
  replicas: facet(z.int(), "Tasks wanted"),
  running: facet(z.int(), "Tasks running"),
});

/** A stack is no thing of the engine's: it is what its services say in a label. */
async function all(args: CallArgs<DockerClient>): Promise<z.input<typeof Stack>[]> {
  const services = (await allServices(args)).filter(({ Spec }) => Spec.Labels?.[STACK]);
  return Object.entries(Object.groupBy(services, ({ Spec }) => Spec.Labels?.[STACK] ?? "")).map(([name, of = []]) => ({
    name,
    services: of.map(({ Spec }) => Spec.Name).sort(),
    replicas: of.reduce((sum, { ServiceStatus }) => sum + (ServiceStatus?.DesiredTasks ?? 0), 0),
    running: of.reduce((sum, { ServiceStatus }) => sum + (ServiceStatus?.RunningTasks ?? 0), 0),
  }));
}

export const stacks = kind({
  name: "stack",
  about: "A stack of the swarm: services that were deployed together",
  says: ["swarm stack"],
  item: Stack,
  key: "name",
  aliases: { list: ["docker_stack_ls"] },
  list: all,
  get: async (args) => {
    const found = (await all({ ...args, note: () => {} })).find(({ name }) => name === args.key);
    if (!found) throw new ProxMcpError("NOT_FOUND", `There is no stack "${args.key}".`);
    return found;
  },
});
