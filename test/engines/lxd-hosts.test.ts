import { hostsScenario } from "../conformance/lxd-hosts.js";
import { file, withEngine } from "./engines.js";

const ROADS = ["pull", "push", "relay", "auto"];

withEngine("lxd", (one) => {
  withEngine("lxd2", (two) => {
    const close = async () => {};
    hostsScenario(
      "two real LXD over their sockets",
      async () => ({ connections: { one: { socket: one.socket }, two: { socket: two.socket } }, close }),
      { image: one.image, roads: ROADS },
    );
    const https = ({ url, cert, key, fingerprint }: typeof one) => ({ url, cert: file(cert), key: file(key), fingerprint });
    hostsScenario("two real LXD over https", async () => ({ connections: { one: https(one), two: https(two) }, close }), {
      image: one.image,
      roads: ["relay", "auto"],
    });
  });
});
