import { testProvider } from "proxmcp/testing";
import { describe, it } from "vitest";
import pdu from "../src/index.ts";

describe("pdu", () => void testProvider(pdu, { test: it, inputs: { pdu_outlet_restart: { seconds: 0 } } }));
