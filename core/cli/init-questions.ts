import * as prompts from "@clack/prompts";
import { type ClientName, CLIENTS } from "../config/clients.js";
import { type Draft, type DraftConnection, variableFor } from "../config/draft.js";
import type { Provider } from "../declare/provider.js";
import { facetOf } from "../declare/facet.js";
import { jsonOf } from "../derive/json.js";
import { ProxMcpError } from "../errors.js";

export interface Answers {
  readonly connections: readonly DraftConnection[];
  readonly tools: Draft["tools"];
  readonly file: string;
  readonly clients: readonly (ClientName | "print")[];
}

/** What `init` asks the person. */
export interface Questions {
  answers(
    found: readonly DraftConnection[],
    providers: readonly Provider[],
    given: { readonly file: string; readonly client?: readonly string[] | undefined },
  ): Promise<Answers>;
  replace(file: string): Promise<boolean>;
  replaceEntry(file: string, name: string): Promise<boolean>;
}

type Streams = Pick<prompts.CommonOptions, "input" | "output">;

/** Asks at a terminal. */
export function atTerminal(streams: Streams = {}): Questions {
  return {
    async answers(found, providers, { file, client }) {
      const connections = [...(await chosen(found, streams))];
      while (
        await ask(
          prompts.confirm({
            message: connections.length > 0 ? "Another machine?" : "A machine?",
            initialValue: connections.length === 0,
            ...streams,
          }),
        )
      )
        connections.push(await described(providers, connections, streams));
      return {
        connections,
        tools: await safety(streams),
        file: await ask(prompts.text({ message: "Where shall the config be?", initialValue: file, validate: needed, ...streams })),
        clients: client
          ? (client as Answers["clients"])
          : await ask(
              prompts.multiselect({
                message: "Which clients shall start it?",
                options: [
                  ...Object.entries(CLIENTS).map(([value, { title }]) => ({ value: value as ClientName | "print", label: title })),
                  { value: "print" as const, label: "Print the entry" },
                ],
                initialValues: ["print" as const],
                ...streams,
              }),
            ),
      };
    },
    replace: (file) => ask(prompts.confirm({ message: `There is a ${file} already. Replace it?`, initialValue: false, ...streams })),
    replaceEntry: (file, name) =>
      ask(prompts.confirm({ message: `${file} has another entry ${name}. Replace it?`, initialValue: false, ...streams })),
  };
}

async function chosen(found: readonly DraftConnection[], streams: Streams): Promise<readonly DraftConnection[]> {
  if (found.length === 0) return [];
  const options = found.map((one) => ({ value: one, label: `${one.name} (${one.provider.title})`, ...(one.from ? { hint: one.from } : {}) }));
  return await ask(
    prompts.multiselect({ message: "Found. Which shall be managed?", options, initialValues: [...found], required: false, ...streams }),
  );
}

/** A machine in the person's own words: the options are those of the provider's own schema. */
async function described(providers: readonly Provider[], others: readonly DraftConnection[], streams: Streams): Promise<DraftConnection> {
  const provider = await ask(
    prompts.select({ message: "What is it?", options: providers.map((one) => ({ value: one, label: one.title, hint: one.about })), ...streams }),
  );
  const name = await ask(
    prompts.text({
      message: "What shall it be called?",
      initialValue: others.some((one) => one.name === provider.name) ? "" : provider.name,
      validate: (value = "") =>
        !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/.test(value)
          ? "letters, digits, _ . and -"
          : others.some((one) => one.name === value)
            ? "there is one of this name"
            : undefined,
      ...streams,
    }),
  );
  const { properties = {}, required = [] } = jsonOf(provider.connection.schema, "input");
  const simple = Object.entries(properties).filter(([, { type }]) => ["string", "boolean", "integer", "number"].includes(String(type)));
  const picked = await ask(
    prompts.multiselect({
      message: "Which of these do you give?",
      options: simple.map(([option, { description }]) => ({ value: option, label: option, ...(description ? { hint: description } : {}) })),
      initialValues: simple.map(([option]) => option).filter((option) => required.includes(option)),
      ...streams,
    }),
  );
  const options: Record<string, unknown> = {};
  for (const option of picked) options[option] = await value(provider, name, option, properties[option]?.type, streams);
  return { name, provider, options };
}

/** A secret is not typed here: the config refers to a variable that holds it. Nor is the text of a certificate: it is in a file. */
async function value(provider: Provider, connection: string, option: string, type: unknown, streams: Streams): Promise<unknown> {
  const schema = (provider.connection.schema.shape as Record<string, object>)[option] ?? {};
  const facet = facetOf(schema);
  if (type === "boolean") return await ask(prompts.confirm({ message: `${option}: ${facet?.about ?? ""}`, ...streams }));
  if (facet?.secret) {
    const message = `${option}: which variable of the environment holds it?`;
    return { env: await ask(prompts.text({ message, initialValue: variableFor(connection, option), validate: needed, ...streams })) };
  }
  const message = `${option}: ${facet?.about ?? ""} (or file:/path/to/it)`;
  const text = await ask(prompts.text({ message, validate: needed, ...streams }));
  if (text.startsWith("file:")) return { file: text.slice("file:".length) };
  return type === "string" ? text : Number(text);
}

async function safety(streams: Streams): Promise<Draft["tools"]> {
  const answer = await ask(
    prompts.select({
      message: "What may a model do?",
      options: [
        { value: "destructive", label: "Change things", hint: "whatever can lose data is confirmed first" },
        { value: "write", label: "Change things, each change confirmed" },
        { value: "readOnly", label: "Only look" },
      ],
      ...streams,
    }),
  );
  return answer === "readOnly" ? { readOnly: true } : answer === "write" ? { confirm: "write" } : undefined;
}

const needed = (value: string | undefined): string | undefined => (value?.trim() ? undefined : "it is needed");

/** An answer; at Ctrl+C nothing is written. */
async function ask<Asked>(question: Promise<Asked>): Promise<Exclude<Asked, symbol>> {
  const answer = await question;
  if (prompts.isCancel(answer)) throw new ProxMcpError("CANCELLED", "Nothing was written.", { next: "Start again with `proxmcp init`." });
  return answer as Exclude<Asked, symbol>;
}
