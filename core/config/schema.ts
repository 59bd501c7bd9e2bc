import { z } from "zod";
import { RoutingConfig } from "../route/rules.js";

const globs = z.array(z.string().min(1));

export const CONFIRM = ["destructive", "write", "never"] as const;

const ToolRules = z.strictObject({
  allow: globs.optional().describe("Patterns of tool names. Once given, nothing else can be called"),
  deny: globs.optional().describe("Patterns of tool names that cannot be called. Wins over allow"),
  readOnly: z.boolean().optional().describe("Only tools that change nothing"),
  confirm: z.enum(CONFIRM).optional().describe("From which safety on a call has to be confirmed; the strictest that applies holds"),
});

/** Options of the core for one connection; the rest of its entry belongs to the provider's own schema. */
export const ConnectionRules = z.object({
  provider: z.string().min(1).describe("Which plugin it belongs to"),
  match: globs.optional().describe("Patterns of item names that belong to this connection"),
  tags: z.record(z.string(), z.string()).optional().describe("Labels of your own"),
  tools: ToolRules.optional().describe("What may be done on this connection, of what the general rules leave"),
});

/** What callers with a role may do, of what the other rules leave. */
const RoleRules = ToolRules.extend({
  connections: globs.optional().describe("Patterns of the connections that it may use. Default: all"),
});

const seconds = z.number().positive().max(86_400);
const named = (what: string) =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/, `${what} is letters, digits, \`_\`, \`.\` and \`-\`, at most 60`);

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional().describe("Where editors find the JSON Schema of this file"),
  connections: z.record(named("a connection's name"), z.looseObject(ConnectionRules.shape)).optional().describe("The machines, by name"),
  plugins: z
    .array(
      z.union([z.string().min(1), z.custom<object>((value) => typeof value === "object" && value !== null)], {
        error: "allowed: a package name, a path or a provider object",
      }),
    )
    .optional()
    .describe("Package names, paths or provider objects. Replaces the default list"),
  tools: ToolRules.extend({
    surface: z.enum(["default", "all", "search"]).optional().describe("Which tools are listed"),
    confirmBy: z.enum(["auto", "token"]).optional().describe("auto: by the client's dialogue where it has one, else by a token"),
  })
    .optional()
    .describe("What may be done at all"),
  roles: z.record(named("a role's name"), RoleRules).optional().describe("What callers with a role may do, of what the other rules leave"),
  defaults: z
    .record(z.string(), z.string())
    .optional()
    .describe("By provider: the connection for calls that name none and concern nothing that exists"),
  routing: RoutingConfig.optional().describe("Where workloads go: weights, rules, what each place keeps free"),
  cache: z
    .strictObject({ ttl: z.number().min(0).max(3600).optional().describe("Seconds that answers are kept") })
    .optional()
    .describe("Whether answers are kept for a while"),
  limits: z
    .strictObject({
      readTimeout: seconds.optional().describe("Seconds for a call that changes nothing"),
      writeTimeout: seconds.optional().describe("Seconds for any other call"),
      concurrency: z.int().min(1).max(256).optional().describe("Calls at once on one connection; more wait"),
      outputBytes: z.int().min(1000).max(10_000_000).optional().describe("Bytes at which a page of a list ends"),
    })
    .optional()
    .describe("Times and sizes that are not exceeded"),
  checkAtStart: z.boolean().optional().describe("Test every connection when a server starts; what is down is a warning in the log"),
  audit: z
    .union([z.literal(false), z.strictObject({ file: z.string().min(1).describe("JSON lines are appended to it") })], {
      error: 'allowed: false, or { file: "path" }',
    })
    .optional()
    .describe("Where audit lines go. Default: among the log lines; false: nowhere"),
  log: z
    .strictObject({ level: z.enum(["debug", "info", "warn", "error", "silent"]).optional().describe("From which level on lines are written") })
    .optional()
    .describe("The log, on stderr"),
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
