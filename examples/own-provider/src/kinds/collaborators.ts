import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { type ContainariumClient, pathOf } from "../client.ts";
import { nameIn, ofEachContainer } from "../each-container.ts";
import { known, momentOf, textOf } from "../wire.ts";

const { kind, write, destructive } = forClient<ContainariumClient, { owner: string }>();

const Collaborator = z.object({
  name: facet(z.string(), "User who may come in", { says: ["collaborator", "user"] }),
  owner: facet(z.string(), "User whose container it is", { says: ["container of", "of"] }),
  account: facet(z.string(), "Account to log in with", { says: ["login"] }).optional(),
  sudo: facet(z.boolean(), "May do everything in it", { says: ["root", "full access"] }),
  docker: facet(z.boolean(), "May run containers in it", { says: ["podman"] }),
  created: facet(z.iso.datetime(), "Since when", { says: ["added"] }).optional(),
  created_by: facet(z.string(), "Who let them in", { says: ["added by"] }).optional(),
});

interface WireCollaborator {
  readonly ownerUsername?: string;
  readonly collaboratorUsername: string;
  readonly accountName?: string;
  readonly addedAt?: string;
  readonly createdBy?: string;
  readonly hasSudo?: boolean;
  readonly hasContainerRuntime?: boolean;
}

const itemOf = (wire: WireCollaborator, owner: string): z.output<typeof Collaborator> =>
  known<z.output<typeof Collaborator>>({
    name: wire.collaboratorUsername,
    owner,
    account: textOf(wire.accountName),
    sudo: wire.hasSudo ?? false,
    docker: wire.hasContainerRuntime ?? false,
    created: momentOf(wire.addedAt),
    created_by: textOf(wire.createdBy),
  });

const path = (owner: string, ...rest: string[]): string => pathOf(owner, "collaborators", ...rest);

export const collaborators = kind({
  name: "collaborator",
  about: "Somebody who may log in to another user's container",
  says: ["collaborator", "guest user"],
  item: Collaborator,
  key: "name",
  within: { owner: z.string().min(1).describe("Whose container") },
  aliases: { list: ["list_collaborators"] },

  list: ({ client, at, where, signal }) =>
    ofEachContainer({
      client,
      signal,
      username: at.owner ?? nameIn(where, "owner"),
      async read(owner) {
        const ask = { doing: `list who may log in to the container of ${owner}`, signal };
        const { collaborators: found = [] } = await client.get<{ collaborators?: readonly WireCollaborator[] }>(path(owner), ask);
        return found.map((wire) => itemOf(wire, owner));
      },
    }),

  actions: {
    create: write({
      about: "Let somebody log in to a user's container",
      aliases: ["add_collaborator"],
      input: {
        name: z.string().min(1).describe("Who"),
        public_keys: z.array(z.string().min(1)).min(1).describe("Their SSH public keys"),
        sudo: z.boolean().default(false).describe("May do everything in it"),
        docker: z.boolean().default(false).describe("May run containers in it"),
      },
      async run({ client, at: { owner }, input, signal }) {
        const json = {
          collaboratorUsername: input.name,
          sshPublicKeys: input.public_keys,
          grantSudo: input.sudo,
          grantContainerRuntime: input.docker,
        };
        await client.post(path(owner), { doing: `let ${input.name} in to the container of ${owner}`, json, signal });
        return { key: input.name };
      },
    }),

    delete: destructive({
      about: "Take somebody's access to a container away",
      loses: "Their accounts on the jump server and in the container are deleted, with what is in their homes.",
      aliases: ["remove_collaborator"],
      async run({ client, key, at: { owner }, signal }) {
        await client.delete(path(owner, key), { doing: `take the access of ${key} to the container of ${owner} away`, signal });
      },
    }),
  },
});
