import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { type Caller, createProxMcp, type ProxMcp } from "proxmcp";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Who may call, by the token in their `Authorization` header. */
export function callersBy(tokens: Readonly<Record<string, Caller>>) {
  const known = Object.entries(tokens).map(([token, caller]) => ({ caller, hash: digest(`Bearer ${token}`) }));
  return ({ headers }: Request): Caller | undefined => {
    const given = digest(headers.get("authorization") ?? "");
    return known.find(({ hash }) => timingSafeEqual(hash, given))?.caller;
  };
}

/** A web server of one's own: MCP under /mcp, and whatever else it serves. */
export async function serve(app: ProxMcp, tokens: Readonly<Record<string, Caller>>): Promise<Server> {
  const mcp = await app.handler({ caller: callersBy(tokens) });
  const server = createServer((request, response) => {
    if (request.url === "/mcp") return void mcp.node(request, response);
    response.end("Nothing but /mcp is served here.\n");
  });
  server.once("close", () => void mcp.close());
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = await createProxMcp({
    plugins: ["docker"],
    roles: { operator: { deny: ["*_delete"] }, viewer: { readOnly: true } },
  });
  const { ANN_TOKEN: ann, BEN_TOKEN: ben } = process.env;
  if (!ann || !ben) throw new Error("Set ANN_TOKEN and BEN_TOKEN to two secrets.");
  const server = await serve(app, { [ann]: { id: "ann", roles: ["operator"] }, [ben]: { id: "ben", roles: ["viewer"] } });
  server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () =>
    console.log(`http://127.0.0.1:${(server.address() as { port: number }).port}/mcp`),
  );
  process.once("SIGTERM", () => {
    server.close();
    void app.close();
  });
}
