import { type ConnectingArgs, forConnections, type Http, isProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { isIncus } from "../extensions.js";
import { targetOf } from "../options.js";
import { envelopeIn } from "../wire.js";
import { hostsIn } from "./addresses.js";

/** Addresses that are asked at the same time. */
const ABREAST = 64;

const DiscoverInput = {
  addresses: z.array(z.string().min(1)).min(1).max(64).describe("Addresses, names, IPv4 ranges (192.168.1.0/24); no others are asked"),
  port: z.int().min(1).max(65_535).default(8443).describe("Of the API"),
  timeout: z.number().min(0.1).max(10).default(2).describe("Seconds for each"),
};

const DiscoverOutput = z.object({
  hosts: z.array(
    z.object({
      address: z.string(),
      url: z.string(),
      software: z.enum(["LXD", "Incus"]),
      fingerprint: z.string().optional(),
      trusted: z.boolean(),
      extensions: z.int(),
      connection: z.string().optional(),
    }),
  ),
  asked: z.int(),
  silent: z.int(),
});
type Found = z.output<typeof DiscoverOutput>["hosts"][number];

type Args = ConnectingArgs<LxdClient, z.output<z.ZodObject<typeof DiscoverInput>>>;

/** Asks addresses whether an LXD or Incus listens there. What a server tells strangers is all that it is asked for. */
export const discover = forConnections<LxdClient>().read({
  about:
    "Look for LXD and Incus servers at the given addresses and nowhere else: which answer, what they are, the fingerprint of each certificate and whether a connection leads there already",
  aliases: ["discover_lxd_hosts", "lxd_discover_hosts"],
  timeout: 300,
  input: DiscoverInput,
  output: DiscoverOutput,
  async run(args: Args) {
    const { input, progress } = args;
    const hosts = hostsIn(input.addresses);
    const found: Found[] = [];
    let asked = 0;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < hosts.length) {
        const host = hosts[next] ?? "";
        next += 1;
        const answer = await ask(args, host);
        if (answer) found.push(answer);
        asked += 1;
        progress({ progress: asked, total: hosts.length, message: `${asked} of ${hosts.length} asked, ${found.length} found` });
      }
    };
    await Promise.all(Array.from({ length: Math.min(ABREAST, hosts.length) }, worker));
    const order = new Map(hosts.map((host, at) => [host, at]));
    found.sort((one, other) => (order.get(one.address) ?? 0) - (order.get(other.address) ?? 0));
    return { hosts: found, asked, silent: asked - found.length };
  },
});

/** Undefined where nothing answers, or something else does. */
async function ask({ http, input, keeper, signal }: Args, address: string): Promise<Found | undefined> {
  const url = `https://${address.includes(":") ? `[${address}]` : address}:${input.port}`;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(input.timeout * 1000)]);
  try {
    const fingerprint = await shown(http, url, patience);
    const client = http.open({ url, tls: fingerprint === undefined ? {} : { fingerprint } });
    try {
      const text = await (await client.request({ method: "GET", path: "/1.0", signal: patience, maxBytes: 1_000_000 })).text();
      const { auth, api_extensions: extensions } = (envelopeIn(text)?.metadata ?? {}) as { auth?: string; api_extensions?: readonly string[] };
      if (auth === undefined || extensions === undefined) return undefined;
      const connection = keeper.connections.find(({ options }) => sameServer(options, url, fingerprint));
      return {
        ...{ address, url, software: isIncus(extensions) ? "Incus" : "LXD", trusted: auth === "trusted", extensions: extensions.length },
        ...(fingerprint === undefined ? {} : { fingerprint }),
        ...(connection ? { connection: connection.name } : {}),
      };
    } finally {
      await client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isProxMcpError(error)) throw error;
    return undefined;
  }
}

/** The fingerprint of a certificate that nobody vouches for, as nearly all of these; undefined for one that an authority signed. */
async function shown(http: Http, url: string, signal: AbortSignal): Promise<string | undefined> {
  const client = http.open({ url });
  try {
    await (await client.request({ method: "GET", path: "/1.0", signal })).text();
    return undefined;
  } catch (error) {
    const fingerprint = isProxMcpError(error) && error.code === "TLS_UNTRUSTED" ? error.details.data?.["fingerprint"] : undefined;
    if (typeof fingerprint !== "string") throw error;
    return fingerprint;
  } finally {
    await client.close();
  }
}

function sameServer(options: Readonly<Record<string, unknown>>, url: string, fingerprint: string | undefined): boolean {
  const { url: configured, fingerprint: pinned } = options as { url?: string; fingerprint?: string };
  if (fingerprint !== undefined && pinned?.replaceAll(":", "").toLowerCase() === fingerprint) return true;
  return configured !== undefined && targetOf({ url: configured }).url === url;
}
