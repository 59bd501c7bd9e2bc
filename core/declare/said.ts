/**
 * What people say for states that most platforms have, whatever each calls them. A plugin puts these beside its own words, so that
 * "powered off" finds the same everywhere: `values: { exited: [...SAID.stopped, "finished"] }`.
 */
export const SAID = {
  running: ["up", "on", "online", "started", "active", "alive", "live", "powered on", "switched on", "turned on"],
  stopped: ["stopped", "down", "off", "offline", "shut down", "shutdown", "powered off", "switched off", "turned off", "halted", "inactive"],
  paused: ["paused", "frozen", "suspended"],
  failed: ["failed", "broken", "crashed"],
} as const;
