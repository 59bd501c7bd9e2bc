import { isProxMcpError, type Progress, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";

/** In the order in which they are taken. */
const STEPS = ["ssh", "detect", "install", "init", "trust", "keep", "prove"] as const;
export type StepName = (typeof STEPS)[number];

export const Step = z.object({
  step: z.enum(STEPS),
  outcome: z.enum(["done", "skipped"]),
  what: z.string(),
});

/** Not failures of a step: somebody has to be asked, said no, or is gone. */
const PASSING = ["CONFIRMATION_REQUIRED", "CONFIRMATION_INVALID", "DECLINED", "CANCELLED"];

/** The steps of a set-up: each is told as it is taken, and a failure says which were. */
export class Steps {
  readonly taken: z.output<typeof Step>[] = [];
  readonly #place: string;
  readonly #progress: (progress: Progress) => void;

  constructor(place: string, progress: (progress: Progress) => void) {
    this.#place = place;
    this.#progress = progress;
  }

  /** Takes a step. What it answers says in words what it did; undefined that there was nothing to do is said by `skip`. */
  async take<Result>(
    step: StepName,
    work: () => Promise<{ readonly result: Result; readonly did?: string; readonly skip?: string }>,
  ): Promise<Result> {
    try {
      const { result, did, skip } = await work();
      this.#told(step, did === undefined ? "skipped" : "done", did ?? skip ?? "");
      return result;
    } catch (error) {
      if (!isProxMcpError(error) || PASSING.includes(error.code)) throw error;
      throw this.#failed(step, error);
    }
  }

  /** Something within a step. */
  say(step: StepName, message: string): void {
    this.#progress({ progress: STEPS.indexOf(step), total: STEPS.length, message: `${step}: ${message}` });
  }

  #told(step: StepName, outcome: "done" | "skipped", what: string): void {
    this.taken.push({ step, outcome, what });
    const message = `${step}: ${outcome === "skipped" ? "nothing to do, " : ""}${what}`;
    this.#progress({ progress: STEPS.indexOf(step) + 1, total: STEPS.length, message });
  }

  #failed(step: StepName, error: ProxMcpError): ProxMcpError {
    const next =
      error.code === "HOST_KEY_UNKNOWN"
        ? "Compare the fingerprint with `ssh-keygen -lf` on the host itself. If it is the same, give it as `fingerprint`, and run this again."
        : error.report().next;
    const before = this.taken.map((one) => `${one.step}: ${one.what}`);
    return new ProxMcpError(error.code, `Setting up ${this.#place} stopped at ${step}: ${error.message}`, {
      ...error.details,
      tried: [...before, ...(error.details.tried ?? [])],
      data: { ...error.details.data, step, steps: this.taken },
      next: /run (it|this|the same) again/i.test(next) ? next : `${next} Then run the same again: what is done is not done twice.`,
    });
  }
}
