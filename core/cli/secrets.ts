import { text } from "node:stream/consumers";
import { isCancel, password } from "@clack/prompts";
import { passphraseOf, SecretStore, storedNames, storePath } from "../config/store.js";
import { ProxMcpError } from "../errors.js";
import { err, out } from "./print.js";
import { EXIT } from "./run.js";

/** `proxmcp secrets set pve-token`: the value comes from a pipe, or is asked for without being shown. Never from the command line: that is seen by all. */
export async function setSecret(name: string): Promise<number> {
  const store = await open(true);
  const value = process.stdin.isTTY ? await ask(`Value of ${name}`) : (await text(process.stdin)).replace(/\r?\n$/, "");
  if (value === "") throw new ProxMcpError("INVALID_INPUT", "An empty secret is not stored.");
  await store.set(name, value);
  err(`Stored in ${store.path}. Use it in a connection as { store: ${JSON.stringify(name)} }.`);
  return EXIT.ok;
}

export async function listSecrets(): Promise<number> {
  for (const name of await storedNames(storePath(process.env))) out(name);
  return EXIT.ok;
}

export async function removeSecret(name: string): Promise<number> {
  const store = await open(false);
  if (await store.remove(name)) return EXIT.ok;
  err(`There is no secret ${name} in ${store.path}.`);
  return EXIT.failed;
}

/** With the passphrase of the environment or the keyring, else with one that is asked for; twice when it is new. */
async function open(mayBeNew: boolean): Promise<SecretStore> {
  const path = storePath(process.env);
  const known = await passphraseOf(process.env);
  if (known !== undefined) return await SecretStore.open(path, known);
  if (!process.stdin.isTTY)
    throw new ProxMcpError("CONFIG_INVALID", "The store of secrets needs its passphrase.", {
      next: "Set PROXMCP_PASSPHRASE or PROXMCP_PASSPHRASE_FILE.",
    });
  const fresh = mayBeNew && (await storedNames(path)).length === 0;
  const passphrase = await ask(fresh ? "New passphrase of the store" : "Passphrase of the store");
  if (fresh && (await ask("The same again")) !== passphrase) throw new ProxMcpError("INVALID_INPUT", "The two passphrases differ.");
  return await SecretStore.open(path, passphrase);
}

async function ask(message: string): Promise<string> {
  const answer = await password({ message, output: process.stderr });
  if (isCancel(answer)) throw new ProxMcpError("DECLINED", "Nothing was stored.");
  return answer;
}
