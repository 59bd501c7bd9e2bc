import { ProxMcpError } from "proxmcp/plugin";
import type { LxdOptions } from "../options.js";

/** How the machine is to be named to `proxmcp setup`. */
const machineOf = ({ ssh, url }: LxdOptions): string =>
  ssh
    ? `${ssh.user}@${ssh.host}${ssh.port === undefined || ssh.port === 22 ? "" : `:${ssh.port}`}`
    : `user@${(url && URL.parse(url)?.hostname) || "host"}`;

/** Where neither LXD nor Incus is, setting the host up is what helps. */
export const setupOffer = (options: LxdOptions): string => {
  const machine = machineOf(options);
  return `If it is not installed there, lxd_host_setup with target ${machine}, or \`proxmcp setup lxd ${machine}\`, installs it and connects to it; it asks first.`;
};

/** An address or a socket at which nothing answers: perhaps nothing is installed. The road is told; what else could be wrong, too. */
export function unanswered(error: ProxMcpError, options: LxdOptions): ProxMcpError {
  if (error.code !== "UNREACHABLE" || error.details.next !== undefined) return error;
  const here = options.ssh === undefined && options.url === undefined;
  const offer = here
    ? "If it is not installed here: `snap install lxd && lxd init --minimal`, or `apt install incus && incus admin init --minimal`."
    : setupOffer(options);
  return new ProxMcpError(error.code, error.message, { ...error.details, next: `${error.report().next} ${offer}` });
}
