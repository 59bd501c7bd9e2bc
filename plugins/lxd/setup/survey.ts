import { ProxMcpError, type SshClient } from "proxmcp/plugin";

/** What a host is and has, as far as setting it up needs it. */
export interface Survey {
  /** `Debian GNU/Linux 12 (bookworm)`. */
  readonly os: string;
  readonly arch: string;
  readonly user: string;
  readonly root: boolean;
  /** Whether sudo asks for no password. */
  readonly sudo: boolean;
  /** Paths of the programs that there are. */
  readonly programs: Readonly<Partial<Record<(typeof PROGRAMS)[number], string>>>;
  readonly versions: { readonly lxd?: string; readonly incus?: string };
  /** Where each came from. */
  readonly packed: { readonly lxd?: "snap" | "deb"; readonly incus?: "deb" };
  /** Whether snapd answers. */
  readonly snapd: boolean;
  /** What apt would install; absent where it has none. */
  readonly candidates: { readonly lxd?: string; readonly client?: string; readonly incus?: string };
  /** Bytes. */
  readonly memory: number;
  readonly diskFree: number;
}

const PROGRAMS = ["lxd", "lxc", "incus", "snap", "apt-get", "sudo"] as const;

/**
 * Lines of `name=value`. A login without a profile lacks /snap/bin and /usr/sbin. Ubuntu's lxd-installer has an `lxd` that installs the snap as
 * soon as it is called, so its programs count for nothing.
 */
const SCRIPT = `
PATH="$PATH:/snap/bin:/usr/local/bin:/usr/sbin:/sbin:/usr/bin:/bin"
say() { printf '%s=%s\\n' "$1" "$(printf '%s' "$2" | head -n 1)"; }
deb() { [ "$(dpkg-query -W -f '\${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v none; }
say os "$(cat /etc/os-release 2>/dev/null | sed -n 's/^PRETTY_NAME=//p' | tr -d '"')"
say arch "$(uname -m)"
say uid "$(id -u)"
say user "$(id -un)"
say memory "$(sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo 2>/dev/null)"
say disk "$(df -Pk /var 2>/dev/null | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)"
sudo -n true 2>/dev/null && say sudo yes
snap version >/dev/null 2>&1 && say snapd yes
for name in snap apt-get sudo incus; do say "at $name" "$(command -v "$name")"; done
if ! deb lxd-installer || [ -x /snap/bin/lxc ]; then
  for name in lxd lxc; do say "at $name" "$(command -v "$name")"; done
  command -v lxd >/dev/null && say "is lxd" "$(lxd --version 2>/dev/null)"
fi
command -v incus >/dev/null && say "is incus" "$(incus --version 2>/dev/null)"
snap list lxd >/dev/null 2>&1 && say "from lxd" snap || { deb lxd && say "from lxd" deb; }
deb incus && say "from incus" deb
say "apt lxd" "$(candidate lxd)"
say "apt client" "$(candidate lxd-client)"
say "apt incus" "$(candidate incus)"
exit 0
`;

/** Looks at a host over SSH. It changes nothing there. */
export async function survey(shell: SshClient, signal: AbortSignal): Promise<Survey> {
  const { stdout, stderr, exitCode } = await shell.exec(["sh", "-c", SCRIPT], { signal });
  const found = new Map(
    stdout.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      return at > 0 && line.length > at + 1 ? [[line.slice(0, at), line.slice(at + 1).trim()] as const] : [];
    }),
  );
  if (!found.has("uid"))
    throw new ProxMcpError("UNSUPPORTED", `The host runs no commands of a POSIX shell: ${stderr.trim().split("\n")[0] || `exit code ${exitCode}`}`, {
      next: "Log in as a user with a shell.",
    });
  const named = <Name extends string>(what: string, names: readonly Name[]): Partial<Record<Name, string>> =>
    Object.fromEntries(names.flatMap((name) => (found.has(`${what} ${name}`) ? [[name, found.get(`${what} ${name}`)]] : []))) as never;
  return {
    os: found.get("os") ?? "an unknown system",
    arch: found.get("arch") ?? "unknown",
    user: found.get("user") ?? "",
    root: found.get("uid") === "0",
    sudo: found.has("sudo"),
    programs: named("at", PROGRAMS),
    versions: named("is", ["lxd", "incus"]),
    packed: named("from", ["lxd", "incus"]) as Survey["packed"],
    snapd: found.has("snapd"),
    candidates: named("apt", ["lxd", "client", "incus"]),
    memory: Number(found.get("memory") ?? 0) * 1024,
    diskFree: Number(found.get("disk") ?? 0) * 1024,
  };
}

export type Software = "lxd" | "incus";
export const TITLES: Readonly<Record<Software, string>> = { lxd: "LXD", incus: "Incus" };

/** Which of the two is there, the one that was asked for first. */
export function installed({ versions, programs }: Survey, wanted: Software | undefined): Software | undefined {
  const there = { lxd: versions.lxd !== undefined && programs.lxc !== undefined, incus: versions.incus !== undefined };
  if (wanted) return there[wanted] ? wanted : undefined;
  return there.lxd ? "lxd" : there.incus ? "incus" : undefined;
}
