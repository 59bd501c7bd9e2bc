import { vi } from "vitest";
import { run } from "../../../core/cli/run.js";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process. Neither stdin nor stderr is a terminal. */
export async function proxmcp(...words: string[]): Promise<Ran> {
  let out = "";
  let err = "";
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true)),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true)),
  ];
  try {
    return { code: await run(["node", "proxmcp", ...words]), out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
