// The official driver, unchanged but for where it sends its requests. Runs the transactions that come in as JSON lines,
// one when asked for, and prints what its user gets from each: the next line is read when the last one is answered.
import { createInterface } from 'node:readline'
import { neon, neonConfig } from '@neondatabase/serverless'

const url = process.argv[2]
neonConfig.fetchEndpoint = `http://${new URL(url.replace(/^postgresql:/, 'http:')).host}/sql`
const sql = neon(url)

const KINDS = { Buffer: ({ hex }) => Buffer.from(hex, 'hex'), bigint: ({ v }) => BigInt(v) }
const given = (value) => (value?.$ ? KINDS[value.$](value) : value)

function shown(value) {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) }
  if (value instanceof Date) return { $: 'Date', iso: value.toISOString() }
  if (Buffer.isBuffer(value)) return { $: 'Buffer', hex: value.toString('hex') }
  if (Array.isArray(value)) return value.map(shown)
  return value
}

async function run({ queries, options }) {
  try {
    const results = await sql.transaction(
      queries.map(([text, params]) => sql.query(text, params.map(given))),
      { ...options, fullResults: true, arrayMode: true },
    )
    return { results: results.map(({ fields, rows, command, rowCount }) => ({ fields, rows: shown(rows), command, rowCount })) }
  } catch (error) {
    const { message, code, detail, hint, position, severity, where, schema, table, column, dataType, constraint } = error
    const all = { message, code, detail, hint, position, severity, where, schema, table, column, dataType, constraint }
    return { name: error.name, error: Object.fromEntries(Object.entries(all).map(([key, value]) => [key, value ?? null])) }
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await run(JSON.parse(line))))
