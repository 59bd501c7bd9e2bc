import { ProxMcpError } from "proxmcp/plugin";

/** Addresses that one call may ask. */
export const MOST = 1024;

/** The hosts that addresses, names and ranges mean: `192.168.1.20`, `pi.lan`, `192.168.1.0/24`, `192.168.1.10-192.168.1.40`. */
export function hostsIn(texts: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const text of texts.map((one) => one.trim())) {
    for (const host of expanded(text)) found.add(host);
    if (found.size > MOST) throw wrong(text, `more than ${MOST} addresses in all; ask for a smaller range`);
  }
  return [...found];
}

function expanded(text: string): readonly string[] {
  const [, base, bits] = /^([\d.]+)\/(\d+)$/.exec(text) ?? [];
  if (base !== undefined) {
    if (!isIpv4(base) || Number(bits) > 32) throw wrong(text, "no range of IPv4 addresses");
    const size = 2 ** (32 - Number(bits));
    const first = Math.floor(numberOf(base) / size) * size;
    // Of a network its own address and its broadcast address are no hosts.
    return size > 2 ? between(text, first + 1, first + size - 2) : between(text, first, first + size - 1);
  }
  const [, from, to] = /^([\d.]+)-([\d.]+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined) {
    if (!isIpv4(from) || !isIpv4(to) || numberOf(from) > numberOf(to)) throw wrong(text, "no range of IPv4 addresses");
    return between(text, numberOf(from), numberOf(to));
  }
  if (text.includes("/")) throw wrong(text, "ranges are IPv4 only; name IPv6 addresses one by one");
  if (/^[\d.]+$/.test(text) && !isIpv4(text)) throw wrong(text, "no IPv4 address");
  if (!isIpv6(text) && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) throw wrong(text, "neither an address nor a name");
  return [text];
}

function between(text: string, first: number, last: number): readonly string[] {
  if (last - first + 1 > MOST) throw wrong(text, `${last - first + 1} addresses; at most ${MOST} are asked at once`);
  return Array.from({ length: last - first + 1 }, (_, at) => addressOf(first + at));
}

const isIpv4 = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split(".").every((part) => Number(part) < 256);
const isIpv6 = (text: string): boolean => text.includes(":") && URL.canParse(`http://[${text}]`);
const numberOf = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const addressOf = (number: number): string => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

const wrong = (text: string, why: string): ProxMcpError => new ProxMcpError("INVALID_INPUT", `addresses: found ${JSON.stringify(text)}; ${why}`);
