import { afterAll } from "vitest";
import { conformance, type Subject } from "../conformance.js";
import { lxdScenario } from "../conformance/lxd.js";
import { file, withEngine } from "./engines.js";
import { imageServer } from "./image-server.js";

const real = (name: string, provider: string, connection: Record<string, unknown>): Subject => ({
  name,
  provider,
  start: async () => ({ connection, close: async () => {} }),
});

withEngine("lxd", ({ socket, url, cert, key, fingerprint, image }) => {
  withEngine("lxd2", (second) => {
    const source = imageServer(second);
    afterAll(source.close);
    conformance(real("real lxd over its socket", "lxd", { socket }), lxdScenario({ image, remote: source.remote }));
  });
  if (url) conformance(real("real lxd over https", "lxd", { url, cert: file(cert), key: file(key), fingerprint }), lxdScenario({ image }));
});
