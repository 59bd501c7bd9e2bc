import { BASE_FOLDERS, filesIn } from "./files.js";
import type { Exec } from "./state.js";

/** What a command writes and how it ends. */
export interface Outcome {
  readonly exitCode: number;
  /** False when no process could be made: the engine then says why on stdout. */
  readonly ran: boolean;
}

export type Write = (stream: "stdout" | "stderr", text: string) => void;

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const USERS: Readonly<Record<string, number>> = { root: 0, app: 1000, nobody: 65534 };
const BINARIES = new Set("sh echo true false cat uname id pwd env hostname sleep seq kill ls".split(" "));
const FOLDERS: ReadonlySet<string> = new Set(BASE_FOLDERS);

const KERNEL = "6.8.0-45-generic";

/** A command inside a container: a handful of BusyBox programs, and the engine's words for what it can't start. */
export async function runCommand(exec: Exec, write: Write, signal: AbortSignal): Promise<Outcome> {
  const refused = (why: string): Outcome => {
    write("stdout", `${why}\r\n`);
    return { exitCode: 126, ran: false };
  };
  const oci = (why: string): Outcome => refused(`OCI runtime exec failed: exec failed: ${why}: unknown`);
  const program = exec.argv[0] ?? "";
  const user = exec.user.split(":")[0] ?? "";
  if (user !== "" && !/^\d+$/.test(user) && USERS[user] === undefined)
    return refused(`unable to find user ${user}: no matching entries in passwd file`);
  if (exec.cwd !== "" && !exec.cwd.startsWith("/")) return oci("Cwd must be an absolute path");
  if (exec.cwd !== "" && !FOLDERS.has(exec.cwd))
    return oci(`unable to start container process: chdir to cwd ("${exec.cwd}") set in config.json failed: no such file or directory`);
  if (FOLDERS.has(program)) return oci(`unable to start container process: exec: "${program}": permission denied`);
  const known = BINARIES.has(program.replace(/^(\/usr)?\/bin\//, ""));
  if (!known && program.includes("/"))
    return oci(`unable to start container process: exec: "${program}": stat ${program}: no such file or directory`);
  if (!known) return oci(`unable to start container process: exec: "${program}": executable file not found in $PATH`);
  return { exitCode: await runProgram(exec, exec.argv, write, signal), ran: true };
}

async function runProgram(exec: Exec, argv: readonly string[], write: Write, signal: AbortSignal): Promise<number> {
  const [path = "", ...args] = argv;
  const hostname = exec.box.id.slice(0, 12);
  const say = (text: string): number => {
    write("stdout", `${text}\n`);
    return 0;
  };
  const program = path.replace(/^(\/usr)?\/bin\//, "");
  switch (program) {
    case "true":
      return 0;
    case "false":
      return 1;
    case "echo":
      return say(args.join(" "));
    case "pwd":
      return say(exec.cwd || exec.box.cwd || "/");
    case "hostname":
      return say(hostname);
    case "env":
      return say([`PATH=${PATH}`, `HOSTNAME=${hostname}`, ...exec.box.env, ...exec.env, "HOME=/root"].join("\n"));
    case "uname":
      return say(unameOf(args[0] ?? "-s", hostname));
    case "id":
      return say(idOfUser(exec.user || exec.box.user || "0"));
    case "ls":
      return say("bin\netc\nhome\nroot\ntmp\nusr\nvar");
    case "sleep":
      await new Promise<void>((done) => {
        const timer = setTimeout(done, Number(args[0] ?? 0) * 1000);
        signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
      });
      return 0;
    case "seq": {
      const [from, to] = args.length > 1 ? [Number(args[0]), Number(args[1])] : [1, Number(args[0])];
      for (let at = from; at <= to; at += 1000)
        write("stdout", `${Array.from({ length: Math.min(1000, to - at + 1) }, (_, step) => at + step).join("\n")}\n`);
      return 0;
    }
    case "cat":
      if (args.length === 0) write("stdout", exec.stdin);
      return catFiles(exec, args, write);
    case "sh":
      if (args[0] === "-c") return await runScript(exec, args[1] ?? "", write, signal);
      return 0; // without a script it reads stdin, which is empty
    default:
      write("stderr", `sh: ${program}: not found\n`);
      return 127;
  }
}

function unameOf(flag: string, hostname: string): string {
  const parts: Readonly<Record<string, string>> = { "-s": "Linux", "-n": hostname, "-r": KERNEL, "-m": "x86_64", "-o": "GNU/Linux" };
  return flag === "-a" ? `Linux ${hostname} ${KERNEL} #45-Ubuntu SMP x86_64 GNU/Linux` : (parts[flag] ?? "Linux");
}

function idOfUser(user: string): string {
  const [who = "0", group = who] = user.split(":");
  const shown = (text: string): string => {
    const number = USERS[text] ?? Number(text);
    const name = Object.keys(USERS).find((one) => USERS[one] === number);
    return `${number}${name ? `(${name})` : ""}`;
  };
  return `uid=${shown(who)} gid=${shown(group)} groups=${shown(group)}`;
}

function catFiles(exec: Exec, paths: readonly string[], write: Write): number {
  const files = filesIn(exec.box);
  let code = 0;
  for (const path of paths) {
    const found = files.get(path);
    if (found?.type === "file") write("stdout", found.content.toString("utf8"));
    else {
      write("stderr", found ? "cat: read error: Is a directory\n" : `cat: can't open '${path}': No such file or directory\n`);
      code = 1;
    }
  }
  return code;
}

/** `$?` and `$NAME`. */
const expanded = (word: string, { box, env }: Exec, code: number): string =>
  word.replace(/\$(\?|\w+)/g, (_, name: string) => {
    const set = [...box.env, ...env].findLast((variable) => variable.startsWith(`${name}=`));
    return name === "?" ? String(code) : (set?.slice(name.length + 1) ?? "");
  });

/** Steps of a script, joined by `;`, `&&` or `||`, with the one redirection that matters here. */
async function runScript(exec: Exec, script: string, write: Write, signal: AbortSignal): Promise<number> {
  let code = 0;
  for (const [, join = "", step = ""] of script.matchAll(/(^|;|&&|\|\|)((?:'[^']*'|"[^"]*"|[^;&|'"]|&(?!&))*)/g)) {
    if ((join === "&&" && code !== 0) || (join === "||" && code === 0) || signal.aborted) continue;
    const toStderr = />&2\s*/.test(step);
    const words = (step.replace(/1?>&2/, "").match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) =>
      word.startsWith("'") ? word.slice(1, -1) : expanded(word.replace(/^"(.*)"$/s, "$1"), exec, code),
    );
    if (words.length === 0) continue;
    if (words[0] === "exit") return Number(words[1] ?? code) & 0xff;
    if (words[0] === "kill") return 128 + Number(words[1]?.replace("-", "") || 15);
    code = await runProgram(exec, words, (stream, text) => write(toStderr ? "stderr" : stream, text), signal);
  }
  return code;
}
