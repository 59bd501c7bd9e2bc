/** What a trust token says, which is base64 of JSON. `lxc config trust add` and `incus config trust add` print one; it works once. */
export interface TrustToken {
  readonly fingerprint: string;
  readonly secret: string;
  readonly addresses: readonly string[];
  /** Of LXD's identities, which are newer than its certificates. */
  readonly type?: string;
}

/** Undefined where it is none. */
export function trustTokenIn(text: string): TrustToken | undefined {
  try {
    const { fingerprint, secret, addresses, type } = JSON.parse(Buffer.from(text.trim(), "base64").toString("utf8")) as TrustToken;
    if (!/^[0-9a-f]{64}$/i.test(fingerprint) || typeof secret !== "string") return undefined;
    return { fingerprint, secret, addresses: addresses ?? [], ...(type ? { type } : {}) };
  } catch {
    return undefined;
  }
}

/** A token from what the server notes of one that it has made, as the command lines print it. Undefined where something is missing. */
export function trustTokenText(name: string, metadata: Readonly<Record<string, unknown>> | null): string | undefined {
  const { fingerprint, addresses, secret, expiresAt } = metadata ?? {};
  if (typeof secret !== "string" || typeof fingerprint !== "string") return undefined;
  const token = { client_name: name, fingerprint, addresses: addresses ?? [], secret, expires_at: expiresAt ?? "0001-01-01T00:00:00Z" };
  return Buffer.from(JSON.stringify(token)).toString("base64");
}
