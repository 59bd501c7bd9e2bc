import { type HttpRequest, ProxMcpError, type SshClient } from "proxmcp/plugin";
import { CommandClient } from "../command.js";
import { refused } from "../errors.js";
import { envelopeIn, reasonIn } from "../wire.js";
import { asRoot } from "./install.js";
import { type Software, type Survey, TITLES } from "./survey.js";

/** Seconds that a fresh daemon may take until it answers. */
const READY = 60;

/** A daemon by its own command on its host: what administers it before it trusts anybody over the network. */
export class Admin {
  readonly software: Software;
  readonly #shell: SshClient;
  readonly #before: readonly string[];
  readonly #daemon: readonly string[];
  readonly #api: CommandClient;

  private constructor(software: Software, shell: SshClient, host: Survey, before: readonly string[]) {
    this.software = software;
    this.#shell = shell;
    this.#before = before;
    const { lxd = "lxd", lxc = "lxc", incus = "incus" } = host.programs;
    this.#daemon = software === "lxd" ? [lxd] : [incus, "admin"];
    this.#api = new CommandClient(shell, [...before, software === "lxd" ? lxc : incus]);
  }

  /** As this user where it may, else by sudo. Throws FORBIDDEN where neither is let in. */
  static async open(software: Software, shell: SshClient, host: Survey, signal: AbortSignal): Promise<Admin> {
    const ways = host.root || !host.sudo ? [asRoot({ root: true })] : [[], asRoot(host)];
    let why = "";
    for (const [at, before] of ways.entries()) {
      const admin = new Admin(software, shell, host, before);
      const last = at === ways.length - 1;
      for (const wait of last ? [false, true] : [false]) {
        try {
          // A fresh daemon takes a moment. Of one that keeps this user out that can't be told apart, so root is asked before it is waited for.
          if (wait) await admin.run(["waitready", `--timeout=${READY}`], { signal });
          await admin.ask("GET", "/1.0", "read the server's information", signal);
          return admin;
        } catch (error) {
          if (signal.aborted) throw error;
          why = (error as Error).message;
        }
      }
    }
    const group = software === "lxd" ? "lxd" : "incus-admin";
    throw new ProxMcpError("FORBIDDEN", `${TITLES[software]} is there, and ${host.user} can't administer it: ${why}`, {
      next: `On the host: sudo usermod -aG ${group} ${host.user}; or let sudo ask nothing. See that the service runs, too. Then run this again.`,
    });
  }

  /** `lxd ...` or `incus admin ...`. */
  async run(words: readonly string[], options: { signal: AbortSignal; stdin?: string }): Promise<string> {
    const command = [...this.#daemon, ...words];
    const { exitCode, stdout, stderr } = await this.#shell.exec([...this.#before, ...command], options);
    if (exitCode === 0) return stdout;
    const said = (stderr.trim() || stdout.trim()).replace(/^Error: /, "");
    throw new ProxMcpError("TASK_FAILED", `\`${command.join(" ")}\` failed: ${said || `exit code ${exitCode}`}`, { tried: [command.join(" ")] });
  }

  async ask<Metadata>(
    method: string,
    path: string,
    doing: string,
    signal: AbortSignal,
    more: Pick<HttpRequest, "json" | "query"> = {},
  ): Promise<Metadata> {
    const response = await this.#api.request({ method, path, signal, ...more });
    const text = await response.text();
    const envelope = envelopeIn(text);
    if (response.status < 400 && envelope && envelope.type !== "error") return envelope.metadata as Metadata;
    throw refused({
      doing,
      request: `${method} ${path}`,
      status: envelope?.error_code || response.status,
      reason: reasonIn(text) || "it gave no reason",
    });
  }
}
