import type { Config, Devices } from "./wire.js";

const isOn = (value: string): boolean => /^(true|1|yes|on)$/i.test(value);
const always = (): boolean => true;

/** Keys that let what runs inside reach the host, or take a protection away, with the values that do. */
const KEYS: readonly (readonly [RegExp, (value: string) => boolean, string])[] = [
  [/^security\.privileged$/, isOn, "makes root inside root on the host"],
  [/^raw\./, always, "passes raw settings to the runtime, past all checks"],
  [/^security\.syscalls\.intercept\./, isOn, "lets calls inside be carried out by the host"],
  [/^security\.syscalls\.(allow|deny_default|whitelist|blacklist_default)$/, always, "changes which system calls are barred"],
  [/^security\.idmap\.(base|isolated)$/, always, "changes which users of the host it runs as"],
  [/^security\.devlxd\.images$/, isOn, "opens the host's images to it"],
  [/^security\.secureboot$/, (value) => !isOn(value), "lets it boot what nobody signed"],
  [/^security\.protection\./, (value) => !isOn(value), "takes a protection away"],
  [/^linux\.kernel_modules/, always, "loads modules into the host's kernel"],
];

/** Devices that hand a part of the host over. A disk without a pool is a path or a device of the host. */
const DEVICES: Readonly<Record<string, (device: Config) => boolean>> = {
  disk: ({ source, pool, path }) => source !== undefined && !pool && path !== undefined && source.startsWith("/"),
  "unix-char": always,
  "unix-block": always,
  "unix-hotplug": always,
  usb: always,
  gpu: always,
  pci: always,
  infiniband: always,
};

/**
 * What in a configuration would weaken the wall between an instance and its host, as a sentence; undefined where nothing does. Of instances
 * and of profiles alike.
 */
export function weakens({
  config = {},
  devices = {},
}: {
  readonly config?: Config | undefined;
  readonly devices?: Devices | undefined;
}): string | undefined {
  const reasons = [
    ...Object.entries(config).flatMap(([key, value]) =>
      KEYS.filter(([name, on]) => value !== "" && name.test(key) && on(value)).map(([, , why]) => `${key} ${why}`),
    ),
    ...Object.entries(devices).flatMap(([name, device]) =>
      DEVICES[device["type"] ?? ""]?.(device) ? [`device ${name} gives it ${device["source"] ?? `a ${device["type"]} of the host`}`] : [],
    ),
  ];
  return reasons.length ? `Weakens the isolation from the host: ${reasons.join("; ")}.` : undefined;
}
