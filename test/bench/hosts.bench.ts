/**
 * Listing 50 hosts that each take 50 ms to answer, beside listing one of them in the same run: hosts are asked in parallel, so the ratio is
 * near 1 and far from 50. Over https with client certificates, as they are reached; first with nothing open yet, then again.
 */
import { test } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import { start } from "../../plugins/lxd/sandbox/index.js";

const HOSTS = 50;
const LATENCY = 50;
const ROUNDS = 9;
/** Milliseconds that listing all of them may take. */
const WANTED = 250;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function took(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

test("hosts", async () => {
  const sandboxes = await Promise.all(Array.from({ length: HOSTS }, () => start({ latency: LATENCY })));
  const connections = Object.fromEntries(sandboxes.map(({ connection }, at) => [`h${at}`, { provider: "lxd", ...connection }]));
  const open = async (own: Record<string, object>): Promise<ProxMcp> =>
    await createProxMcp({ plugins: ["lxd"], connections: own as never, env: {}, log: { level: "silent" } });
  const [all, one] = await Promise.all([open(connections), open({ h0: connections["h0"] ?? {} })]);
  const list = (app: ProxMcp) => () => app.call("lxd_instance_list", { limit: 1000 });
  let rows = 0;
  const firstOne = await took(async () => {
    rows = ((await list(one)()) as unknown as { total: number }).total;
  });
  const first = await took(async () => {
    const { total, errors } = (await list(all)()) as unknown as { total: number; errors?: unknown };
    if (total !== rows * HOSTS || errors) throw new Error(`not all were listed: ${total} rows`);
  });
  const many: number[] = [];
  const single: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    single.push(await took(list(one)));
    many.push(await took(list(all)));
  }
  const line = (what: string, time: number, baseline: number): boolean =>
    process.stdout.write(`${what}: ${time.toFixed(0)} ms, one host ${baseline.toFixed(0)} ms, ratio ${(time / baseline).toFixed(1)}\n`);
  line(`listing ${HOSTS} hosts of ${LATENCY} ms each (wanted: under ${WANTED} ms), median`, median(many), median(single));
  // Both halves of 50 TLS handshakes are computed here, as the hosts are sandboxes in this process.
  line("the same with nothing open yet", first, firstOne);
  await Promise.all([all.close(), one.close()]);
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
}, 120_000);
