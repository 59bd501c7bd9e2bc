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
