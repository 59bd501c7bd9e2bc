import { changeAcl, createAcl, deleteAcl, listAcls, renameAcl, showAcl } from "./network-acls.js";
import { changeForward, createForward, deleteForward, listForwards, showForward } from "./network-forwards.js";
import { changeNetwork, createNetwork, deleteNetwork, leases, listNetworks, renameNetwork, showNetwork } from "./networks.js";
import type { Answer } from "./router.js";

/** Networks, and what belongs to them. */
export const NETWORK_ROUTES: readonly (readonly [path: string, methods: Readonly<Record<string, Answer>>])[] = [
  ["/1.0/networks", { GET: listNetworks, POST: createNetwork }],
  ["/1.0/networks/*", { GET: showNetwork, PUT: changeNetwork, PATCH: changeNetwork, POST: renameNetwork, DELETE: deleteNetwork }],
  ["/1.0/networks/*/leases", { GET: leases }],
  ["/1.0/networks/*/forwards", { GET: listForwards, POST: createForward }],
  ["/1.0/networks/*/forwards/*", { GET: showForward, PUT: changeForward, PATCH: changeForward, DELETE: deleteForward }],
  ["/1.0/network-acls", { GET: listAcls, POST: createAcl }],
  ["/1.0/network-acls/*", { GET: showAcl, PUT: changeAcl, PATCH: changeAcl, POST: renameAcl, DELETE: deleteAcl }],
];
