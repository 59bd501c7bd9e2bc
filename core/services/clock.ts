import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../declare/tokens.js";

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, signal ? { signal } : {}),
};
