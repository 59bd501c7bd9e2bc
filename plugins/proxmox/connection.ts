import { type FoundConnection, facet, secret } from "proxmcp/plugin";
import { z } from "zod";

const TOKEN = /^[^@!=\s]+@[^@!=\s]+![^!=\s]+=\S+$/;
const TOKEN_ID = /^[^@!=\s]+@[^@!=\s]+![^!=\s]+$/;

/** How to reach a cluster: any of its nodes, which passes requests on to the others. */
export const ProxmoxConnection = z
  .object({
    url: facet(z.url({ protocol: /^https?$/ }), "Address of any node: https://pve1.example.com:8006"),
    token: secret(z.string().regex(TOKEN, "looks like USER@REALM!TOKENID=SECRET"), "API token with its secret: USER@REALM!TOKENID=SECRET").optional(),
    token_id: facet(z.string().regex(TOKEN_ID, "looks like USER@REALM!TOKENID"), "API token without its secret: USER@REALM!TOKENID").optional(),
    token_secret: secret(z.string().min(1), "Secret of token_id").optional(),
    ca: facet(z.string(), "Certificate of the authority that signed the node's, PEM").optional(),
    fingerprint: facet(
      z.string().regex(/^([\da-f]{2}:?){31}[\da-f]{2}$/i, "is a SHA-256 in hex"),
      "SHA-256 of the node's certificate; accepts this one only",
    ).optional(),
    verify: facet(z.boolean(), "Verify the certificate").default(true),
    node: facet(z.string(), "Node to use when none is named").optional(),
    storage: facet(z.string(), "Storage for disks when none is named").optional(),
    bridge: facet(z.string(), "Bridge for network devices when none is named").optional(),
  })
  .refine(({ token, token_id, token_secret }) => token !== undefined || (token_id !== undefined && token_secret !== undefined), {
    error: "needs a token: either `token`, or `token_id` and `token_secret`",
    path: ["token"],
  });

type Environment = Readonly<Record<string, string | undefined>>;
type Read = (...names: string[]) => string | undefined;

/**
 * Connections in the environment: PROXMOX_API_URL with PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET for one cluster, or
 * PROXMOX_CLUSTERS=a,b with PROXMOX_CLUSTER_a_API_URL and so on for several. Older names are read too.
 */
export function connectionsIn(env: Environment): readonly FoundConnection[] {
  const names = (env.PROXMOX_CLUSTERS ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) {
    const read: Read = (...suffixes) => firstOf(suffixes.map((suffix) => env[`PROXMOX_${suffix}`]));
    const options = optionsFrom(read);
    return options ? [{ name: "proxmox", options, from: env.PROXMOX_API_URL ? "PROXMOX_API_URL" : "PROXMOX_HOST" }] : [];
  }
  return names.flatMap((name) => {
    // A shell takes neither "-" nor "." in a name, so `prod-eu` is found as PROD_EU as well.
    const spellings = [name, name.replace(/[^\da-z]/gi, "_"), name.replace(/[^\da-z]/gi, "_").toUpperCase()];
    const read: Read = (...suffixes) =>
      firstOf(suffixes.flatMap((suffix) => spellings.map((spelling) => env[`PROXMOX_CLUSTER_${spelling}_${suffix}`])));
    const options = optionsFrom(read);
    return options ? [{ name, options, from: `PROXMOX_CLUSTER_${name}_API_URL` }] : [];
  });
}

const firstOf = (values: readonly (string | undefined)[]): string | undefined =>
  values.find((value) => value !== undefined && value.trim() !== "")?.trim();

function optionsFrom(read: Read): Record<string, unknown> | undefined {
  const host = read("HOST");
  const url =
    read("API_URL", "URL") ?? (host && (host.includes("://") ? host : `https://${host}${/:\d+$/.test(host) ? "" : `:${read("PORT") ?? 8006}`}`));
  if (!url) return undefined;
  const id = read("TOKEN_ID", "TOKEN_NAME");
  const user = read("USER", "USERNAME");
  const verify = read("VERIFY", "VERIFY_SSL");
  const found: Record<string, unknown> = {
    url,
    // The older names keep the user apart: PROXMOX_USER=root@pam, PROXMOX_TOKEN_NAME=mcp.
    token_id: id && user && !id.includes("!") ? `${user}!${id}` : id,
    token_secret: read("TOKEN_SECRET", "TOKEN_VALUE"),
    verify: verify === undefined ? undefined : !/^(false|0|no|off)$/i.test(verify),
    fingerprint: read("FINGERPRINT"),
    node: read("DEFAULT_NODE"),
    storage: read("DEFAULT_STORAGE"),
    bridge: read("DEFAULT_BRIDGE"),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
