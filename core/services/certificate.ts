const YEARS = 10;

/** A fresh key and a certificate that it signed itself: a client's, which a server is asked to trust. Both PEM. */
export async function clientCertificate(commonName: string): Promise<{ readonly key: string; readonly cert: string }> {
  const { generate } = await import("selfsigned");
  const end = new Date();
  end.setFullYear(end.getFullYear() + YEARS);
  const { private: key, cert } = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-384",
    algorithm: "sha384",
    notAfterDate: end,
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
      { name: "extKeyUsage", clientAuth: true },
    ],
  });
  return { key, cert };
}
