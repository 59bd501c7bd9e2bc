import { z } from "zod";
import type { Shape } from "../declare/action.js";
import type { Provider } from "../declare/provider.js";
import { ProxMcpError } from "../errors.js";
import { jsonOf } from "../derive/json.js";
import { lazily, type Tool } from "../derive/tools.js";
import type { CallContext } from "../call/context.js";

/** A tool of the core itself, beside those that are derived from plugins. */
export interface CoreTool extends Tool {
  /** False where another call underneath writes the audit line. */
  readonly audited: boolean;
  run(args: Readonly<Record<string, unknown>>, context: CallContext): Promise<Readonly<Record<string, unknown>>>;
}

export interface CoreToolSpec<Input extends Shape> extends Pick<Tool, "name" | "title" | "description" | "safety"> {
  readonly everyday?: boolean;
  readonly aliases?: readonly string[];
  readonly audited?: boolean;
  readonly of?: Provider;
  readonly openWorld?: boolean;
  readonly input: Input;
  readonly output: z.ZodObject;
  run(input: z.output<z.ZodObject<Input>>, context: CallContext): Promise<Readonly<Record<string, unknown>>>;
}

export function coreTool<const Input extends Shape>(spec: CoreToolSpec<Input>): CoreTool {
  const { input, output, run, ...rest } = spec;
  const schema = z.strictObject(input);
  return lazily(
    {
      ...rest,
      worst: spec.safety,
      idempotent: spec.safety === "read",
      openWorld: spec.openWorld ?? false,
      everyday: spec.everyday ?? true,
      aliases: spec.aliases ?? [],
      audited: spec.audited ?? true,
      async run(args: Readonly<Record<string, unknown>>, context: CallContext) {
        const parsed = schema.safeParse(args);
        if (parsed.success) return await run(parsed.data as z.output<z.ZodObject<Input>>, context);
        const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "arguments"}: ${issue.message}`);
        throw new ProxMcpError("INVALID_INPUT", `${spec.name}: ${faults.join("; ")}`, { data: { faults } });
      },
    },
    { inputSchema: () => jsonOf(schema, "input"), outputSchema: () => jsonOf(output, "output") },
  );
}
