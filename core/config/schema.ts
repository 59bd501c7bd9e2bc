import { z } from "zod";
import { RoutingConfig } from "../route/rules.js";

const globs = z.array(z.string().min(1));

export const CONFIRM = ["destructive", "write", "never"] as const;

const ToolRules = z.strictObject({
  /** Globs on tool names. Once given, nothing else can be called. */
  allow: globs.optional(),
  /** Globs on tool names. Wins over `allow`. */
  deny: globs.optional(),
  /** Only tools that change nothing. */
  readOnly: z.boolean().optional(),
  /** From which safety on a call has to be confirmed. */
  confirm: z.enum(CONFIRM).optional(),
});

/** Options of the core for one connection; the rest of its entry belongs to the provider's own schema. */
export const ConnectionRules = z.object({
  provider: z.string().min(1),
  match: globs.optional(),
  tags: z.record(z.string(), z.string()).optional(),
  tools: ToolRules.optional(),
});

/** What callers with a role may do, of what the other rules leave. */
const RoleRules = ToolRules.extend({
  /** Globs on names of connections. Default: all. */
  connections: globs.optional(),
});

const seconds = z.number().positive().max(86_400);

export const ConfigSchema = z.strictObject({
  /** The JSON Schema of this file, for editors. */
  $schema: z.string().optional(),
  connections: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/, "a connection's name is letters, digits, `_`, `.` and `-`, at most 60"),
      z.looseObject(ConnectionRules.shape),
    )
    .optional(),
  plugins: z
    .array(
      z.union([z.string().min(1), z.custom<object>((value) => typeof value === "object" && value !== null)], {
        error: "allowed: a package name, a path or a provider object",
      }),
    )
    .optional(),
  tools: ToolRules.extend({
    surface: z.enum(["default", "all", "search"]).optional(),
    /** How a confirmation is asked for: by elicitation where the client has it, or always by a token. */
    confirmBy: z.enum(["auto", "token"]).optional(),
  }).optional(),
  roles: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/, "a role's name is letters, digits, `_`, `.` and `-`, at most 60"), RoleRules)
    .optional(),
  defaults: z.record(z.string(), z.string()).optional(),
  /** Where workloads go: weights, rules, what each place keeps free. See docs/routing.md. */
  routing: RoutingConfig.optional(),
  cache: z.strictObject({ ttl: z.number().min(0).max(3600).optional() }).optional(),
  limits: z
    .strictObject({
      readTimeout: seconds.optional(),
      writeTimeout: seconds.optional(),
      concurrency: z.int().min(1).max(256).optional(),
      outputBytes: z.int().min(1000).max(10_000_000).optional(),
    })
    .optional(),
  audit: z.union([z.literal(false), z.strictObject({ file: z.string().min(1) })], { error: 'allowed: false, or { file: "path" }' }).optional(),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error", "silent"]).optional() }).optional(),
});

export type ToolRules = z.output<typeof ToolRules>;
export type RoleRules = z.output<typeof RoleRules>;

/** What `proxmcp.config.*` holds. */
export type Config = z.input<typeof ConfigSchema>;
/** The same, checked. */
export type CheckedConfig = z.output<typeof ConfigSchema>;

/** Types a config file: `export default defineConfig({ ... })`. */
export const defineConfig = (config: Config): Config => config;

/** What is used where the config says nothing. Times in seconds, sizes in bytes. */
export const DEFAULTS = {
  surface: "default",
  confirm: "destructive",
  readTimeout: 30,
  writeTimeout: 600,
  concurrency: 8,
  outputBytes: 200_000,
  plugins: ["proxmox", "lxd", "docker"],
} as const;

/** The limits that hold: those of the config, and the defaults for the rest. Times in seconds, sizes in bytes. */
export function limitsOf({ limits = {} }: Pick<CheckedConfig, "limits">): Limits {
  const { readTimeout, writeTimeout, concurrency, outputBytes } = DEFAULTS;
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { readTimeout, writeTimeout, concurrency, outputBytes, ...Object.fromEntries(given) };
}

export interface Limits {
  /** Seconds that a reading call may take on one connection. */
  readonly readTimeout: number;
  readonly writeTimeout: number;
  /** Calls that run on one connection at once. */
  readonly concurrency: number;
  /** Bytes of one answer. */
  readonly outputBytes: number;
}
