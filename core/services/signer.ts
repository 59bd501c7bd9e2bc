import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Signs small values so that they can travel through a caller and be believed when they come back. */
export class Signer {
  readonly #key: Buffer;

  constructor(key: Buffer = randomBytes(32)) {
    this.#key = key;
  }

  sign(value: unknown): string {
    const body = Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${body}.${this.#mac(body).toString("base64url")}`;
  }

  /** The value, or undefined if it was not signed here or was changed since. */
  open<Value>(text: string): Value | undefined {
    const [body = "", mac = ""] = text.split(".");
    const given = Buffer.from(mac, "base64url");
    const expected = this.#mac(body);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Value;
  }

  #mac(body: string): Buffer {
    return createHmac("sha256", this.#key).update(body).digest().subarray(0, 16);
  }
}
