import { forConnections } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { discover } from "./discover.js";
import { SetupInput, SetupOutput, setUp } from "./setup.js";

/** What can be done before there is a connection. */
export const connecting = {
  setup: forConnections<LxdClient>().write({
    about:
      "Make a machine that SSH reaches an LXD or Incus host, and connect to it: install what is missing (asked for first), initialise it, enrol a certificate, write the connection and its secrets down, list its instances. Run again, it goes on where it stopped",
    aliases: ["setup_lxd_host", "lxd_setup_host"],
    timeout: 1800,
    input: SetupInput,
    output: SetupOutput,
    run: setUp,
  }),
  discover,
};
