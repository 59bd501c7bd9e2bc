/**
 * Sizes as LXD writes them in its configuration: `512MiB`, `2GB`, `1073741824`. `kB` to `EB` are powers of 1000, `KiB` to
 * `EiB` of 1024. The server takes whole numbers only, and the suffixes in exactly this case.
 */
const FACTORS: Readonly<Record<string, number>> = Object.fromEntries([
  ["", 1],
  ["B", 1],
  [" bytes", 1],
  ...["kB", "MB", "GB", "TB", "PB", "EB"].map((suffix, at) => [suffix, 1000 ** (at + 1)]),
  ...["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].map((suffix, at) => [suffix, 1024 ** (at + 1)]),
]);

/** Bytes, or undefined when the text is no size: a share such as `50%`, nothing, or more than a number can hold exactly. */
export function parseSize(text: string | undefined): number | undefined {
  const [, digits, suffix] = /^(\d+)( ?[A-Za-z]*)$/.exec(text ?? "") ?? [];
  const factor = suffix === undefined ? undefined : FACTORS[suffix];
  if (digits === undefined || factor === undefined) return undefined;
  const bytes = Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The same size for people to read in `lxc config show`: in the largest binary unit that leaves a whole number. */
export function formatSize(bytes: number): string {
  for (const suffix of ["TiB", "GiB", "MiB", "KiB"]) {
    const factor = FACTORS[suffix] as number;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${suffix}`;
  }
  return `${bytes}B`;
}

/** A size for a sentence: `4.9 GiB`, `212 MiB`. */
export function inWords(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0;
  const count = bytes / 1024 ** step;
  return `${Number(count.toFixed(count < 10 ? 1 : 0))} ${units[step]}`;
}

/** How many cores `limits.cpu` allows: a count (`2`), or a set to pin to (`0-3`, `0,2-3`, `1-1`). */
export function parseCores(text: string | undefined): number | undefined {
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text) || undefined;
  const cores = new Set<number>();
  for (const part of text.split(",")) {
    const [, first, last] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (first === undefined) return undefined;
    const [from, to] = [Number(first), Number(last ?? first)];
    if (to < from || to - from > 4096) return undefined;
    for (let core = from; core <= to; core += 1) cores.add(core);
  }
  return cores.size;
}
