import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import { parametersOf, PARAMETERS, TEMPLATES } from "../profile/templates.js";
import { parseSize } from "../sizes.js";

const { kind } = forClient<LxdClient>();

const ProfileTemplate = z.object({
  name: facet(z.string(), "Name of the template"),
  description: facet(z.string(), "What it is for"),
  cpu: facet(z.int(), "Cores it allows by default", { unit: "cores", says: ["cores"] }).optional(),
  memory: facet(z.int(), "Memory limit by default", { unit: "bytes", says: ["ram"] }).optional(),
  devices: facet(z.array(z.string()), "Devices it can have"),
  parameters: z.array(z.object({ name: z.string(), about: z.string(), default: z.string().optional() })),
});

export const profileTemplates = kind({
  name: "profile_template",
  about: "A ready-made profile that ships with ProxMCP, to be applied with parameters",
  says: ["profile template"],
  item: ProfileTemplate,
  key: "name",
  aliases: { list: ["lxd_list_profile_templates"] },

  list: async () =>
    TEMPLATES.map((template) =>
      defined({
        name: template.name,
        description: template.about,
        cpu: template.defaults.cpu === undefined ? undefined : Number(template.defaults.cpu),
        memory: parseSize(template.defaults.memory),
        devices: Object.keys(template.devices),
        parameters: parametersOf(template).map((name) => defined({ name, about: PARAMETERS[name], default: template.defaults[name] })),
      }),
    ),
});
