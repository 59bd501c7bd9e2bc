import { z } from "zod";
import type { SshTarget } from "../transport/types.js";
import { facet, secret } from "./facet.js";

const login = {
  user: facet(z.string().min(1), "User to log in as"),
  key: secret(z.string(), "Private key, PEM or OpenSSH"),
  passphrase: secret(z.string(), "Passphrase of the key"),
  password: secret(z.string(), "Password"),
  agent: facet(z.string(), "Socket of an ssh-agent; default SSH_AUTH_SOCK"),
};

const place = {
  host: facet(z.string().min(1), "Host name or address"),
  port: facet(z.int().min(1).max(65_535), "Port").optional(),
  known_hosts: facet(z.string(), "known_hosts file; default ~/.ssh/known_hosts").optional(),
  fingerprint: facet(
    z.string().regex(/^SHA256:[\w+/]{43}=?$/, "must be SHA256:..., as ssh-keygen -l prints it"),
    "The host key to accept, and no other",
  ).optional(),
};

const Login = z.strictObject(login).partial();
const host = { ...place, ...Login.shape, user: login.user, also: z.array(Login).optional().describe("Other logins, in this order") };

/**
 * How a host is reached over SSH, for the schema of a connection: host keys are always checked. `host`, `user`, and perhaps `port`, `key`,
 * `passphrase`, `password`, `agent`, `known_hosts`, `fingerprint`; `also`: other logins; `jump`: a host on the way.
 *
 * @example
 * const Options = z.object({ ssh: SshOptions.optional() });
 */
export const SshOptions = z.strictObject({
  ...host,
  jump: z
    .strictObject({ ...host, jump: z.strictObject(host).optional() })
    .optional()
    .describe("A host on the way"),
});
/** @hidden */
export type SshOptions = z.output<typeof SshOptions>;

/** What was configured as `SshOptions`, as the service `SSH` takes it. */
export function sshTargetOf({ known_hosts: knownHosts, jump, ...rest }: Omit<SshOptions, "jump"> & { readonly jump?: unknown }): SshTarget {
  return { ...rest, knownHosts, jump: jump === undefined ? undefined : sshTargetOf(jump as SshOptions) };
}
