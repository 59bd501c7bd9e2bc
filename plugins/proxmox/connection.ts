import { type FoundConnection, facet, secret } from "proxmcp/plugin";
import { z } from "zod";
import type { Endpoint } from "./endpoints.js";

const TOKEN = /^[^@!=\s]+@[^@!=\s]+![^!=\s]+=\S+$/;
const TOKEN_ID = /^[^@!=\s]+@[^@!=\s]+![^!=\s]+$/;

const Address = z.url({ protocol: /^https?$/ });
const Fingerprint = z.string().regex(/^([\da-f]{2}:?){31}[\da-f]{2}$/i, "is a SHA-256 in hex");

/** How to reach a node's shell. Only for what has no API: commands in containers whose console asks for a password. */
const Shell = z.object({
  user: z.string().default("root"),
  port: z.int().optional(),
  key: secret(z.string(), "Private key, PEM or OpenSSH").optional(),
  passphrase: secret(z.string(), "Passphrase of the key").optional(),
  password: secret(z.string(), "Password").optional(),
  known_hosts: z.string().optional(),
  fingerprint: z.string().optional(),
  hosts: z.record(z.string(), z.string()).describe("Address of each node by its name, where it is not that of the cluster").optional(),
});

/** How to reach a cluster: any of its nodes, which passes requests on to the others. */
export const ProxmoxConnection = z
  .object({
    url: facet(z.url({ protocol: /^https?$/ }), "Address of any node: https://pve1.example.com:8006"),
    more_urls: facet(
      z.array(z.union([Address, z.object({ url: Address, fingerprint: Fingerprint.optional() })])),
      "Addresses of other nodes, asked when the first does not answer; each with its own fingerprint where one is pinned",
    ).optional(),
    token: secret(z.string().regex(TOKEN, "looks like USER@REALM!TOKENID=SECRET"), "API token with its secret: USER@REALM!TOKENID=SECRET").optional(),
    token_id: facet(z.string().regex(TOKEN_ID, "looks like USER@REALM!TOKENID"), "API token without its secret: USER@REALM!TOKENID").optional(),
    token_secret: secret(z.string().min(1), "Secret of token_id").optional(),
    ca: facet(z.string(), "Certificate of the authority that signed the node's, PEM").optional(),
    fingerprint: facet(Fingerprint, "SHA-256 of the node's certificate; accepts this one only").optional(),
    verify: facet(z.boolean(), "Verify the certificate").default(true),
    node: facet(z.string(), "Node to use when none is named").optional(),
    storage: facet(z.string(), "Storage for disks when none is named").optional(),
    bridge: facet(z.string(), "Bridge for network devices when none is named").optional(),
    ssh: facet(Shell, "SSH to the nodes, for commands in containers that have no shell on their console").optional(),
  })
  .refine(({ token, token_id, token_secret }) => token !== undefined || (token_id !== undefined && token_secret !== undefined), {
    error: "needs a token: either `token`, or `token_id` and `token_secret`",
    path: ["token"],
  });

type Options = z.output<typeof ProxmoxConnection>;

/** The addresses of a connection, first the one that is asked first. */
export const endpointsOf = ({ url, fingerprint, more_urls = [] }: Options): readonly Endpoint[] => [
  { url, fingerprint },
  ...more_urls.map((more) => (typeof more === "string" ? { url: more } : more)),
];

type Environment = Readonly<Record<string, string | undefined>>;
type Read = (...names: string[]) => string | undefined;

/**
 * Connections in the environment: PROXMOX_API_URL with PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET for one cluster, or
 * PROXMOX_CLUSTERS=a,b with PROXMOX_CLUSTER_a_API_URL and so on for several. Older names are read too.
 */
export function connectionsIn(env: Environment): readonly FoundConnection[] {
  const patterns = patternsIn(env.PROXMOX_CLUSTER_PATTERNS);
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
    const match = Object.keys(patterns).filter((pattern) => patterns[pattern] === name);
    return options
      ? [{ name, options: { ...options, ...(match.length > 0 ? { match: match.map(globOf) } : {}) }, from: `PROXMOX_CLUSTER_${name}_API_URL` }]
      : [];
  });
}

/** `PROXMOX_CLUSTER_PATTERNS={"prod-": "a", "*-dr": "b"}`: the cluster whose resources have such names. */
function patternsIn(text: string | undefined): Readonly<Record<string, string>> {
  if (!text?.trim()) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, string>;
  } catch {
    // Written as `prod-=a,dr-=b`, which is easier in a shell.
  }
  return Object.fromEntries(text.split(",").flatMap((pair) => (pair.includes("=") ? [pair.split("=").map((part) => part.trim())] : [])));
}

/** A pattern without a `*` is the beginning of a name. */
const globOf = (pattern: string): string => (/[*?[{]/.test(pattern) ? pattern : `${pattern}*`);

const firstOf = (values: readonly (string | undefined)[]): string | undefined =>
  values.find((value) => value !== undefined && value.trim() !== "")?.trim();

function optionsFrom(read: Read): Record<string, unknown> | undefined {
  const host = read("HOST");
  const [url, ...others] = (
    read("API_URL", "URL") ??
    (host && (host.includes("://") ? host : `https://${host}${/:\d+$/.test(host) ? "" : `:${read("PORT") ?? 8006}`}`)) ??
    ""
  )
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  if (!url) return undefined;
  const tags = Object.fromEntries(Object.entries({ region: read("REGION"), tier: read("TIER") }).filter(([, value]) => value !== undefined));
  const id = read("TOKEN_ID", "TOKEN_NAME");
  const user = read("USER", "USERNAME");
  const verify = read("VERIFY", "VERIFY_SSL");
  const found: Record<string, unknown> = {
    url,
    more_urls: others.length > 0 ? others : undefined,
    tags: Object.keys(tags).length > 0 ? tags : undefined,
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
