/**
 * The guest agent of a VM: commands, files, and what the guest knows of itself.
 * @module
 */
import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { reachable, withGuest } from "../guests.js";
import { present } from "../resources.js";

type Args<Input = unknown> = ActionArgs<ProxmoxClient, Input>;

/** Characters of output that are passed on. The agent itself keeps 16 MiB. */
const MOST_OUTPUT = 64 * 1024;

export const execution = {
  command: z.array(z.string()).min(1).describe("Program and its arguments, without a shell").optional(),
  shell: z.string().min(1).describe("A line for the guest's shell instead").optional(),
  stdin: z.string().max(65_536).optional(),
  timeout: z.int().min(1).max(3600).describe("Seconds to wait; default 60").optional(),
};
export type Execution = z.output<z.ZodObject<typeof execution>>;

export const Executed = z.object({
  exit_code: z.int(),
  stdout: z.string(),
  stderr: z.string().optional(),
  truncated: z.boolean().describe("Output was cut: redirect it to a file and read that in parts"),
});

/** `GET .../agent/exec-status`. After an answer with `exited: 1` the agent has forgotten the process. */
interface ExecStatus {
  readonly exited: number;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly "out-data"?: string;
  readonly "err-data"?: string;
  readonly "out-truncated"?: number;
  readonly "err-truncated"?: number;
}

/** What is to run, as an argument vector. */
export function argvOf({ command, shell }: Pick<Execution, "command" | "shell">, windows = false): string[] {
  if ((command === undefined) === (shell === undefined))
    throw new ProxMcpError("INVALID_INPUT", "Give either command, as a list of arguments, or shell, as one line.");
  return command ?? (windows ? ["powershell.exe", "-NonInteractive", "-Command", shell ?? ""] : ["/bin/sh", "-c", shell ?? ""]);
}

export const execInVm = (args: Args<Execution>): Promise<z.infer<typeof Executed>> =>
  withGuest(args, "qemu", async (row, path, lost) => {
    reachable(row, lost, "run a command in", "qemu");
    const { client, signal, input, clock, progress } = args;
    const windows = input.shell === undefined ? false : await isWindows(args, path);
    const command = argvOf(input, windows);
    const pid = await startIn(args, path, command);
    const until = clock.now() + (input.timeout ?? 60) * 1000;
    for (let pause = 100, looks = 1; ; looks += 1) {
      const status = await client.get<ExecStatus>(`${path}/agent/exec-status`, signal, { pid });
      if (Number(status.exited) === 1) return ended(status);
      if (clock.now() >= until)
        throw new ProxMcpError("TIMEOUT", `The command still runs in VM ${row.vmid} after ${input.timeout ?? 60} s, as process ${pid}.`, {
          data: { pid },
          next: "It goes on. Look at it with another command, or run it again with a longer `timeout`.",
        });
      progress({ progress: looks, message: `process ${pid} runs` });
      await clock.sleep(pause, signal);
      pause = Math.min(pause * 1.5, 2000);
    }
  });

async function startIn({ client, input, signal }: Args<Execution>, path: string, command: string[]): Promise<number> {
  try {
    const started = (await client.write(
      "POST",
      `${path}/agent/exec`,
      { command, "input-data": input.stdin },
      { signal, progress: () => {}, note: () => {} },
    )) as {
      readonly pid: number;
    };
    return started.pid;
  } catch (error) {
    // A program that is not there closes the agent's connection instead of giving an error.
    if (isProxMcpError(error) && error.details.data?.status === 596)
      throw new ProxMcpError(
        "NOT_FOUND",
        `The guest agent gave up on ${JSON.stringify(command[0])}: most likely there is no such program in the guest.`,
        {
          ...(error.details.tried ? { tried: error.details.tried } : {}),
          next: "Check the program's full path. Use `shell` for what is built into a shell.",
        },
      );
    throw error;
  }
}

function ended(status: ExecStatus): z.infer<typeof Executed> {
  const [out = "", err = ""] = [status["out-data"], status["err-data"]];
  return {
    // A process that a signal ended has no exit code; shells call it 128 and the signal.
    exit_code: status.exitcode ?? 128 + (status.signal ?? 0),
    stdout: out.slice(0, MOST_OUTPUT),
    stderr: err.slice(0, MOST_OUTPUT),
    truncated:
      Number(status["out-truncated"] ?? 0) === 1 ||
      Number(status["err-truncated"] ?? 0) === 1 ||
      out.length > MOST_OUTPUT ||
      err.length > MOST_OUTPUT,
  };
}

const resultOf = async <T>({ client, signal }: Args, path: string, what: string): Promise<T> =>
  (await client.get<{ readonly result: T }>(`${path}/agent/${what}`, signal)).result;

