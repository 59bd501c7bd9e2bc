import { text, time, words } from "../columns.js";
import { records } from "../crud.js";
import { at } from "../client.js";
import { z } from "zod";

export const certificates = records({
  name: "certificate",
  about: "A TLS certificate of a node",
  says: ["certificate", "tls certificate"],
  key: "file",
  within: { node: z.string().describe("Node") },
  listRequires: ["node"],
  path: ({ at: { node = "" } }) => at`/nodes/${node}/certificates/info`,
  fromList: true,
  verbs: [],
  columns: {
    file: text("filename", "File: pve-ssl.pem", { says: ["name"] }),
    subject: text("subject", "For whom"),
    issuer: text("issuer", "Who vouches"),
    names: words("san", "Names and addresses it is for", { says: ["san", "hostnames"] }),
    created: time("notbefore", "Valid from"),
    expires: time("notafter", "Valid until", { says: ["expiry", "expiration", "valid until"] }),
    fingerprint: text("fingerprint", "SHA-256"),
  },
});
