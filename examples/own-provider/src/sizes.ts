/** Sizes and cores, between numbers and the text that Incus takes. */

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** "4GB" as 4000000000, "4GiB" as 4294967296. Undefined for what is no size, as "50%". */
export function bytesOf(text: string | undefined): number | undefined {
  const [, amount, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text ?? "") ?? [];
  const factor = UNITS[unit.toLowerCase()];
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor) || undefined;
}

/** The shortest text that means exactly so many bytes: "8GB", "8GiB", "1500MB". */
export function sizeText(bytes: number): string {
  for (const unit of ["TiB", "TB", "GiB", "GB", "MiB", "MB"]) {
    const factor = UNITS[unit.toLowerCase()] ?? 1;
    if (bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}

/** "4" is four cores; "0-3" and "0,2" name the cores to run on. Undefined for a share of time, as "50%". */
export function coresOf(text: string | undefined): number | undefined {
  const limit = text?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(limit)) return Number(limit) || undefined;
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(limit)) return undefined;
  return limit.split(",").reduce((sum, part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}
