import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** An LXD that nobody has initialised, on this machine and apart from it: mounts and network of its own, so that its bridge meets no other's. */
export async function freshLxd(): Promise<{ readonly folder: string; readonly env: Readonly<Record<string, string>>; stop(): Promise<void> }> {
  const folder = await mkdtemp("/var/lib/lxd-fresh-");
  const env = { LXD_DIR: folder };
  // Without its own /sys it would see the bridges of the others.
  const script = "mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup; ip link set lo up; exec lxd --group lxd";
  const daemon = spawn("unshare", ["--mount", "--net", "--propagation", "private", "sh", "-c", script], {
    env: { ...process.env, ...env },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    await run("lxd", ["shutdown", "--timeout", "20"], { env: { ...process.env, ...env } }).catch(() => daemon.kill("SIGKILL"));
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await run("lxd", ["waitready", "--timeout=60"], { env: { ...process.env, ...env } });
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, env, stop };
}
