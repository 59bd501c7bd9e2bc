import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameDecoder, type Stream } from "../../plugins/docker/frames.js";
import { Head, Tail } from "../../plugins/docker/output.js";
import { jsonLines } from "../../plugins/docker/pull.js";

function frame(stream: Stream, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream === "stderr" ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** The same bytes, cut at these places. */
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

function decode(chunks: readonly Uint8Array[]): { stdout: Buffer; stderr: Buffer; order: string; unfinished: boolean } {
  const parts = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const order: string[] = [];
  const decoder = new FrameDecoder((stream, bytes) => {
    parts[stream].push(Uint8Array.from(bytes));
    for (const byte of bytes) order.push(`${stream === "stderr" ? "e" : "o"}${byte}`);
  });
  for (const chunk of chunks) decoder.push(chunk);
  return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr), order: order.join(), unfinished: decoder.unfinished };
}

const frames = fc.array(fc.tuple(fc.constantFrom<Stream>("stdout", "stderr"), fc.uint8Array({ maxLength: 40 })), { maxLength: 12 });
const cuts = fc.array(fc.nat(1000), { maxLength: 30 });

describe("the multiplexed stream", () => {
  it("comes out the same however it is cut", () => {
    fc.assert(
      fc.property(frames, cuts, (list, places) => {
        const bytes = Buffer.concat(list.map(([stream, payload]) => frame(stream, payload)));
        const out = decode(cutAt(bytes, places));
        const of = (wanted: Stream): Buffer => Buffer.concat(list.filter(([stream]) => stream === wanted).map(([, payload]) => payload));
        expect(out.stdout).toEqual(of("stdout"));
        expect(out.stderr).toEqual(of("stderr"));
        expect(out.order).toBe(list.flatMap(([stream, payload]) => [...payload].map((byte) => `${stream === "stderr" ? "e" : "o"}${byte}`)).join());
        expect(out.unfinished).toBe(false);
      }),
    );
  });

  it("says when it ends within a frame", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(1000), (payload, place) => {
        const bytes = frame("stdout", payload);
        expect(decode([bytes.subarray(0, 1 + (place % (bytes.length - 1)))]).unfinished).toBe(true);
      }),
    );
  });

  it("refuses what is no such stream", () => {
    expect(() => decode([Buffer.from("plain text of a terminal")])).toThrow(/multiplexed/);
  });
});

describe("the head of an output", () => {
  it("keeps the first bytes whatever the chunks, and never half a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), cuts, fc.integer({ min: 1, max: 80 }), (text, places, limit) => {
        const bytes = Buffer.from(text);
        const head = new Head(limit);
        for (const chunk of cutAt(bytes, places)) head.push(chunk);
        expect(head.truncated).toBe(bytes.length > limit);
        expect(Buffer.byteLength(head.text())).toBeLessThanOrEqual(limit);
        expect(text.startsWith(head.text())).toBe(true);
        if (!head.truncated) expect(head.text()).toBe(text);
        else expect(Buffer.byteLength(head.text())).toBeGreaterThan(limit - 4);
      }),
    );
  });
});

describe("the tail of a log", () => {
  it("is the whole log while it fits, with both streams in order", () => {
    const tail = new Tail(100);
    for (const [stream, text] of [
      ["stdout", "a\n"],
      ["stdout", "b\n"],
      ["stderr", "c\n"],
      ["stdout", "d\n"],
    ] as const)
      tail.push(stream, Buffer.from(text));
    expect(tail.passages()).toEqual([
      { stream: "stdout", text: "a\nb\n" },
      { stream: "stderr", text: "c\n" },
      { stream: "stdout", text: "d\n" },
    ]);
    expect(tail.truncated).toBe(false);
  });

  it("keeps the newest whole lines", () => {
    const tail = new Tail(12);
    for (const line of ["first\n", "second\n", "third\n"]) tail.push("stdout", Buffer.from(line));
    expect(tail.passages()).toEqual([{ stream: "stdout", text: "third\n" }]);
    expect(tail.truncated).toBe(true);
  });

  it("keeps the end of a line that alone is too long, from a whole character on", () => {
    const tail = new Tail(7);
    tail.push("stderr", Buffer.from("äöüäöü"));
    expect(tail.passages()).toEqual([{ stream: "stderr", text: "äöü" }]);
  });
});

describe("lines of JSON", () => {
  it("come out the same however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ status: fc.string({ unit: "grapheme" }) }), { maxLength: 8 }), cuts, async (values, places) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\r\n`).join(""));
        const read: unknown[] = [];
        async function* chunks() {
          yield* cutAt(bytes, places);
        }
        for await (const value of jsonLines(chunks())) read.push(value);
        expect(read).toEqual(values);
      }),
    );
  });
});
