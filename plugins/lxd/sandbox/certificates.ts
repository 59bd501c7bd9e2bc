import { randomBytes, X509Certificate } from "node:crypto";
import { accepted, Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import type { World } from "./world.js";

interface Known {
  name: string;
  readonly type: string;
  restricted: boolean;
  projects: readonly string[];
  readonly certificate: string;
  readonly fingerprint: string;
}

interface Offer {
  readonly name: string;
  readonly restricted: boolean;
  readonly projects: readonly string[];
  /** Told when the token was used. */
  used(): void;
}

/** Whom a server trusts, and what lets others in. */
export class Trust {
  readonly known = new Map<string, Known>();
  readonly offers = new Map<string, Offer>();
  /** PEM of an authority whose clients are trusted without more. */
  authority: string | undefined;
  password: string | undefined;

  add(certificate: string, { name = "", type = "client", restricted = false, projects = [] }: Partial<Known>): void {
    const fingerprint = fingerprintOf(certificate);
    this.known.set(fingerprint, { name, type, restricted, projects, certificate, fingerprint });
  }

  trusts(certificate: string | undefined): boolean {
    if (certificate === undefined) return false;
    if (this.known.has(fingerprintOf(certificate))) return true;
    return this.authority !== undefined && new X509Certificate(certificate).verify(new X509Certificate(this.authority).publicKey);
  }
}

const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();

/** A token as the command prints it: base64 of JSON. */
export function trustToken(world: World, offer: Omit<Offer, "used"> & Partial<Offer>): { readonly secret: string; readonly token: string } {
  const secret = randomBytes(32).toString("hex");
  world.trust.offers.set(secret, { used: () => {}, ...offer });
  const fingerprint = world.listens ? fingerprintOf(world.listens.certificate) : "";
  const text = JSON.stringify({
    client_name: offer.name,
    fingerprint,
    addresses: [world.listens?.address],
    secret,
    expires_at: "0001-01-01T00:00:00Z",
  });
  return { secret, token: Buffer.from(text).toString("base64") };
}

interface Post {
  readonly type?: string;
  readonly name?: string;
  readonly certificate?: string;
  readonly password?: string;
  readonly trust_token?: string;
  readonly token?: boolean;
  readonly restricted?: boolean;
  readonly projects?: readonly string[];
}

/** `POST /1.0/certificates`: a trusted client adds one or makes a token; a stranger brings a token or a password. */
export function postCertificate(call: Call) {
  const { world, clientCert, trusted } = call;
  const body = call.json<Post>();
  if (trusted) return body.token ? makeToken(call, body) : addOther(call, body);
  const { trust } = world;
  const incus = world.host.flavor === "incus";
  const given = incus ? body.trust_token : body.password;
  if (!clientCert || !given) throw new Refusal(403, "not authorized");
  const secret = secretIn(given);
  const offer = trust.offers.get(secret ?? "");
  if (!offer && (incus || trust.password === undefined || given !== trust.password)) throw new Refusal(403, "not authorized");
  if (secret) trust.offers.delete(secret);
  offer?.used();
  trust.add(clientCert, { name: body.name ?? "", ...offer });
  return { ...sync(null), status: 201 };
}

function addOther({ world, clientCert }: Call, { certificate, ...body }: Post) {
  if (!certificate) throw new Refusal(400, clientCert ? "Client is already trusted" : "No client certificate provided");
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
  let known: boolean;
  try {
    known = world.trust.known.has(fingerprintOf(pem));
  } catch {
    throw new Refusal(400, "illegal base64 data at input byte 4");
  }
  if (known) throw new Refusal(409, "Certificate already in trust store");
  checkProjects(world, body.projects ?? []);
  world.trust.add(pem, body);
  return { ...sync(null), status: 201 };
}

function makeToken({ world }: Call, { name = "", restricted = false, projects = [] }: Post) {
  let use = (): void => {};
  const used = new Promise<void>((resolve) => (use = resolve));
  const { secret } = trustToken(world, { name, restricted, projects, used: use });
  const operation = world.operations.start({
    description: "Executing operation",
    class: "token",
    instances: [],
    mayCancel: true,
    metadata: () => ({
      addresses: [world.listens?.address],
      fingerprint: world.listens ? fingerprintOf(world.listens.certificate) : "",
      request: { name, type: "client", restricted, projects, certificate: "", password: "", token: true },
      secret,
    }),
    run: async ({ signal }) => {
      await Promise.race([used, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
      world.trust.offers.delete(secret);
    },
  });
  return accepted(operation);
}

function secretIn(token: string): string | undefined {
  try {
    return (JSON.parse(Buffer.from(token, "base64").toString("utf8")) as { secret?: string }).secret;
  } catch {
    return undefined;
  }
}

/** `GET /1.0/certificates`, and one of them by its fingerprint or a beginning of it. */
export function certificates({ world, names, query }: Call) {
  const known = [...world.trust.known.values()];
  const [wanted] = names;
  if (wanted !== undefined) return sync(theOne(world, wanted));
  return sync(query.get("recursion") ? known : known.map(({ fingerprint }) => `/1.0/certificates/${fingerprint}`));
}

/** `PUT /1.0/certificates/{fingerprint}`. */
export function changeCertificate({ world, names, json }: Call) {
  const known = theOne(world, names[0] ?? "");
  const { name = "", restricted = false, projects = [] } = json<Partial<Known>>();
  checkProjects(world, projects);
  Object.assign(known, { name, restricted, projects });
  return sync({});
}

function checkProjects(world: World, projects: readonly string[]): void {
  if (projects.some((project) => !world.projects.has(project))) throw new Refusal(404, "Project not found");
}

export function deleteCertificate({ world, names }: Call) {
  world.trust.known.delete(theOne(world, names[0] ?? "").fingerprint);
  return sync({});
}

function theOne(world: World, wanted: string): Known {
  const found = [...world.trust.known.values()].filter(({ fingerprint }) => fingerprint.startsWith(wanted));
  if (found.length > 1) throw new Refusal(400, "More than one certificate matches");
  if (!found[0]) throw new Refusal(404, "Certificate not found");
  return found[0];
}
