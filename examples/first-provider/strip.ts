import { start } from "./src/sandbox.ts";

const { connection } = await start();
console.log(`  rack: ${JSON.stringify({ provider: "pdu", ...connection })}`);
