/** What a Containarium token says of itself. It is read, not verified: only the server has the key. */
export interface Token {
  readonly username: string;
  readonly roles: readonly string[];
  /** What it is limited to: `containers:read` and the like. Empty: nothing is left out. */
  readonly scopes: readonly string[];
  /** Milliseconds since 1970. */
  readonly issued?: number;
  readonly expires?: number;
  /** It only fetches new tokens. The API refuses it. */
  readonly refresh: boolean;
}

/** Reads a JWT (`eyJ...`, three parts). Undefined if it is none. */
export function tokenIn(text: string): Token | undefined {
  const [, payload, signature, ...more] = text.split(".");
  if (!payload || !signature || more.length > 0) return undefined;
  let claims: Readonly<Record<string, unknown>>;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as typeof claims;
  } catch {
    return undefined;
  }
  if (typeof claims !== "object" || claims === null) return undefined;
  const { username, sub, roles, scopes, iat, exp, tt } = claims;
  return {
    username: [username, sub].find((name): name is string => typeof name === "string") ?? "",
    roles: texts(roles),
    scopes: texts(scopes),
    ...(typeof iat === "number" ? { issued: iat * 1000 } : {}),
    ...(typeof exp === "number" ? { expires: exp * 1000 } : {}),
    refresh: tt === "refresh",
  };
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Time to get a new token before the old one ends. Of a token that lives less than twice as long, half of its life. */
const NOTICE = 14 * DAY;

/** How to get a new one, for errors and warnings. */
export const RENEW =
  "Generate a new token on the server (containarium token generate --username <name> --roles admin --expiry 720h --secret-file " +
  "/etc/containarium/jwt.secret) and put it where this connection takes its token from, CONTAINARIUM_JWT_TOKEN for instance.";

/** A sentence on a token that has expired, or soon will. Undefined while there is nothing to say. */
export function expiryWarning({ username, issued, expires }: Token, now: number): string | undefined {
  if (expires === undefined) return undefined;
  const whose = username ? `The token of ${username}` : "The token";
  const on = new Date(expires).toISOString();
  if (expires <= now) return `${whose} expired on ${on}, ${spanText(now - expires)} ago.`;
  const notice = issued === undefined ? NOTICE : Math.min(NOTICE, (expires - issued) / 2);
  return expires - now <= notice ? `${whose} expires on ${on}, in ${spanText(expires - now)}.` : undefined;
}

function spanText(milliseconds: number): string {
  if (milliseconds >= 2 * DAY) return `${Math.floor(milliseconds / DAY)} days`;
  if (milliseconds >= 2 * HOUR) return `${Math.floor(milliseconds / HOUR)} hours`;
  const minutes = Math.floor(milliseconds / MINUTE);
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}
