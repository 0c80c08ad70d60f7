// Writes 1, 2, 3... to the set KEY at the master that the Sentinels name.
// Usage: noderedis.js MASTER KEY SENTINEL...
const { createSentinel } = require("redis");

const [name, key, ...sentinels] = process.argv.slice(2);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function main() {
  const redis = createSentinel({
    name,
    sentinelRootNodes: sentinels.map((s) => {
      const [host, port] = s.split(":");
      return { host, port: Number(port) };
    }),
    scanInterval: 1000, // it polls the Sentinels
    maxCommandRediscovers: 1,
  });
  redis.on("error", (e) => console.log(`error: ${e.message}`));
  redis.on("client-error", (e) => console.log(`error: ${e.error.message}`));
  redis.on("topology-change", (e) => console.log(`${e.type} ${JSON.stringify(e.node ?? e.size ?? "")}`));
  await redis.connect();
  for (let n = 1; ; ) {
    try {
      await redis.sAdd(key, String(n));
      console.log(`ok ${n}`);
      n++;
      await pause(10);
    } catch (e) {
      console.log(`error: ${e.message}`);
      await pause(100);
    }
  }
}

main();
