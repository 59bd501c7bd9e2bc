import { X509Certificate } from "node:crypto";
import { facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Ask, LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import { readGuarded } from "../settings.js";
import { trustTokenText } from "../trust-token.js";
import { moment } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient>();

interface WireCertificate {
  readonly fingerprint: string;
  readonly name: string;
  readonly type: string;
  readonly restricted?: boolean;
  readonly projects?: readonly string[] | null;
  /** PEM. */
  readonly certificate: string;
}

const Certificate = z.object({
  fingerprint: facet(z.string(), "SHA-256 that identifies it", { says: ["hash"] }),
  name: facet(z.string(), "Whose it is"),
  type: facet(z.string(), "client, server or metrics"),
  restricted: facet(z.boolean(), "Whether it may only use the projects that are named"),
  projects: facet(z.array(z.string()), "Projects that a restricted one may use", { says: ["project"] }),
  own: facet(z.boolean(), "Whether it is the one that this connection uses"),
  expires: facet(z.iso.datetime({ offset: true }), "When it is no longer valid", { says: ["expiry", "expires"] }).optional(),
});

const pathOf = (fingerprint: string): string => `/1.0/certificates/${encodeURIComponent(fingerprint)}`;

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

const fingerprintOf = (certificate: X509Certificate): string => certificate.fingerprint256.replaceAll(":", "").toLowerCase();

function certificateOf(client: LxdClient, wire: WireCertificate) {
  const ours = parsed(client.connection.options.cert ?? "");
  return defined({
    fingerprint: wire.fingerprint,
    name: wire.name,
    type: wire.type,
    restricted: wire.restricted ?? false,
    projects: [...(wire.projects ?? [])],
    own: ours !== undefined && fingerprintOf(ours) === wire.fingerprint.toLowerCase(),
    expires: moment(parsed(wire.certificate)?.validToDate.toISOString()),
  });
}

const listed = (client: LxdClient, ask: Pick<Ask, "doing" | "signal">) =>
  client.get<readonly WireCertificate[]>("/1.0/certificates", { ...ask, query: { recursion: 1 } });

/** The certificate that a fingerprint, the beginning of one or a name means. */
async function certificateBy(client: LxdClient, key: string, ask: Pick<Ask, "doing" | "signal">): Promise<WireCertificate> {
  if (/^[0-9a-f]{12,64}$/i.test(key)) return await client.get<WireCertificate>(pathOf(key.toLowerCase()), ask);
  const found = (await listed(client, ask)).filter(({ name }) => name === key);
  if (found.length > 1)
    throw new ProxMcpError(
      "NAME_AMBIGUOUS",
      `Several certificates are named "${key}": ${found.map((one) => one.fingerprint.slice(0, 12)).join(", ")}.`,
      {
        next: "Give a fingerprint.",
      },
    );
  if (!found[0]) throw new ProxMcpError("NOT_FOUND", `Unable to ${ask.doing}: there is no certificate "${key}"`);
  return found[0];
}

const rights = {
  restricted: z.boolean().default(false).describe("Only the projects that are named"),
  projects: z.array(z.string()).default([]).describe("Projects it may use, where restricted"),
};

/** Full trust is the whole host: whoever has it can mount the host's disk in an instance. */
const grantsAll = ({ restricted }: { readonly restricted?: boolean | undefined }): string | undefined =>
  restricted === false ? "Whoever has its key can do anything on the server, and through it on the host." : undefined;

const refuseUnrestricted = ({ restricted, projects }: { readonly restricted: boolean; readonly projects: readonly string[] }): void => {
  if (projects.length && !restricted)
    throw new ProxMcpError("INVALID_INPUT", "projects: only a restricted certificate is held to them; pass `restricted` too.");
};

export const certificates = kind({
  name: "certificate",
  about: "A certificate that the server trusts: whoever has its key may use the server",
  says: ["certificate", "trusted client"],
  item: Certificate,
  key: "fingerprint",
  alsoBy: ["name"],
  aliases: { list: ["lxd_list_certificates", "lxd_trust_list"] },

  async list({ client, signal }) {
    return (await listed(client, { doing: "list certificates", signal })).map((wire) => certificateOf(client, wire));
  },

  async get({ client, key, signal }) {
    return certificateOf(client, await certificateBy(client, key, { doing: `read certificate "${key}"`, signal }));
  },

  actions: {
    create: write({
      about: "Have the server trust a certificate; `create_token` lets somebody bring their own instead",
      input: {
        certificate: z
          .string()
          .refine((text) => parsed(text) !== undefined, "no certificate in PEM")
          .describe("PEM"),
        name: z.string().min(1).describe("Whose it is"),
        type: z.enum(["client", "metrics"]).default("client").describe("What it may be used for"),
        ...rights,
      },
      destructiveWhen: grantsAll,
      aliases: ["lxd_certificate_add", "lxd_config_trust_add_certificate"],
      async run({ client, input, signal, progress }) {
        const { certificate, ...body } = input;
        refuseUnrestricted(input);
        const x509 = new X509Certificate(certificate);
        const ask = { doing: `trust certificate "${input.name}"`, signal, progress };
        try {
          await client.change("POST", "/1.0/certificates", { ...body, certificate: x509.raw.toString("base64") }, ask);
        } catch (error) {
          if (!isProxMcpError(error) || !/already in trust store/i.test(error.message)) throw error;
          throw new ProxMcpError("ALREADY_EXISTS", error.message, error.details);
        }
        return { key: fingerprintOf(x509) };
      },
    }),

    create_token: write({
      about: "Make a trust token: whoever shows it first is trusted with a certificate of their own",
      on: "kind",
      input: { name: z.string().min(1).describe("Who it is for"), ...rights },
      output: z.object({
        token: z.string().describe("To be handed on in secret; it works once"),
        operation: z.string().describe("Cancelling it makes the token void"),
        expires: z.string().optional(),
      }),
      destructiveWhen: grantsAll,
      aliases: ["lxd_config_trust_add", "lxd_trust_token_create"],
      async run({ client, input, signal }) {
        refuseUnrestricted(input);
        const ask = { doing: `make a trust token for "${input.name}"`, signal };
        const offer = await client.begin("POST", "/1.0/certificates", { ...input, type: "client", token: true }, ask);
        const text = offer && trustTokenText(input.name, offer.metadata);
        if (!offer || !text) throw new ProxMcpError("INVALID_OUTPUT", "POST /1.0/certificates: the server answered without a token");
        const expires = moment(offer.metadata?.["expiresAt"] as string | undefined);
        return { token: text, operation: offer.id, ...(expires ? { expires } : {}) };
      },
    }),

    update: write({
      about: "Change whose a certificate is, and which projects it may use",
      input: {
        new_name: z.string().min(1).optional().describe("Whose it is"),
        restricted: z.boolean().optional().describe("Only the projects that are named"),
        projects: z.array(z.string()).optional().describe("Projects it may use, where restricted"),
      },
      destructiveWhen: grantsAll,
      async run({ client, key, input, signal, progress }) {
        const ask = { doing: `change certificate "${key}"`, signal, progress };
        const { new_name: name, restricted, projects } = input;
        if (name === undefined && restricted === undefined && !projects)
          throw new ProxMcpError("INVALID_INPUT", "Nothing to change: give one of new_name, restricted, projects.");
        const { fingerprint } = await certificateBy(client, key, ask);
        const { metadata: wire, guard } = await readGuarded<WireCertificate>(client, pathOf(fingerprint), ask);
        const body = {
          name: name ?? wire.name,
          type: wire.type,
          restricted: restricted ?? wire.restricted,
          projects: projects ?? wire.projects ?? [],
        };
        await client.change("PUT", pathOf(fingerprint), body, { ...ask, headers: guard });
        return { key: fingerprint };
      },
    }),

    delete: destructive({
      about: "Have the server trust a certificate no longer",
      aliases: ["lxd_certificate_remove", "lxd_config_trust_remove"],
      loses: "Whoever uses it is locked out.",
      async run({ client, key, signal, progress }) {
        const ask = { doing: `remove certificate "${key}"`, signal, progress };
        const wire = await certificateBy(client, key, ask);
        if (certificateOf(client, wire).own)
          throw new ProxMcpError("WRONG_STATE", `Unable to ${ask.doing}: this very connection uses it, and would be locked out`, {
            next: "Remove it over another connection, or on the server with `lxc config trust remove` (`incus config trust remove`).",
          });
        await client.change("DELETE", pathOf(wire.fingerprint), undefined, ask);
      },
    }),
  },
});
