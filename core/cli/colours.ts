import picocolors from "picocolors";

/** Colours only where a person reads: on a terminal, and not where NO_COLOR says otherwise. The library alone would colour a CI's log too. */
export const pc = picocolors.createColors(Boolean(process.stdout.isTTY && process.stderr.isTTY) && !process.env["NO_COLOR"]);
