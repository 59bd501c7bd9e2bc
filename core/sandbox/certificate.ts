import { X509Certificate } from "node:crypto";

export interface Certificate {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** SHA-256 of the certificate, lower-case hex without colons. */
  readonly fingerprint: string;
}

/** A fresh key with a certificate for 127.0.0.1 and localhost, signed by itself, good for a day. */
export async function selfSignedCertificate(commonName: string): Promise<Certificate> {
  const { generate } = await import("selfsigned");
  const tomorrow = new Date(Date.now() + 86_400_000);
  const made = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-256",
    notAfterDate: tomorrow,
    extensions: [
      { name: "basicConstraints", cA: true },
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
