import type { AnyAuthMethod, AuthHandlerMiddleware, default as ssh2, ParsedKey } from "ssh2";
import { ProxMcpError } from "../errors.js";
import { fingerprintOf, placeOf } from "./ssh-hostkeys.js";
import type { SshTarget } from "./types.js";

export type Ssh2Package = typeof ssh2;

/** One way to prove who we are. A password can be sent by either of two methods. */
export interface Credential {
  /** How it is called in errors: never the secret itself. */
  readonly shown: string;
  readonly attempts: readonly AnyAuthMethod[];
}

/** Key, agent, password, in this order. A key that can't be used is an error at once: silence would hide the cause. */
export function credentialsOf(ssh2: Ssh2Package, target: SshTarget): Credential[] {
  const { user: username, password } = target;
  const found: Credential[] = [];
  if (target.key) {
    const key = privateKey(ssh2, target, target.key);
    found.push({ shown: `key ${key.type} ${fingerprintOf(key.getPublicSSH())}`, attempts: [{ type: "publickey", username, key }] });
  }
  const agent = target.agent ?? (target.key ? undefined : process.env["SSH_AUTH_SOCK"]);
  if (agent) found.push({ shown: `agent ${agent}`, attempts: [{ type: "agent", username, agent }] });
  if (password !== undefined) {
    let asked = false;
    const interactive: AnyAuthMethod = {
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, answer) => {
        // The first question is for the password. A second one is for something that we don't have, such as a code.
        answer(prompts.map(({ echo }) => (asked || echo ? "" : password)));
        asked = true;
      },
    };
    found.push({ shown: "password", attempts: [{ type: "password", username, password }, interactive] });
  }
  return found;
}

function privateKey(ssh2: Ssh2Package, target: SshTarget, text: string): ParsedKey {
  const refuse = (why: string, next: string): ProxMcpError =>
    new ProxMcpError("AUTH_FAILED", `The private key for ${placeOf(target)} can't be used: ${why}.`, { tried: ["private key"], next });
  const bare = parsed(ssh2, text);
  const locked = bare instanceof Error && /no passphrase given/.test(bare.message);
  if (locked && !target.passphrase) throw refuse("it is encrypted and no passphrase was given", "Give the passphrase of the key in the connection.");
  const key = locked ? parsed(ssh2, text, target.passphrase) : bare;
  if (key instanceof Error && locked) throw refuse("the passphrase is wrong", "Correct the passphrase of the key in the connection.");
  if (key instanceof Error)
    throw refuse(key.message, "Give a key in OpenSSH or PEM (RSA, EC) format. `ssh-keygen -p -f <file>` writes a PKCS#8 key in OpenSSH's format.");
  if (!key.isPrivateKey()) throw refuse("it is a public key", "Give the private key: the file without .pub.");
  return key;
}

function parsed(ssh2: Ssh2Package, text: string, passphrase?: string): ParsedKey | Error {
  try {
    return ssh2.utils.parseKey(text, passphrase);
  } catch {
    return new Error("it is damaged");
  }
}

/** The login of one connection: tries one credential after the other and remembers which. */
export class Login {
  /** Set once the host key was accepted and the channel is encrypted. */
  begun = false;
  readonly #target: SshTarget;
  readonly #pending: Credential[];
  readonly #tried: string[] = [];
  #offered: readonly string[] = [];

  constructor(target: SshTarget, credentials: readonly Credential[]) {
    this.#target = target;
    this.#pending = [...credentials];
  }

  /** What ssh2 asks for the next attempt. A server may want several (`AuthenticationMethods`), in an order of its own. */
  handler(give: (error: ProxMcpError) => void): AuthHandlerMiddleware {
    return (offered: readonly string[] | null, partial, next) => {
      // As OpenSSH does: the first request is for the list of methods, and lets in whom the server lets in without any.
      if (offered === null) return next({ type: "none", username: this.#target.user });
      this.#offered = offered;
      if (partial) this.note("accepted, but another one is needed");
      for (const [index, { shown, attempts }] of this.#pending.entries()) {
        const attempt = attempts.find(({ type }) => offered.includes(type === "agent" ? "publickey" : type));
        if (!attempt) continue;
        this.#pending.splice(index, 1);
        this.#tried.push(shown);
        return next(attempt);
      }
      give(this.failure());
    };
  }

  /** Adds to the last attempt why it came to nothing. */
  note(why: string): void {
    const last = this.#tried.pop();
    if (last !== undefined) this.#tried.push(`${last} (${why})`);
  }

  failure(why?: string): ProxMcpError {
    const tried = [...this.#tried, ...this.#pending.map(({ shown }) => `${shown} (not sent: the server does not offer it)`)];
    const place = placeOf(this.#target);
    const data = { offered: this.#offered };
    if (!tried.length)
      return new ProxMcpError("AUTH_FAILED", `${place} wants a login (${this.#offered.join(", ")}), and the connection has nothing to offer.`, {
        next: "Give a private key or a password in the connection, or run an ssh-agent (SSH_AUTH_SOCK).",
        data,
      });
    return new ProxMcpError("AUTH_FAILED", `${place} refused the login${why ? `: ${why}` : ""}. Tried: ${tried.join("; ")}.`, {
      tried,
      next: `Check the user name, and that the key is in the authorized_keys of ${this.#target.user} or the password is right.`,
      data,
    });
  }
}
