import { parseSize } from "../sizes.js";
import type { Guest, World } from "./world.js";

/** What the file system of an instance shows: the files that it has, over those that every instance has. */
const FOLDERS = ["/", "/bin", "/etc", "/home", "/proc", "/root", "/sbin", "/tmp", "/usr", "/var"];
const PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n";

export const absolute = (path: string, cwd: string): string =>
  (path.startsWith("/") ? path : `${cwd.replace(/\/$/, "")}/${path}`).replace(/\/+$/, "") || "/";

/** The text of a file, by its absolute path. */
export function textOf(world: World, guest: Guest, path: string): string | undefined {
  const own = guest.files.get(path);
  if (own !== undefined) return own;
  const { config } = world.expanded(guest);
  if (path === "/etc/os-release") {
    const os = config["image.os"] ?? "Linux";
    return `NAME="${os}"\nID=${os.toLowerCase()}\nVERSION_ID="${config["image.release"] ?? ""}"\nPRETTY_NAME="${config["image.description"] ?? os}"\n`;
  }
  if (path === "/proc/meminfo") {
    const total = parseSize(config["limits.memory"]) ?? world.host.memory;
    return `MemTotal:       ${Math.floor(total / 1024)} kB\nMemFree:        ${Math.floor((total - guest.memoryUsage) / 1024)} kB\n`;
  }
  if (path === "/proc/uptime") return `${((Date.now() - Date.parse(guest.last_used_at)) / 1000).toFixed(2)} 0.00\n`;
  return path === "/etc/passwd" ? PASSWD : undefined;
}

export const isFolder = (guest: Guest, path: string): boolean =>
  FOLDERS.includes(path) || guest.files.has(`${path}/.`) || [...guest.files.keys()].some((file) => file.startsWith(`${path}/`));

/** Names in a folder. */
export function entriesOf(guest: Guest, folder: string): readonly string[] {
  const prefix = folder === "/" ? "/" : `${folder}/`;
  const below = [...FOLDERS, ...guest.files.keys()].filter((one) => one.startsWith(prefix) && one !== folder);
  return [...new Set(below.map((one) => one.slice(prefix.length).split("/")[0] ?? "").filter((one) => one && one !== "."))].toSorted();
}
