import type { Provider } from "../declare/provider.js";
import type { JsonSchema } from "./json.js";
import { tokensOf } from "./surface.js";
import type { Tool } from "./tools.js";
import { plural, spaced } from "./words.js";

/** The reference page of a provider, in Markdown: its tools, the fields of its kinds, the options of its connections. */
export function deriveReference(provider: Provider, tools: readonly Tool[], options: JsonSchema): string {
  const lines = [
    `# ${provider.title}`,
    "",
    "<!-- Generated from the declarations by `npm run docs`. Changes here are overwritten. -->",
    "",
    provider.about,
    "",
    "## Connection",
    "",
    `A connection is called a ${spaced(provider.connection.noun)}. The tools take the parameter \`${provider.connection.noun}\` when several are configured.`,
    "",
    ...table(
      ["option", "type", "required", "meaning"],
      Object.entries(options.properties ?? {}).map(([name, schema]) => [
        `\`${name}\``,
        typeOf(schema),
        options.required?.includes(name) ? "yes" : "",
        schema.description ?? "",
      ]),
    ),
    "",
    "## What it hosts",
    "",
    ...table(
      ["workload", "fit", "features", "architectures"],
      provider.hosts.map((host) => [host.workload, String(host.fit), host.features?.join(", ") ?? "", host.arch?.join(", ") ?? ""]),
    ),
  ];
  const connecting = tools.filter((tool) => tool.of === provider);
  if (connecting.length > 0) lines.push("", "## Before there is a connection", "", "These need none.");
  for (const tool of connecting) lines.push("", ...referenceOf(tool));
  for (const kind of provider.kinds) {
    const own = tools.filter((tool) => tool.operation?.kind === kind);
    const fields = own[0]?.operation?.fields ?? [];
    lines.push("", `## ${plural(spaced(kind.name))}`, "", `${kind.about}.${kind.says?.length ? ` Also called: ${kind.says.join(", ")}.` : ""}`, "");
    lines.push(
      ...table(
        ["field", "type", "meaning", "also called"],
        fields.map((field) => [
          `\`${field.name}\``,
          [
            field.type === "enum" ? (field.values ?? []).join(" \\| ") : field.type,
            field.facet.unit ? `(${field.facet.unit})` : "",
            field.optional ? "optional" : "",
          ]
            .filter(Boolean)
            .join(" "),
          field.facet.about,
          field.facet.says?.join(", ") ?? "",
        ]),
      ),
    );
    for (const tool of own) lines.push("", ...referenceOf(tool));
  }
  return `${lines.join("\n")}\n`;
}

function referenceOf(tool: Tool): readonly string[] {
  const { properties = {}, required = [] } = tool.inputSchema;
  return [
    `### \`${tool.name}\``,
    "",
    `${tool.description}${tool.loses ? ` ${tool.loses}` : ""}`,
    "",
    [
      `Safety: ${tool.safety}${tool.worst === tool.safety ? "" : `, with some arguments ${tool.worst}`}`,
      tool.everyday ? "on the default surface" : "",
      tool.idempotent ? "idempotent" : "",
      tool.openWorld ? "reaches beyond the configured machines" : "",
      `${tokensOf(tool)} tokens`,
    ]
      .filter(Boolean)
      .join("; ") + ".",
    ...(tool.aliases.length > 0 ? ["", `Also accepted as: ${tool.aliases.map((alias) => `\`${alias}\``).join(", ")}.`] : []),
    "",
    ...table(
      ["argument", "type", "required", "meaning"],
      Object.entries(properties).map(([name, schema]) => [
        `\`${name}\``,
        name === "where" ? "filter on the fields" : typeOf(schema),
        required.includes(name) ? "yes" : "",
        schema.description ?? "",
      ]),
    ),
  ];
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map(String).join(" \\| ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return [...new Set(union.map(typeOf))].join(" or ");
  return Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "any");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return ["None."];
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)];
}
