import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ContainariumClient } from "../client.ts";

const { kind } = forClient<ContainariumClient>();

const Stack = z.object({
  id: facet(z.string(), "What create takes as stack"),
  name: facet(z.string(), "Name"),
  description: facet(z.string(), "What it installs"),
  parameters: facet(
    z.array(z.object({ name: z.string(), about: z.string(), type: z.string(), default: z.string(), required: z.boolean() })),
    "What it asks for",
  ),
});

interface WireStack {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly label?: string;
    readonly description?: string;
    readonly type?: string;
    readonly default?: string;
    readonly required?: boolean;
  }[];
}

export const stacks = kind({
  name: "stack",
  about: "Software that can be installed in a new container",
  says: ["software stack", "stack"],
  item: Stack,
  key: "id",
  alsoBy: ["name"],
  aliases: { list: ["list_stacks"] },
  async list({ client, signal }) {
    const { stacks: found = [] } = await client.get<{ stacks?: readonly WireStack[] }>("/v1/stacks", { doing: "list stacks", signal });
    return found.map(({ id, name, description = "", parameters = [] }) => ({
      id,
      name: name || id,
      description,
      parameters: parameters.map((one) => ({
        name: one.name,
        about: one.description || one.label || "",
        type: one.type || "string",
        default: one.default ?? "",
        required: one.required ?? false,
      })),
    }));
  },
});
