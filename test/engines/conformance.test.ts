import { conformance, type Subject } from "../conformance.js";
import { lxdScenario } from "../conformance/lxd.js";
import { file, forgetImage, withEngine } from "./engines.js";

const real = (name: string, provider: string, connection: Record<string, unknown>): Subject => ({
  name,
  provider,
  start: async () => ({ connection, close: async () => {} }),
});

withEngine("lxd", ({ socket, url, cert, key, fingerprint, image }) => {
  conformance(real("real lxd over its socket", "lxd", { socket }), lxdScenario({ image, forget: forgetImage(socket) }));
  if (url)
    conformance(
      real("real lxd over https", "lxd", { url, cert: file(cert), key: file(key), fingerprint }),
      lxdScenario({ image, forget: forgetImage(socket) }),
    );
});
