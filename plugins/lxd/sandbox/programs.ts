import { setTimeout as sleep } from "node:timers/promises";
import { absolute, entriesOf, isFolder, textOf } from "./disk.js";
import type { Session } from "./shell.js";

/** A program inside an instance: writes to its session and returns its exit code. */
export type Program = (args: readonly string[], session: Session, input: string) => number | Promise<number>;

const read = (path: string, { world, guest, cwd }: Session): string | undefined => textOf(world, guest, absolute(path, cwd));

const missing = (name: string, path: string, session: Session): number => {
  session.err(`${name}: ${name === "cat" ? "can't open '" : ""}${path}${name === "cat" ? "'" : ""}: No such file or directory\n`);
  return 1;
};

/** Standard input, or the files that are named; with the exit code. */
function contents(name: string, paths: readonly string[], session: Session, input: string): { text: string; code: number } {
  if (!paths.length) return { text: input, code: 0 };
  let code = 0;
  const texts = paths.map((path) => read(path, session) ?? ((code = missing(name, path, session)), ""));
  return { text: texts.join(""), code };
}

/** `-n 5`, `-c100`, `-5`: the number, and what else was given. */
function counted(args: readonly string[]): { count: number; bytes: boolean; rest: string[] } {
  const match = /^-([nc]?)\s*\+?(\d+)(?:\s+|$)/.exec(args.join(" "));
  const rest = args.filter((arg) => !arg.startsWith("-") && arg !== match?.[2]);
  return { count: Number(match?.[2] ?? 10), bytes: match?.[1] === "c", rest };
}

const say =
  (text: (session: Session, args: readonly string[]) => string): Program =>
  (args, session) => {
    session.out(`${text(session, args)}\n`);
    return 0;
  };

const escapes = (text: string): string => text.replace(/\\([nt\\])/g, (_, char: string) => ({ n: "\n", t: "\t" })[char] ?? "\\");

