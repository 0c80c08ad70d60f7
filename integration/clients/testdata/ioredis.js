// Writes 1, 2, 3... to the set KEY at the master that the Sentinels name.
// Usage: ioredis.js MASTER KEY SENTINEL...
const { Redis } = require("ioredis");

const [name, key, ...sentinels] = process.argv.slice(2);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function main() {
  const redis = new Redis({
    name,
    sentinels: sentinels.map((s) => {
      const [host, port] = s.split(":");
      return { host, port: Number(port) };
    }),
    failoverDetector: true, // follow +switch-master
    maxRetriesPerRequest: 1,
    retryStrategy: () => 100,
    sentinelRetryStrategy: () => 100,
  });
  redis.on("ready", () => console.log(`master ${redis.stream.remoteAddress}:${redis.stream.remotePort}`));
  // A +switch-master that arrives while it asks a Sentinel for the master has
  // ioredis 6.0.0 give up instead of asking again.
  redis.on("end", () => redis.connect().catch((e) => console.log(`error: ${e.message}`)));
  redis.on("error", (e) => console.log(`error: ${e.message}`));
  for (let n = 1; ; ) {
    try {
      await redis.sadd(key, n);
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
