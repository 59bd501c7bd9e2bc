import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { AcmeClient } from "./client.ts";

const { kind, write, destructive } = forClient<AcmeClient>();

/** What is known of one. `says` and `values` are the words that people use. Sizes are bytes, times are seconds, shares go from 0 to 1. */
const Machine = z.object({
  name: facet(z.string(), "Name"),
  status: facet(z.enum(["running", "stopped"]), "State", { values: { running: ["up", "on"], stopped: ["down", "off"] } }),
  cpu: facet(z.int(), "Cores", { says: ["cores", "cpus"], unit: "cores" }),
  memory: facet(z.int(), "Memory", { says: ["ram"], unit: "bytes" }),
  created: facet(z.iso.datetime(), "When it was created", { says: ["age"] }),
  tags: facet(z.array(z.string()), "Tags", { says: ["labels"] }),
});
type Machine = z.infer<typeof Machine>;

const pathOf = (name: string): string => `/api/machines/${encodeURIComponent(name)}`;

export const machines = kind({
  name: "machine",
  about: "A virtual machine",
  says: ["vm", "virtual machine", "server"],
  item: Machine,
  key: "name",
  // On the default surface, where each tool costs tokens in every session. The others are found by search.
  everyday: ["list", "get", "start", "stop"],
  list: ({ client, signal }) => client.ask<Machine[]>({ method: "GET", path: "/api/machines", signal }),
  get: ({ client, key, signal }) => client.ask<Machine>({ method: "GET", path: pathOf(key), signal }),
  actions: {
    create: write({
      about: "Create a machine; it is stopped at first",
      input: {
        name: z.string().regex(/^[a-z][a-z0-9-]*$/),
        cpu: z.int().min(1).default(1),
        memory: z
          .int()
          .describe("Bytes")
          .default(1024 ** 3),
      },
      run: async ({ client, input, signal }) => {
        await client.ask({ method: "POST", path: "/api/machines", json: input, signal });
        // The item is read back by this key, and answered as it is then.
        return { key: input.name };
      },
    }),
    start: write({
      about: "Start a machine",
      run: async ({ client, key, signal }) => void (await client.ask({ method: "POST", path: `${pathOf(key)}/start`, signal })),
    }),
    stop: write({
      about: "Shut a machine down",
      run: async ({ client, key, signal }) => void (await client.ask({ method: "POST", path: `${pathOf(key)}/stop`, signal })),
    }),
    // What loses data is destructive, and asks before. When in doubt, it is.
    delete: destructive({
      about: "Delete a machine with its disks",
      loses: "Its disks are deleted and can't be brought back.",
      run: async ({ client, key, signal }) => void (await client.ask({ method: "DELETE", path: pathOf(key), signal })),
    }),
  },
});
