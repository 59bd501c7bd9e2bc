// Starts what a config needs, out of the installed package: reads a list of [name, provider, options] and prints how each is reached.
let text = "";
for await (const chunk of process.stdin) text += chunk;
const reached = {};
for (const [name, provider, options] of JSON.parse(text)) {
  const { default: plugin } = await import(`proxmcp/plugins/${provider}`);
  reached[name] = (await (await plugin.sandbox()).start(options ?? {})).connection;
}
console.log(JSON.stringify(reached));
setInterval(() => {}, 1 << 30);
