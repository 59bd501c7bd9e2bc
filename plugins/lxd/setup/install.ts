import { ProxMcpError, type SshClient } from "proxmcp/plugin";
import type { Software, Survey } from "./survey.js";
import { TITLES } from "./survey.js";

/** How something gets onto a host. */
export interface Plan {
  /** Undefined where only the package lists, once they are fresh, can tell. */
  readonly software: Software | undefined;
  readonly by: "snap" | "apt";
}

/** Newer Ubuntu has an `lxd` package that holds nothing and fetches the snap. */
const isTransitional = (version: string): boolean => /^1:0\./.test(version);

/** What apt would give: LXD itself, else Incus, else the package that fetches LXD's snap. */
export function byApt({ candidates: { lxd, incus } }: Pick<Survey, "candidates">, wanted: Software | undefined): Software | undefined {
  if (wanted === "incus") return incus ? "incus" : undefined;
  if (lxd && (!isTransitional(lxd) || wanted === "lxd")) return "lxd";
  if (wanted === "lxd") return undefined;
  return incus ? "incus" : lxd ? "lxd" : undefined;
}

/** The snap where there is snapd, as it is the newest and the one that Canonical keeps; otherwise what the distribution has. */
export function planFor(host: Survey, wanted: Software | undefined): Plan {
  if (!host.root && !host.sudo) throw noRights(host);
  if (host.snapd && wanted !== "incus") return { software: "lxd", by: "snap" };
  if (host.programs["apt-get"]) return { software: byApt(host, wanted), by: "apt" };
  const what = wanted ? TITLES[wanted] : "LXD or Incus";
  throw new ProxMcpError(
    "UNSUPPORTED",
    `${what} can't be installed from here on ${host.os}: it has neither snap${wanted === "incus" ? " of Incus" : ""} nor apt.`,
    {
      next: `Install ${what} there as its documentation says for ${host.os}, then run this again.`,
    },
  );
}

const noRights = ({ user }: Survey): ProxMcpError =>
  new ProxMcpError("FORBIDDEN", `Installing needs root, and ${user} can't become it: sudo asks for a password, or is not there.`, {
    next: `Log in as root, or let sudo ask nothing: echo "${user} ALL=(ALL) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/${user}. Or install by hand (sudo snap install lxd), then run this again.`,
  });

/** Carries a plan out. Each command is told before it runs. */
export async function install(
  shell: SshClient,
  host: Survey,
  plan: Plan,
  options: { readonly signal: AbortSignal; readonly look: () => Promise<Survey>; readonly tell: (command: string) => void },
): Promise<Software> {
  const run = async (command: readonly string[]): Promise<void> => {
    options.tell(command.join(" "));
    const { exitCode, stdout, stderr } = await shell.exec([...asRoot(host), ...command], { signal: options.signal });
    if (exitCode === 0) return;
    const words = (stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" ");
    throw new ProxMcpError("TASK_FAILED", `\`${command.join(" ")}\` failed: ${words || `exit code ${exitCode}`}`, {
      tried: [command.join(" ")],
      next: /lock/i.test(words)
        ? "Another package manager is at work there. Wait until it is done, then run this again."
        : "Mend that on the host, then run this again.",
    });
  };
  if (plan.by === "snap") {
    await run(["snap", "install", "lxd"]);
    return "lxd";
  }
  const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
  await run([...apt, "update"]);
  const fresh = await options.look();
  const software = plan.software ? byApt(fresh, plan.software) : byApt(fresh, undefined);
  if (!software)
    throw new ProxMcpError(
      "UNSUPPORTED",
      `The package sources of ${host.os} have ${plan.software ? `no ${TITLES[plan.software]}` : "neither LXD nor Incus"}.`,
      {
        tried: ["apt-cache policy lxd incus"],
        next: "Add a source that has it (Debian 12: bookworm-backports has Incus), or install snapd, then run this again.",
      },
    );
  const packages = software === "lxd" ? ["lxd", ...(fresh.candidates.client ? ["lxd-client"] : [])] : ["incus"];
  await run([...apt, "install", "-y", ...packages]);
  return software;
}

export const asRoot = ({ root }: Pick<Survey, "root">): readonly string[] => (root ? [] : ["sudo", "-n"]);
