import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Whose token it is, and how long it is good for. */
export interface Grant {
  readonly username?: string;
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  /** Seconds from now; negative for one that has expired. Default: 30 days, the most that a server gives out. */
  readonly expiresIn?: number;
  /** Seconds that it is old. Default 0. */
  readonly age?: number;
  readonly type?: "access" | "refresh";
}

export interface Claims {
  readonly username: string;
  readonly roles: readonly string[];
  readonly scopes?: readonly string[];
  readonly exp: number;
  readonly tt?: string;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const sign = (text: string, secret: string): string => createHmac("sha256", secret).update(text).digest("base64url");

/** A token as `containarium token generate` makes it: HS256. */
export function tokenFor(
  secret: string,
  { username = "mcp-client", roles = ["admin"], scopes, expiresIn = 30 * 86_400, age = 0, type }: Grant,
): string {
  const now = Math.floor(Date.now() / 1000);
  const issued = now - age;
  const registered = { iss: "containarium", aud: ["containarium-api"], exp: now + expiresIn, nbf: issued, iat: issued, jti: randomUUID() };
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ username, roles, ...(scopes ? { scopes } : {}), ...(type ? { tt: type } : {}), ...registered })}`;
  return `${body}.${sign(body, secret)}`;
}

/** The claims of a token that holds. As the server, it does not say what is wrong with one that doesn't. */
export function verified(secret: string, token: string): Claims | undefined {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const wanted = Buffer.from(sign(`${head}.${payload}`, secret));
  const given = Buffer.from(signature);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Claims;
  return claims.exp * 1000 > Date.now() && claims.tt !== "refresh" ? claims : undefined;
}
