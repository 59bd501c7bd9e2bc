import { missing, readBack, reads } from "./acting.js";
import { connects, declaration, words } from "./declared.js";
import { gone, mapped } from "./failing.js";
import { filters, listAndGet, pages, wholeLists } from "./listing.js";
import type { Check } from "./review.js";
import { secrecy } from "./secrecy.js";
import { cancelled, closing, deadline } from "./stopping.js";

/** What every provider is held to, the cheapest and plainest first. */
export const CHECKS: readonly Check[] = [
  ...[declaration, connects, words],
  ...[wholeLists, listAndGet, pages, filters],
  ...[missing, reads, readBack],
  ...[mapped, gone, cancelled, deadline, secrecy, closing],
];
