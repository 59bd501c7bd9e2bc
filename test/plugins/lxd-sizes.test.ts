import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSize, parseCores, parseSize } from "../../plugins/lxd/sizes.js";

describe("sizes", () => {
  it("are read as LXD reads them", () => {
    expect(parseSize("1073741824")).toBe(1024 ** 3);
    expect(parseSize("134217728B")).toBe(134217728);
    expect(parseSize("134217728 bytes")).toBe(134217728);
    expect(parseSize("128kB")).toBe(128_000);
    expect(parseSize("2GB")).toBe(2_000_000_000);
    expect(parseSize("1GiB")).toBe(1024 ** 3);
    expect(parseSize("512MiB")).toBe(512 * 1024 ** 2);
    expect(parseSize("3TiB")).toBe(3 * 1024 ** 4);
  });

  it("are refused where LXD 5.0 refuses them, and where they are shares", () => {
    for (const text of ["", "50%", "1.5GB", "128 MB", "128mb", "128M", "128000KB", "128kiB", "+1B", "-1B", "GiB", "1GiB ", "9EiB", undefined]) {
      expect(parseSize(text), String(text)).toBeUndefined();
    }
  });

  it("come back from their text unchanged", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom(1024, 1024 ** 2, 1024 ** 3), (count, factor) => {
        expect(parseSize(formatSize(count * factor))).toBe(count * factor);
      }),
    );
    expect([formatSize(1024 ** 3), formatSize(1_500_000_000), formatSize(512 * 1024 ** 2), formatSize(0)]).toEqual([
      "1GiB",
      "1500000000B",
      "512MiB",
      "0B",
    ]);
  });

  it("never take a wrong turn on any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = parseSize(text);
        return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0);
      }),
    );
  });
});

describe("cores", () => {
  it("are counted, whether given as a number or as a set", () => {
    expect(parseCores("2")).toBe(2);
    expect(parseCores("0-3")).toBe(4);
    expect(parseCores("0,2-3")).toBe(3);
    expect(parseCores("1-1")).toBe(1);
    expect(parseCores("0-3,2-5")).toBe(6);
  });

  it("are unknown when the text says nothing", () => {
    for (const text of ["", "0", "abc", "3-1", "1,", "0-99999999", undefined]) expect(parseCores(text), String(text)).toBeUndefined();
  });

  it("of a range are its length", () => {
    fc.assert(fc.property(fc.nat(500), fc.nat(500), (first, more) => parseCores(`${first}-${first + more}`) === more + 1));
  });
});