async function isWindows(args: Args, path: string): Promise<boolean> {
  const { id } = await resultOf<{ readonly id?: string }>(args, path, "get-osinfo").catch(() => ({ id: undefined }));
  return id === "mswindows";
}

const Address = z.object({ name: z.string(), mac: z.string().optional(), ips: z.array(z.string()) });
export const Addresses = z.object({ interfaces: z.array(Address) });

export const AgentInfo = z.object({
  version: z.string().optional(),
  hostname: z.string().optional(),
  os: z.string().optional(),
  kernel: z.string().optional(),
  arch: z.string().optional(),
  timezone: z.string().optional(),
  interfaces: z.array(Address),
  file_systems: z.array(
    z.object({
      mount: z.string(),
      type: z.string(),
      device: z.string().optional(),
      disk: z.int().describe("Bytes").optional(),
      disk_used: z.int().optional(),
    }),
  ),
  users: z.array(z.string()).describe("Logged in now"),
});

interface Interface {
  readonly name: string;
  readonly "hardware-address"?: string;
  readonly hwaddr?: string;
  readonly "ip-addresses"?: readonly { readonly "ip-address": string; readonly prefix?: number | string }[];
}

export const addressesOf = (interfaces: readonly Interface[] | null): z.infer<typeof Address>[] =>
  (interfaces ?? []).map((one) =>
    present({
      name: one.name,
      mac: one["hardware-address"] ?? one.hwaddr,
      ips: (one["ip-addresses"] ?? []).map((address) => `${address["ip-address"]}${address.prefix === undefined ? "" : `/${address.prefix}`}`),
    }),
  ) as z.infer<typeof Address>[];

/** Everything at once. What one guest's agent can't tell is left out; that there is no agent is an error. */
export const agentInfo = (args: Args): Promise<z.infer<typeof AgentInfo>> =>
  withGuest(args, "qemu", async (row, path, lost) => {
    reachable(row, lost, "ask the agent of", "qemu");
    const info = await resultOf<{ readonly version?: string }>(args, path, "info");
    const maybe = async <T>(what: string): Promise<T | undefined> => await resultOf<T>(args, path, what).catch(() => undefined);
    const [os, host, zone, interfaces, systems, users] = await Promise.all([
      maybe<Record<string, string>>("get-osinfo"),
      maybe<{ readonly "host-name"?: string }>("get-host-name"),
      maybe<{ readonly zone?: string }>("get-timezone"),
      maybe<readonly Interface[]>("network-get-interfaces"),
      maybe<readonly { mountpoint: string; type: string; name?: string; "total-bytes"?: number; "used-bytes"?: number }[]>("get-fsinfo"),
      maybe<readonly { readonly user: string }[]>("get-users"),
    ]);
    return present({
      version: info.version,
      hostname: host?.["host-name"],
      os: os?.["pretty-name"] ?? os?.["name"],
      kernel: os?.["kernel-release"],
      arch: os?.["machine"],
      timezone: zone?.zone,
      interfaces: addressesOf(interfaces ?? []),
      file_systems: (systems ?? []).map((one) =>
        present({ mount: one.mountpoint, type: one.type, device: one.name, disk: one["total-bytes"], disk_used: one["used-bytes"] }),
      ),
      users: (users ?? []).map(({ user }) => user),
    }) as z.infer<typeof AgentInfo>;
  });

export const FileRead = z.object({ content: z.string(), bytes: z.int(), truncated: z.boolean().describe("The agent gives no more than 16 MiB") });

export const readFile = (args: Args<{ readonly file: string }>): Promise<z.infer<typeof FileRead>> =>
  withGuest(args, "qemu", async (row, path, lost) => {
    reachable(row, lost, "read a file of", "qemu");
    type Read = { readonly content: string; readonly "bytes-read"?: number; readonly truncated?: boolean | number };
    const read = await args.client.get<Read>(`${path}/agent/file-read`, args.signal, { file: args.input.file });
    const content = read.content.slice(0, MOST_OUTPUT);
    return {
      content,
      bytes: read["bytes-read"] ?? Buffer.byteLength(read.content),
      truncated: Boolean(read.truncated) || content.length < read.content.length,
    };
  });

export const FileWritten = z.object({ file: z.string(), bytes: z.int() });

/** Writes a whole file. Bytes that are no text come as base64, which the agent decodes. */
export const writeFile = (
  args: Args<{ readonly file: string; readonly content: string; readonly base64?: boolean | undefined }>,
): Promise<z.infer<typeof FileWritten>> =>
  withGuest(args, "qemu", async (row, path, lost) => {
    reachable(row, lost, "write a file of", "qemu");
    const { file, content, base64 } = args.input;
    await args.client.write("POST", `${path}/agent/file-write`, { file, content, encode: base64 ? false : undefined }, args);
    return { file, bytes: base64 ? Buffer.from(content, "base64").length : Buffer.byteLength(content) };
  });
