import { PROGRAMS, type Program } from "./programs.js";
import type { Guest, World } from "./world.js";

/** Where a command runs and writes to. */
export interface Session {
  readonly world: World;
  readonly guest: Guest;
  readonly env: Record<string, string>;
  readonly user: number;
  cwd: string;
  readonly signal: AbortSignal;
  out(text: string): void;
  err(text: string): void;
}

/** Thrown by `exit` and `kill $$`. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super("exit");
    this.code = code;
  }
}

/** Runs a command as the server would: its exit code, 127 when there is no such program, 126 when it is no program. */
export async function runCommand(command: readonly string[], session: Session, input = ""): Promise<number> {
  const [program = "", ...args] = command;
  const name = program.replace(/^(\/usr)?(\/local)?\/s?bin\//, "");
  if (name === "sh" || name === "bash" || name === "ash") {
    const script = args[0] === "-c" ? (args[1] ?? "") : args.map((file) => session.guest.files.get(file) ?? "").join("\n");
    try {
      return await runScript(script, session, input);
    } catch (error) {
      if (error instanceof Exit) return error.code;
      throw error;
    }
  }
  const found = PROGRAMS[name];
  if (!found) return /^\/?(bin|usr|etc|root|tmp|home|var)(\/|$)/.test(program) && !name.includes(".") ? 126 : 127;
  return found(args, session, input);
}

/** Commands joined by `;`, newlines, `&&` and `||`, with pipes, redirections, quotes and variables. No loops, no functions. */
async function runScript(script: string, session: Session, input: string): Promise<number> {
  let code = 0;
  for (const { joint, words } of listOf(script)) {
    if ((joint === "&&" && code !== 0) || (joint === "||" && code === 0)) continue;
    code = await runPipe(words, session, input, code);
  }
  return code;
}

async function runPipe(words: readonly string[], session: Session, given: string, last: number): Promise<number> {
  const stages: string[][] = [[]];
  for (const word of words) {
    if (word === "|") stages.push([]);
    else stages.at(-1)?.push(word);
  }
  let input = given;
  let code = 0;
  for (const [at, stage] of stages.entries()) {
    const piped: string[] = [];
    code = await runOne(stage, at < stages.length - 1 ? { ...session, out: (text) => void piped.push(text) } : session, input, last);
    input = piped.join("");
  }
  return code;
}

async function runOne(words: readonly string[], session: Session, input: string, last: number): Promise<number> {
  const argv: string[] = [];
  const target = { ...session };
  for (let at = 0; at < words.length; at += 1) {
    const [, stream, append, joined] = /^([12]?)(>>?)(&[12])?$/.exec(words[at] ?? "") ?? [];
    if (append === undefined) {
      argv.push(expand(words[at] ?? "", session, last));
      continue;
    }
    const from = stream === "2" ? "err" : "out";
    if (joined) target[from] = joined === "&1" ? target.out : target.err;
    else target[from] = writer(session, expand(words[++at] ?? "", session, last), append === ">>");
  }
  const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(argv[0] ?? "");
  if (argv.length === 1 && assignment) {
    session.env[assignment[1] as string] = assignment[2] as string;
    return 0;
  }
  const [name = "", ...args] = argv;
  if (name === "") return 0;
  if (name === "exit") throw new Exit(args[0] === undefined ? last : Number(args[0]) & 255);
  if (name === "kill" && args.at(-1) === "1001") throw new Exit(128 + (Number(args[0]?.replace("-", "")) || 15));
  if (name === "cd") {
    session.cwd = args[0] ?? "/root";
    return 0;
  }
  const found: Program | undefined = PROGRAMS[name.replace(/^(\/usr)?\/s?bin\//, "")];
  if (found) return found(args, target, input);
  if (/^(ba|a)?sh$/.test(name)) return runCommand(argv, target);
  target.err(`sh: ${name}: not found\n`);
  return 127;
}

function writer(session: Session, path: string, append: boolean): (text: string) => void {
  if (path === "/dev/null") return () => {};
  const { files } = session.guest;
  const full = path.startsWith("/") ? path : `${session.cwd.replace(/\/$/, "")}/${path}`;
  if (!append) files.set(full, "");
  return (text) => void files.set(full, (files.get(full) ?? "") + text);
}

/** Quotes have been marked by `wordsOf`: what stood in single quotes holds no variables any more. */
function expand(word: string, session: Session, last: number): string {
  return word
    .replace(/\$(\$|\?|\{(\w+)\}|(\w+))/g, (_, all: string, braced?: string, plain?: string) =>
      all === "$" ? "1001" : all === "?" ? String(last) : (session.env[braced ?? plain ?? ""] ?? ""),
    )
    .replaceAll(DOLLAR, "$");
}

const DOLLAR = "\u0001";

/** Splits a script at its operators, quotes respected. */
function listOf(script: string): readonly { readonly joint: string; readonly words: readonly string[] }[] {
  const list: { joint: string; words: string[] }[] = [];
  let words: string[] = [];
  let joint = ";";
  const end = (next: string): void => {
    if (words.length) list.push({ joint, words });
    words = [];
    joint = next;
  };
  for (const token of script.match(/&&|\|\||[12]?>>?(?:&[12])?|[;\n|]|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;|&>'"\\]|&(?!&))+/g) ?? []) {
    if (token === "&&" || token === "||") end(token);
    else if (token === ";" || token === "\n") end(";");
    else if (token === "|" || /^[12]?>>?(&[12])?$/.test(token)) words.push(token);
    else words.push(unquote(token));
  }
  end(";");
  return list;
}

const unquote = (token: string): string =>
  token.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs, (_, single?: string, double?: string, escaped?: string) =>
    single !== undefined
      ? single.replaceAll("$", DOLLAR)
      : double !== undefined
        ? double.replace(/\\(["\\$`])/g, (__, char: string) => (char === "$" ? DOLLAR : char))
        : (escaped ?? "").replaceAll("$", DOLLAR),
  );
