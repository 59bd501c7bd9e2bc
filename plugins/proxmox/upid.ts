/**
 * The id of a Proxmox task. It says where the task runs, so that node can be asked about it:
 * `UPID:pve1:00001840:0007A97F:6B00E495:qmstart:100:root@pam!token:`
 * @module
 */
export interface Upid {
  readonly text: string;
  readonly node: string;
  readonly pid: number;
  /** Start of the process in clock ticks since the node came up. */
  readonly pstart: number;
  /** Seconds since 1970. */
  readonly starttime: number;
  /** What runs: `qmstart`, `vzdump`. */
  readonly type: string;
  /** What it works on: a guest's id, a volume, or nothing. */
  readonly id: string;
  /** `root@pam` */
  readonly user: string;
  /** The name of the API token that started it. */
  readonly token?: string;
}

const FORM = /^UPID:([a-z\d](?:[a-z\d-]*[a-z\d])?):([\dA-F]{8}):([\dA-F]{8,9}):([\dA-F]{8}):([^:\s]+):([^:\s]*):([^:\s!]+)(?:!([^:\s]+))?:$/i;

/** The parts of a task id, or undefined when the text is none. */
export function parseUpid(text: unknown): Upid | undefined {
  const parts = typeof text === "string" ? FORM.exec(text) : null;
  if (!parts) return undefined;
  const [all, node = "", pid = "", pstart = "", starttime = "", type = "", id = "", user = "", token] = parts;
  return {
    text: all,
    node,
    pid: Number.parseInt(pid, 16),
    pstart: Number.parseInt(pstart, 16),
    starttime: Number.parseInt(starttime, 16),
    type,
    id,
    user,
    ...(token === undefined ? {} : { token }),
  };
}

/** The text of a task id from its parts. */
export function formatUpid(parts: Omit<Upid, "text">): string {
  const hex = (value: number): string => value.toString(16).toUpperCase().padStart(8, "0");
  const who = parts.token === undefined ? parts.user : `${parts.user}!${parts.token}`;
  return `UPID:${parts.node}:${hex(parts.pid)}:${hex(parts.pstart)}:${hex(parts.starttime)}:${parts.type}:${parts.id}:${who}:`;
}
