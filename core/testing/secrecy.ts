import { rememberSecrets } from "../config/secrets.js";
import { isProxMcpError } from "../errors.js";
import type { Check } from "./review.js";
import { toolsOf, type Subject } from "./subject.js";

/** Shorter ones are words that stand in any answer. */
const MIN_LENGTH = 6;
const CREDENTIALS = /^(authorization|cookie|proxy-authorization|x-.*(token|key|secret|auth).*|.*csrf.*|api-?key)$/i;

/** What a connection keeps secret, and what is made of it on the wire, is in no answer, no error and no line of the log. */
export const secrecy: Check = {
  name: "keeps secrets out of answers, errors and logs",
  async run(subject) {
    const secrets = new Map<string, string>();
    rememberSecrets(subject.provider.connection.schema, subject.connection, subject.connection, {
      add: (value: string) => void (value.length >= MIN_LENGTH && secrets.set(value, "a secret of the connection")),
    });
    const answers: (readonly [at: string, text: string])[] = [];
    const ask = async (tool: string, args: Readonly<Record<string, unknown>>): Promise<void> => {
      try {
        answers.push([tool, JSON.stringify(await subject.call(tool, args))]);
      } catch (error) {
        answers.push([tool, isProxMcpError(error) ? JSON.stringify(error.report()) : String(error)]);
      }
    };
    const listings = await subject.listings();
    for (const { tool, within } of listings) await ask(tool.name, { limit: 1000, ...within });
    answers.push(["the test of the connection", JSON.stringify(await subject.app.test())]);
    for (const [value, name] of sent(subject)) if (!secrets.has(value)) secrets.set(value, `what it sends as ${name}`);
    if (subject.sandbox) {
      // The worst that a server can do: its error repeats what it was sent.
      const echo = [...secrets.keys()].join(" ");
      subject.sandbox.fail({ path: /^/, status: 500, reason: "no", body: { message: echo, error: echo, errors: { token: echo } } });
      for (const { tool, within } of listings) await ask(tool.name, within);
      for (const tool of toolsOf(subject.app, "get").slice(0, 3)) await ask(tool.name, { [tool.operation.kind.key]: "none" });
      subject.sandbox.heal();
    }
    for (const [value, what] of secrets) {
      for (const [at, text] of answers) if (text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1))) tell(subject, at, what);
      for (const line of subject.log) if (line.includes(value)) tell(subject, "the log", what);
    }
  },
};

const tell = ({ note }: Subject, at: string, what: string): void =>
  note(at, `it shows ${what}. Declare the option with secret(); what is made of it (a ticket, a session) belongs in no message.`);

/** The values of the headers that carried credentials, without the scheme before them. */
function sent({ sandbox }: Subject): readonly (readonly [value: string, header: string])[] {
  return (sandbox?.requests ?? []).flatMap(({ headers }) =>
    Object.entries(headers).flatMap(([name, value]) =>
      CREDENTIALS.test(name) && typeof value === "string"
        ? value
            .split(/[ =;,]+/)
            .filter((part) => part.length >= 16)
            .map((part) => [part, name] as const)
        : [],
    ),
  );
}
