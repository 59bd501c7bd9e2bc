import { facet, forClient, type ItemArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { present } from "../resources.js";

const { kind, write, destructive } = forClient<ProxmoxClient>();

const Token = z.object({
  id: facet(z.string(), "USER@REALM!TOKENID", { says: ["token id"] }),
  user: facet(z.string(), "User it belongs to", { says: ["owner"] }),
  name: facet(z.string(), "Name, unique for its user"),
  privilege_separation: facet(z.boolean(), "It needs permissions of its own, besides its user's", { says: ["privsep", "separated"] }),
  expires: facet(z.iso.datetime({ offset: true }), "When it ends", { says: ["expiry"] }).optional(),
  description: facet(z.string(), "Notes", { says: ["comment"] }).optional(),
});
type Token = z.infer<typeof Token>;

interface Row {
  readonly tokenid: string;
  readonly privsep?: number | string;
  readonly expire?: number | string;
  readonly comment?: string;
}

const tokenOf = (user: string, { tokenid, privsep, expire, comment }: Row): Token =>
  present({
    id: `${user}!${tokenid}`,
    user,
    name: tokenid,
    privilege_separation: Number(privsep ?? 1) === 1,
    expires: Number(expire ?? 0) > 0 ? new Date(Number(expire) * 1000).toISOString() : undefined,
    description: comment,
  }) as Token;

function pathOf(key: string): string {
  const [user = "", name = ""] = key.split("!");
  if (user === "" || name === "") throw new ProxMcpError("NOT_FOUND", `There is no token ${key}: it looks like USER@REALM!TOKENID.`);
  return at`/access/users/${user}/token/${name}`;
}

/** The one time that the secret is shown. */
const Made = z.object({ id: z.string(), secret: z.string().describe("Shown this once") });
const settings = {
  privilege_separation: z.boolean().describe("Default true").optional(),
  expires: z.iso.datetime({ offset: true }).optional(),
  description: z.string().optional(),
};
const encoded = ({
  privilege_separation,
  expires,
  description,
}: {
  privilege_separation?: boolean | undefined;
  expires?: string | undefined;
  description?: string | undefined;
}) => ({
  privsep: privilege_separation,
  expire: expires === undefined ? undefined : Math.floor(Date.parse(expires) / 1000),
  comment: description,
});

const the = async ({ client, key, signal }: ItemArgs<ProxmoxClient>): Promise<Token> => {
  const [user = "", tokenid = ""] = key.split("!");
  return tokenOf(user, { ...(await client.get<Row>(pathOf(key), signal)), tokenid });
};

export const tokens = kind({
  name: "token",
  about: "An API token of a user",
  says: ["token", "api token", "api key"],
  item: Token,
  key: "id",
  aliases: { list: ["proxmox-list-tokens", "proxmox_list_tokens"] },
  list: async ({ client, signal }) => {
    const users = await client.get<readonly { readonly userid: string; readonly tokens?: readonly Row[] | null }[]>("/access/users", signal, {
      full: true,
    });
    return users.flatMap(({ userid, tokens: own }) => (own ?? []).map((row) => tokenOf(userid, row)));
  },
  get: the,
  actions: {
    create: destructive({
      about: "Create an API token; its secret is in the answer, this once",
      on: "kind",
      input: { user: z.string().describe("anna@pve"), name: z.string(), ...settings },
      output: Made,
      loses: "Whoever gets the secret can do what the token may.",
      run: async (args) => {
        const key = `${args.input.user}!${args.input.name}`;
        const made = (await args.client.write("POST", pathOf(key), encoded(args.input), args)) as {
          readonly value: string;
          readonly "full-tokenid"?: string;
        };
        return { id: made["full-tokenid"] ?? key, secret: made.value };
      },
    }),
    update: write({
      about: "Change an API token",
      input: settings,
      run: async (args) => void (await args.client.write("PUT", pathOf(args.key), encoded(args.input), args)),
    }),
    delete: destructive({
      about: "Delete an API token",
      loses: async (args) =>
        `Whatever uses the token ${(await the(args)).id} is locked out at once.${args.client.token === args.key ? " ProxMCP itself uses it." : ""}`,
      run: async (args) => void (await args.client.write("DELETE", pathOf(args.key), {}, args)),
    }),
  },
});
