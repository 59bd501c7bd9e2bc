import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application, Comment, CommentTag, Converter, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { SAID } from "../../../core/declare/said.js";
import { VERBS } from "../../../core/declare/verbs.js";

const root = new URL("../../..", import.meta.url).pathname;

/** The chapters, in the order in which somebody writes a provider, and the files whose exports stand in each. */
const CHAPTERS: Readonly<Record<string, readonly string[]>> = {
  Provider: ["core/declare/provider.ts"],
  "Before there is a connection": ["core/declare/connecting.ts"],
  Kinds: ["core/declare/kind.ts"],
  Fields: ["core/declare/facet.ts", "core/declare/said.ts"],
  Actions: ["core/declare/action.ts"],
  Verbs: ["core/declare/verbs.ts"],
  Workloads: ["core/declare/workload.ts"],
  Errors: ["core/errors.ts"],
  Services: ["core/declare/tokens.ts", "core/declare/shared.ts"],
  "HTTP and SSH": ["core/transport/types.ts", "core/declare/ssh.ts"],
  Sandboxes: ["core/declare/sandbox.ts", "core/sandbox/server.ts", "core/sandbox/certificate.ts"],
  Tests: ["core/testing/review.ts"],
};

/** What a reader looks for first, ahead of what it is made of. The rest stands as in its file. */
const FIRST = [
  "defineProvider",
  "ProviderSpec",
  "forConnections",
  "ConnectingSpec",
  "forClient",
  "KindSpec",
  "facet",
  "secret",
  "FacetOptions",
  "ActionSpec",
  "Safety",
  "ProxMcpError",
  "testProvider",
  "ReviewOptions",
  "serveSandbox",
];

/** Sections that say what the signature says already, or what only matters to the compiler. */
const DROPPED =
  /^#+ (Type Parameters|Overrides|Inherited from|Extends|Returns|Extended by|Implements|Type Declaration)\n|^#+ Parameters\n\n\| Parameter \| Type \|\n/;

/** The page for one of the modules that authors import: what its docstrings say, as Markdown. */
export async function moduleReference(entry: string, title: string): Promise<string> {
  const out = mkdtempSync(join(tmpdir(), "proxmcp-reference-"));
  try {
    const options: TypeDocOptions & PluginOptions = {
      entryPoints: [join(root, entry)],
      tsconfig: join(root, "test/derived/typedoc/tsconfig.json"),
      skipErrorChecking: true, // that is the type check's to do
      plugin: ["typedoc-plugin-markdown"],
      ...{ out, readme: "none", disableSources: true, excludeExternals: true, excludePrivate: true, logLevel: "Error" },
      ...{ sort: [], categoryOrder: Object.keys(CHAPTERS), categorizeByGroup: false, validation: false },
      ...{ outputFileStrategy: "modules", hideBreadcrumbs: true, hidePageHeader: true, hidePageTitle: true, useCodeBlocks: true },
      ...{ interfacePropertiesFormat: "table", propertyMembersFormat: "table", parametersFormat: "table", typeAliasPropertiesFormat: "table" },
      expandParameters: true,
      ...{ typeDeclarationFormat: "table", classPropertiesFormat: "table" },
      tableColumnSettings: { hideDefaults: true, hideInherited: true, hideModifiers: true, hideOverrides: true, hideSources: true },
    };
    const app = await Application.bootstrapWithPlugins(options as Partial<TypeDocOptions>);
    app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
      for (const child of project.children ?? []) {
        const file = project.getSymbolIdFromReflection(child)?.fileName ?? "";
        const chapter = Object.keys(CHAPTERS).find((name) => CHAPTERS[name]?.some((one) => file.endsWith(one)));
        if (chapter === undefined) throw new Error(`${child.name} of ${file} stands in no chapter of the reference`);
        child.comment ??= new Comment();
        const table = TABLES[child.name];
        if (table) child.comment.summary.push({ kind: "text", text: `\n\n${table()}` });
        child.comment.blockTags.push(new CommentTag("@category", [{ kind: "text", text: chapter }]));
      }
    });
    app.converter.on(
      Converter.EVENT_RESOLVE_END,
      ({ project }) => {
        for (const chapter of project.categories ?? []) chapter.children.sort((a, b) => rank(a.name) - rank(b.name));
      },
      -1000, // when they are there
    );
    const project = await app.convert();
    if (!project) throw new Error(`${entry} could not be read`);
    await app.generateOutputs(project);
    const file = readdirSync(out).find((name) => name.endsWith(".md")) ?? "";
    return `# ${title}\n\n${tidy(readFileSync(join(out, file), "utf8"))}`;
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** A signature of more lines than this says less than the words below it. */
const LONG = /^```ts\n(?:(?!```).*\n){17,}```\n\n/gm;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** What is in a constant, beside what its docstring says of it. */
const TABLES: Readonly<Record<string, () => string>> = {
  VERBS: () =>
    table(
      ["verb", "means", "on", "idempotent"],
      Object.entries(VERBS).map(([verb, { means, on, idempotent }]) => [`\`${verb}\``, means, on, idempotent ? "yes" : ""]),
    ),
  SAID: () =>
    table(
      ["state", "words"],
      Object.entries(SAID).map(([state, words]) => [`\`${state}\``, words.join(", ")]),
    ),
};

const rank = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);

function tidy(page: string): string {
  const sections = page.split(/^(?=#+ )/m).filter((section) => !DROPPED.test(section));
  return `${sections
    .join("")
    .replaceAll(/\s*\|?\s*"CONFIG_INVALID"(\s*\| "[A-Z_]+")+/g, " ErrorCode") // it is spelled out wherever it is used
    .replaceAll(/(\\\| )?`"CONFIG_INVALID"`( \\\| `"[A-Z_]+"`)+/g, "[`ErrorCode`](#errorcode)")
    .replaceAll(LONG, "")
    .replaceAll(/^#### (Properties|Methods|Constructors)\n\n/gm, "")
    .replaceAll(/^##### /gm, "#### ")
    .replaceAll(/<a id="[^"]*"><\/a> /g, "")
    .replaceAll(/^\*\*\*\n\n/gm, "")
    .trim()}\n`;
}
