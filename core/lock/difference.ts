import type { PinnedTool, ToolSurface } from "./surface.js";

/** What differs between the tools that are pinned and those that are declared now, in lines as of a diff. Empty where nothing does. */
export function differenceOf(before: ToolSurface, now: ToolSurface): readonly string[] {
  const names = [...new Set([...Object.keys(before.tools), ...Object.keys(now.tools)])].sort();
  const lines = names.flatMap((name) => {
    const [was, is] = [before.tools[name], now.tools[name]];
    if (was && is) return changes(name, was, is);
    return was ? [`- ${heading(name, was)}`] : is ? [`+ ${heading(name, is)}`] : [];
  });
  if (before.provider !== now.provider) lines.push("~ what the provider says of itself, or the options of a connection");
  // What no line stands for: a kind of schema that only the hash of the whole sees.
  if (lines.length === 0 && before.hash !== now.hash) lines.push("~ the schemas of its tools");
  return lines;
}

const heading = (name: string, tool: PinnedTool): string => `${name} (${classOf(tool)}): ${tool.description}`;
const classOf = ({ safety, worst }: PinnedTool): string => (worst ? `${safety}, with some arguments ${worst}` : safety);

function changes(name: string, was: PinnedTool, is: PinnedTool): readonly string[] {
  const lines: string[] = [];
  const compare = (what: string, before: string, now: string): void => {
    if (before !== now) lines.push(`    ${what}: ${before} -> ${now}`);
  };
  compare("safety", classOf(was), classOf(is));
  compare("description", JSON.stringify(was.description), JSON.stringify(is.description));
  compare("aliases", was.aliases.join(", ") || "none", is.aliases.join(", ") || "none");
  for (const argument of new Set([...Object.keys(was.arguments), ...Object.keys(is.arguments)])) {
    const [before, now] = [was.arguments[argument], is.arguments[argument]];
    if (before === undefined) lines.push(`    argument ${argument}: new`);
    else if (now === undefined) lines.push(`    argument ${argument}: gone`);
    else if (before !== now) lines.push(`    argument ${argument}: other type or words`);
  }
  if (was.answer !== is.answer) lines.push("    answer: other fields, types or words");
  if (was.hints !== is.hints) lines.push("    title, hints or what its confirmation says");
  return lines.length > 0 ? [`~ ${name}`, ...lines] : [];
}
