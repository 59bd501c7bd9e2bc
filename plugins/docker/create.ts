import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { type DockerClient, withDeadline } from "./client.js";
import { pullImage } from "./pull.js";
import { createBody, type RunOptions } from "./run-options.js";

export interface CreateOptions extends RunOptions {
  readonly start: boolean;
  readonly pull: "missing" | "always" | "never";
}

type CreateArgs = Pick<ActionArgs<DockerClient, CreateOptions>, "client" | "input" | "signal" | "progress" | "note">;

/** After these the container may well be starting: it is not ours to remove. */
const UNCERTAIN = new Set(["CANCELLED", "TIMEOUT", "UNREACHABLE"]);
const CLEANUP_SECONDS = 20;

/** POST /containers/create, with the image pulled when it is missing, then POST /containers/{id}/start. Answers the name. */
export async function createContainer(args: CreateArgs): Promise<{ key: string }> {
  const { client, input, signal, note } = args;
  const { name, image, pull } = input;
  const body = createBody(input);
  const create = async (): Promise<{ Id: string; Warnings?: string[] | null }> =>
    client.json({ what: `create container "${name}"`, method: "POST", path: "/containers/create", query: { name }, json: body, signal });

  if (pull === "always") await pullImage(client, image, args);
  let made: Awaited<ReturnType<typeof create>>;
  try {
    made = await create();
  } catch (error) {
    if (pull !== "missing" || !isMissingImage(error)) throw error;
    await pullImage(client, image, args);
    made = await create();
  }
  for (const warning of made.Warnings ?? []) note(warning);
  await finishOrRemove(args, made.Id);
  return { key: name };
}

/** Joins the further networks (the first one is in the body; older engines take no more there), then starts it. */
async function finish({ client, input: { name, networks = [], start }, signal }: CreateArgs, id: string): Promise<void> {
  for (const network of networks.slice(1))
    await client.done({
      what: `connect container "${name}" to network "${network}"`,
      method: "POST",
      path: `${await client.network(network, signal)}/connect`,
      json: { Container: id },
      signal,
    });
  if (start) await client.done({ what: `start container "${name}"`, method: "POST", path: `/containers/${encodeURIComponent(id)}/start`, signal });
}

const isMissingImage = (error: unknown): boolean => isProxMcpError(error) && error.code === "NOT_FOUND" && /no such image/i.test(error.message);

async function finishOrRemove(args: CreateArgs, id: string): Promise<void> {
  const { name } = args.input;
  const path = `/containers/${encodeURIComponent(id)}`;
  try {
    await finish(args, id);
  } catch (error) {
    if (!isProxMcpError(error)) throw error;
    const add = (words: string): ProxMcpError =>
      new ProxMcpError(error.code, `${error.message}${/[.!]$/.test(error.message) ? "" : "."} ${words}`, error.details);
    if (UNCERTAIN.has(error.code)) throw add(`The container "${name}" was created and may be starting.`);
    // The caller's signal may be about to abort; what we made has to go all the same. Its own unnamed volumes go with it.
    const remove = (own: AbortSignal): Promise<void> =>
      args.client.done({
        what: `remove container "${name}"`,
        method: "DELETE",
        path,
        query: { force: true, v: true },
        accept: [404],
        signal: own,
      });
    try {
      await withDeadline(CLEANUP_SECONDS, () => new ProxMcpError("TIMEOUT", "The removal took too long."), remove);
    } catch {
      throw add(`The container "${name}" was created and could not be removed again: delete it.`);
    }
    throw add("The container was removed again.");
  }
}
