// Requests a second of the official driver against several servers, which take turns.
//
//   node _turns.mjs IN_FLIGHT REQUESTS ROUNDS CONNECTION_STRING…
//
// Prints one JSON list a round: the rate of each server, in the order given.
import { neon, neonConfig } from '../tests/peers/node_modules/@neondatabase/serverless/index.mjs'

const [inFlight, requests, rounds] = process.argv.slice(2, 5).map(Number)
const clients = process.argv.slice(5).map(url => neon(url))
neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`

async function rate(sql) {
  const each = Math.ceil(requests / inFlight)
  const worker = async () => {
    for (let n = 0; n < each; n++) await sql`select 1 as n`
  }
  const started = process.hrtime.bigint()
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (each * inFlight * 1e9) / Number(process.hrtime.bigint() - started)
}

for (let round = -1; round < rounds; round++) {
  const rates = []
  for (const sql of clients) rates.push(await rate(sql))
  if (round >= 0) console.log(JSON.stringify(rates)) // the first round warms up
}
