import type { CallArgs } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { hasExtension } from "../extensions.js";

/**
 * The configuration that cloud-init inside reads at the first start. SSH keys go into the vendor data: cloud-init joins both, so the user
 * data stays as it was given.
 */
export async function cloudInit(
  args: Pick<CallArgs<LxdClient>, "client" | "signal" | "note">,
  { user_data, ssh_keys }: { readonly user_data?: string | undefined; readonly ssh_keys?: readonly string[] | undefined },
): Promise<Record<string, string>> {
  if (user_data === undefined && !ssh_keys?.length) return {};
  // Before it had keys of its own, LXD handed these to the image's templates.
  const prefix = (await hasExtension(args, "cloud_init")) ? "cloud-init" : "user";
  args.note("Images without cloud-init, such as the plain ones of `images:`, pay no heed to user data and SSH keys: theirs end in /cloud.");
  return {
    ...(user_data === undefined ? {} : { [`${prefix}.user-data`]: user_data }),
    ...(ssh_keys?.length
      ? { [`${prefix}.vendor-data`]: `#cloud-config\nssh_authorized_keys:\n${ssh_keys.map((key) => `- ${JSON.stringify(key.trim())}\n`).join("")}` }
      : {}),
  };
}