export const PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => 0,
  false: () => 1,
  sync: () => 0,
  echo: (args, session) => {
    const bare = args[0] === "-n" ? args.slice(1) : args;
    session.out(bare.join(" ") + (bare === args ? "\n" : ""));
    return 0;
  },
  printf: ([format = "", ...args], session) => {
    let at = 0;
    session.out(escapes(format).replace(/%[sd]/g, () => args[at++] ?? ""));
    return 0;
  },
  pwd: say(({ cwd }) => cwd),
  hostname: say(({ guest }) => guest.name),
  whoami: say(({ user }) => (user === 0 ? "root" : "app")),
  id: say(({ user }, [flag]) => (flag === "-u" ? String(user) : user === 0 ? "uid=0(root) gid=0(root)" : `uid=${user}(app) gid=${user}(app)`)),
  date: say((_, [flag]) => (flag === "+%s" ? String(Math.floor(Date.now() / 1000)) : new Date().toUTCString())),
  uname: say(({ guest }, args) =>
    args.includes("-m") ? guest.architecture : args.includes("-a") ? `Linux ${guest.name} 6.8.0 #1 SMP ${guest.architecture}` : "Linux",
  ),
  nproc: say(({ world, guest }) => world.expanded(guest).config["limits.cpu"] ?? String(world.host.cores)),
  env: say(({ env }) =>
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
  ),
  printenv: ([name = ""], session) => {
    const value = session.env[name];
    if (value !== undefined) session.out(`${value}\n`);
    return value === undefined ? 1 : 0;
  },
  sleep: async ([seconds = "0"], { signal }) => {
    await sleep(Number(seconds) * 1000, undefined, { signal });
    return 0;
  },
  seq: (args, session) => {
    const [from, to] = args.length > 1 ? [Number(args[0]), Number(args.at(-1))] : [1, Number(args[0])];
    session.out(Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => `${from + at}\n`).join(""));
    return 0;
  },
  // It never ends; this much is more than anybody reads.
  yes: ([word = "y"], session) => {
    session.out(`${word}\n`.repeat(500_000));
    return 0;
  },
  cat: (args, session, input) => {
    const { text, code } = contents("cat", args, session, input);
    session.out(text);
    return code;
  },
  head: (args, session, input) => {
    const { count, bytes, rest } = counted(args);
    const { text, code } = contents("head", rest, session, input);
    session.out(
      bytes
        ? text.slice(0, count)
        : text
            .split("\n")
            .slice(0, count)
            .map((line) => `${line}\n`)
            .join(""),
    );
    return code;
  },
  tail: (args, session, input) => {
    const { count, bytes, rest } = counted(args);
    const { text, code } = contents("tail", rest, session, input);
    session.out(
      bytes
        ? text.slice(-count)
        : text
            .replace(/\n$/, "")
            .split("\n")
            .slice(-count)
            .map((line) => `${line}\n`)
            .join(""),
    );
    return code;
  },
  wc: (args, session, input) => {
    const { text, code } = contents(
      "wc",
      args.filter((arg) => !arg.startsWith("-")),
      session,
      input,
    );
    const counts = { "-l": text.split("\n").length - 1, "-c": Buffer.byteLength(text), "-w": text.split(/\s+/).filter(Boolean).length };
    session.out(`${args.flatMap((arg) => counts[arg as keyof typeof counts] ?? []).join(" ")}\n`);
    return code;
  },
  grep: (args, session, input) => {
    const [pattern = "", ...paths] = args.filter((arg) => !arg.startsWith("-"));
    const lines = contents("grep", paths, session, input)
      .text.split("\n")
      .filter((line) => line.includes(pattern));
    session.out(lines.map((line) => `${line}\n`).join(""));
    return lines.length ? 0 : 1;
  },
  ls: (args, session) => {
    let code = 0;
    const paths = args.filter((arg) => !arg.startsWith("-"));
    for (const path of paths.length ? paths : ["."]) {
      const full = path === "." ? session.cwd : absolute(path, session.cwd);
      if (read(full, session) !== undefined) session.out(`${path}\n`);
      else if (!isFolder(session.guest, full)) code = missing("ls", path, session);
      else
        session.out(
          entriesOf(session.guest, full)
            .map((name) => `${name}\n`)
            .join(""),
        );
    }
    return code;
  },
  touch: (args, session) => {
    for (const path of args) session.guest.files.set(absolute(path, session.cwd), read(path, session) ?? "");
    return 0;
  },
  mkdir: (args, session) => {
    for (const path of args.filter((arg) => !arg.startsWith("-"))) session.guest.files.set(`${absolute(path, session.cwd)}/.`, "");
    return 0;
  },
  rm: (args, session) => {
    let code = 0;
    for (const path of args.filter((arg) => !arg.startsWith("-"))) {
      const full = absolute(path, session.cwd);
      const doomed = [...session.guest.files.keys()].filter(
        (file) => file === full || (args.some((arg) => /^-\w*r/.test(arg)) && file.startsWith(`${full}/`)),
      );
      for (const file of doomed) session.guest.files.delete(file);
      if (!doomed.length && !args.some((arg) => /^-\w*f/.test(arg))) code = missing("rm", path, session);
    }
    return code;
  },
  test: (args, session) => {
    const [flag, path = ""] = args;
    if (flag === "-d") return isFolder(session.guest, absolute(path, session.cwd)) ? 0 : 1;
    if (flag === "-e" || flag === "-f")
      return read(path, session) !== undefined || (flag === "-e" && isFolder(session.guest, absolute(path, session.cwd))) ? 0 : 1;
    return args.length === 3 && (args[1] === "=" || args[1] === "==") ? Number(args[0] !== args[2]) : Number(!args[0]);
  },
  df: say(
    ({ guest }) =>
      `Filesystem     1K-blocks    Used Available Use% Mounted on\ndefault/${guest.name}  67108864 ${Math.floor(guest.diskUsage / 1024)}  47185920  30% /`,
  ),
  ps: say(() => "PID   USER     TIME  COMMAND\n    1 root      0:01 init\n  212 root      0:00 ps"),
};
