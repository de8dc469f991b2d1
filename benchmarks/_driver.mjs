// Requests a second of the official driver: node _driver.mjs PORT IN_FLIGHT REQUESTS
import { neon, neonConfig } from '../tests/peers/node_modules/@neondatabase/serverless/index.mjs'

const [port, inFlight, requests] = process.argv.slice(2).map(Number)
neonConfig.fetchEndpoint = `http://127.0.0.1:${port}/sql`
const sql = neon(`postgresql://user:password@127.0.0.1:${port}/db`)
const each = Math.ceil(requests / inFlight)

const worker = async (times) => {
  for (let asked = 0; asked < times; asked++) await sql`select 1 as n`
}
const all = (times) => Promise.all(Array.from({ length: inFlight }, () => worker(times)))

await all(Math.ceil(2000 / inFlight)) // until the compiler has seen it
const started = performance.now()
await all(each)
console.log((each * inFlight * 1000) / (performance.now() - started))
