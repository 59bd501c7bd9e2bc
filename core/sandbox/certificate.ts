import { X509Certificate } from "node:crypto";

export interface Certificate {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** SHA-256 of the certificate, lower-case hex without colons. */
  readonly fingerprint: string;
}

/** A fresh key with a certificate for 127.0.0.1 and localhost, good for a day. Signed by itself, or by an authority. */
export async function selfSignedCertificate(commonName: string, authority?: Pick<Certificate, "key" | "cert">): Promise<Certificate> {
  const { generate } = await import("selfsigned");
  const tomorrow = new Date(Date.now() + 86_400_000);
  const made = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256", // the default is refused where an authority signs
    notAfterDate: tomorrow,
    ...(authority ? { ca: { key: authority.key, cert: authority.cert } } : {}),
    extensions: [
      { name: "basicConstraints", cA: authority === undefined },
      {
        name: "subjectAltName",
        altNames: [
          { type: 7, ip: "127.0.0.1" },
          { type: 2, value: "localhost" },
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert, fingerprint: new X509Certificate(made.cert).fingerprint256.replaceAll(":", "").toLowerCase() };
}
