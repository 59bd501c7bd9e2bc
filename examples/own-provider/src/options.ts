import { facet, type FoundConnection, secret } from "proxmcp/plugin";
import { z } from "zod";
import { tokenIn } from "./token.ts";

/** How a Containarium server is reached: its REST API, and a token for it. */
export const ContainariumConnection = z
  .strictObject({
    url: facet(
      z.url({ protocol: /^https?$/, error: "must be an address: https://containarium.example.com, http://localhost:8080" }),
      "Address of the REST API: https://containarium.example.com",
    ),
    token: secret(z.string(), "Token, as containarium token generate prints it"),
    ca: facet(z.string(), "Authority that signed the server's certificate, PEM").optional(),
    fingerprint: facet(z.string(), "SHA-256 of the server's certificate in hex; no other is accepted then").optional(),
  })
  .superRefine(({ url, token }, context) => {
    const wrong = wrongAddress(new URL(url)) ?? wrongToken(token);
    if (wrong) context.addIssue({ code: "custom", path: [wrong[0]], message: wrong[1] });
  });

type Fault = readonly [option: "url" | "token", why: string];

function wrongAddress(url: URL): Fault | undefined {
  if (url.username || url.password) return ["url", "must not hold a user or password: give the token as `token`"];
  return url.search || url.hash ? ["url", "must end after its path"] : undefined;
}

function wrongToken(text: string): Fault | undefined {
  if (/^\s*bearer\s/i.test(text)) return ["token", "is given without the word Bearer before it"];
  const token = tokenIn(text);
  if (!token) return ["token", "is no JWT: three parts with dots between, beginning with eyJ, as `containarium token generate` prints it"];
  return token.refresh ? ["token", "is a refresh token, which the API refuses: give the access token that came with it"] : undefined;
}

/** Reads what Containarium's own MCP server reads: CONTAINARIUM_SERVER_URL with CONTAINARIUM_JWT_TOKEN or CONTAINARIUM_JWT_TOKEN_FILE. */
export function environmentConnections(env: Readonly<Record<string, string | undefined>>): readonly FoundConnection[] {
  const url = env["CONTAINARIUM_SERVER_URL"]?.trim();
  if (!url) return [];
  const file = env["CONTAINARIUM_JWT_TOKEN_FILE"]?.trim();
  // A reference, so that an absent variable is named when it is missed, and the token itself is nowhere but where it is used.
  const token = file ? { file } : { env: "CONTAINARIUM_JWT_TOKEN" };
  return [{ name: "containarium", options: { url, token }, from: "CONTAINARIUM_SERVER_URL" }];
}
