import { facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { type ContainariumClient, pathOf } from "./client.ts";
import { known, textOf } from "./wire.ts";

const { read, write } = forClient<ContainariumClient>();

const key = { public_key: z.string().min(1).describe("As in authorized_keys: ssh-ed25519 AAAA...") };
const Keys = z.object({ keys: facet(z.int(), "Keys that may log in now") });

const Diagnosis = z.object({
  state: facet(z.string(), "State of the container, as the backend sees it").optional(),
  user_exists: facet(z.boolean(), "The backend has an account for the user"),
  shell: facet(z.string(), "Shell of that account").optional(),
  shell_exists: facet(z.boolean(), "That shell is there, and can be run"),
  log: facet(z.array(z.string()), "What sshd said of the user"),
  likely_cause: facet(z.string(), "What is most likely wrong").optional(),
  next_actions: facet(z.array(z.string()), "What to do, in this order"),
});

interface WireDiagnosis {
  readonly containerState?: string;
  readonly hostUserExists?: boolean;
  readonly hostUserShell?: string;
  readonly hostUserShellExists?: boolean;
  readonly recentSshdRejections?: readonly string[];
  readonly likelyCause?: string;
  readonly nextActions?: readonly string[];
}

/** Who gets in, and why somebody does not. */
export const access = {
  add_ssh_key: write({
    about: "Let a public key log in to a container",
    aliases: ["containarium_add_ssh_key"],
    input: key,
    output: Keys,
    idempotent: true,
    async run({ client, key: username, input: { public_key: sshPublicKey }, signal }) {
      const ask = { doing: `add a key for ${username}`, json: { sshPublicKey }, signal };
      const { totalKeys = 0 } = await client.post<{ totalKeys?: number }>(pathOf(username, "ssh-keys"), ask);
      return { keys: totalKeys };
    },
  }),

  remove_ssh_key: write({
    about: "Take a public key's access to a container away",
    aliases: ["containarium_remove_ssh_key"],
    input: key,
    output: Keys,
    idempotent: true,
    async run({ client, key: username, input: { public_key: sshPublicKey }, signal }) {
      const doing = `remove a key of ${username}`;
      try {
        const { totalKeys = 0 } = await client.delete<{ totalKeys?: number }>(pathOf(username, "ssh-keys", sshPublicKey), { doing, signal });
        return { keys: totalKeys };
      } catch (error) {
        // The gateway decodes paths before it takes them apart, so such a key leads nowhere, however it is written.
        if (!isProxMcpError(error) || error.code !== "UNSUPPORTED" || !sshPublicKey.includes("/")) throw error;
        throw new ProxMcpError("UNSUPPORTED", `Unable to ${doing}: the server takes no keys with a slash here.`, {
          ...error.details,
          next: `Take it out of ~/.ssh/authorized_keys in the container of ${username} by hand.`,
        });
      }
    },
  }),

  debug: read({
    about: "Find out why a user can't log in over SSH",
    aliases: ["debug_container"],
    output: Diagnosis,
    async run({ client, key: username, signal }) {
      const found = await client.get<WireDiagnosis>(pathOf(username, "debug"), { doing: `look into the access of ${username}`, signal });
      if (found.containerState === "missing" && !found.hostUserExists)
        throw new ProxMcpError("NOT_FOUND", `There is neither a container nor an account of ${username}.`);
      return known<z.output<typeof Diagnosis>>({
        state: textOf(found.containerState),
        user_exists: found.hostUserExists ?? false,
        shell: textOf(found.hostUserShell),
        shell_exists: found.hostUserShellExists ?? false,
        log: [...(found.recentSshdRejections ?? [])],
        likely_cause: textOf(found.likelyCause),
        next_actions: [...(found.nextActions ?? [])],
      });
    },
  }),
};
