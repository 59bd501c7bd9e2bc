import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { PduClient } from "./client.ts";

const { kind, write, destructive } = forClient<PduClient>();

const Outlet = z.object({
  name: facet(z.string(), "What is plugged in", { says: ["label", "device"] }),
  status: facet(z.enum(["on", "off"]), "Whether it has power", { says: ["state"], values: { on: ["live", "powered"], off: ["dead"] } }),
  power: facet(z.number(), "Power drawn now", { says: ["load", "consumption"], unit: "watts" }),
});

const loses = "Whatever is plugged in loses its power at once.";

export const outlets = kind({
  name: "outlet",
  about: "An outlet of a switched PDU",
  says: ["socket", "plug"],
  item: Outlet,
  key: "name",
  everyday: ["list", "start", "restart"],
  list: ({ client, signal }) => client.ask<z.infer<typeof Outlet>[]>("GET", "/api/outlets", signal),
  actions: {
    start: write({ about: "Switch an outlet on", run: ({ client, key, signal }) => client.switch(key, "on", signal) }),
    stop: destructive({ about: "Switch an outlet off", loses, run: ({ client, key, signal }) => client.switch(key, "off", signal) }),
    restart: destructive({
      about: "Switch an outlet off and on again",
      loses,
      input: { seconds: z.number().min(0).max(60).default(5).describe("Time without power") },
      run: async ({ client, key, input, clock, signal, progress }) => {
        await client.switch(key, "off", signal);
        progress({ progress: 1, total: 2, message: "off" });
        await clock.sleep(input.seconds * 1000, signal);
        await client.switch(key, "on", signal);
      },
    }),
  },
});
