import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatUpid, parseUpid } from "../../plugins/proxmox/upid.js";

const word = (pattern: RegExp) => fc.stringMatching(pattern);
const parts = fc.record(
  {
    node: word(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/),
    pid: fc.nat({ max: 0xffffffff }),
    pstart: fc.nat({ max: 0xffffffff }),
    starttime: fc.nat({ max: 0xffffffff }),
    type: word(/^[a-z][a-z0-9-]{1,15}$/),
    id: word(/^[A-Za-z0-9@._\\-]{0,20}$/),
    user: word(/^[a-z]{1,8}@(pam|pve)$/),
    token: word(/^[A-Za-z][A-Za-z0-9._-]{1,10}$/),
  },
  { requiredKeys: ["node", "pid", "pstart", "starttime", "type", "id", "user"] },
);

describe("the id of a task", () => {
  test("any id that Proxmox can make is read back in its parts", () => {
    fc.assert(
      fc.property(parts, (given) => {
        const text = formatUpid(given);
        expect(parseUpid(text)).toEqual({ ...given, text });
      }),
    );
  });

  test("no other text is taken for one", () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(parseUpid(text)).toBeUndefined()));
    for (const text of [null, undefined, 42, {}, "", "UPID:", "UPID:pve1:00001840:0007A97F:6B00E495:qmstart:100:root@pam"])
      expect(parseUpid(text)).toBeUndefined();
  });

  test("the parts of a real one", () => {
    expect(parseUpid("UPID:pve1:00000C88:00046209:6B00DC30:vncproxy:110:root@pam!lab:")).toEqual({
      text: "UPID:pve1:00000C88:00046209:6B00DC30:vncproxy:110:root@pam!lab:",
      node: "pve1",
      pid: 3208,
      pstart: 287241,
      starttime: 1795218480,
      type: "vncproxy",
      id: "110",
      user: "root@pam",
      token: "lab",
    });
  });

  test("a task need have no target, and a node that is up for long has nine digits of ticks", () => {
    expect(parseUpid("UPID:pve1:0000212F:1007BF5E2:6B00E4CD:bulk-start::root@pam:")).toMatchObject({
      id: "",
      type: "bulk-start",
      pstart: 0x1007bf5e2,
    });
  });
});
