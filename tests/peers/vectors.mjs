// The recorded calls of the official driver and of drizzle-orm, evaluated as they are written, one after the other.
//
//   node vectors.mjs CONNECTION_STRING < vectors.json
//
// Reads a list of { id, group, call, tz, setup, faults, connections } and prints { id: outcome } in the form of the
// recording. Requests go to the endpoint of CONNECTION_STRING; nothing else of the packages is touched.
import { readFileSync } from 'node:fs'
import { Client, Pool, NeonDbError, neon, neonConfig } from '@neondatabase/serverless'
import { eq, sql as raw } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { migrate } from 'drizzle-orm/neon-http/migrator'
import { bigint, boolean, integer, jsonb, numeric, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'

const CSO = process.argv[2]
const CS = CSO
const origin = `http://${new URL(CSO.replace(/^postgresql:/, 'http:')).host}`
const headers = { 'Neon-Connection-String': CSO }

const t = pgTable('dz_t', {
  id: serial().primaryKey(),
  n: integer(),
  s: text(),
  at: timestamp({ withTimezone: true }),
  j: jsonb(),
  b: bigint({ mode: 'bigint' }),
  d: numeric(),
  ok: boolean(),
  arr: integer().array(),
})
let made // drizzle changes the driver's own parsers when it is made, so late
const database = () => (made ??= drizzle(neon(CSO)))

const plain = neon(CSO)
const whole = neon(CSO, { arrayMode: true, fullResults: true })
const taggers = { types: whole, drizzle: raw }

async function prepare({ setup, faults }) {
  await fetch(`${origin}/sendoka`, { method: 'DELETE', headers })
  for (const query of setup) {
    const answer = await fetch(`${origin}/sql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
    const { code } = await answer.json()
    if (answer.status !== 200 && code !== '42P07' && code !== '42710') throw new Error(`${query}: ${code}`)
  }
  for (const fault of faults) {
    const answer = await fetch(`${origin}/sendoka`, { method: 'POST', headers, body: JSON.stringify(fault) })
    if (answer.status !== 200) throw new Error(await answer.text())
  }
}

async function outcome(vector) {
  const names = { sql: taggers[vector.group] ?? plain, neon, neonConfig, CS, CSO, Pool, Client, t, eq, drizzle, migrate }
  if (vector.group === 'drizzle') names.db = database()
  const evaluate = new Function(...Object.keys(names), `return (${vector.call})`)
  let called
  try {
    called = evaluate(...Object.values(names))
  } catch (error) {
    return { threw: shown(error) }
  }
  try {
    return { resolved: shown(await called) }
  } catch (error) {
    return { rejected: shown(error) }
  }
}

function shown(value) {
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'bigint') return { $: 'bigint', v: String(value) }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) }
  if (value === null || typeof value !== 'object') return value
  if (Buffer.isBuffer(value)) return { $: 'Buffer', hex: value.toString('hex') }
  if (value instanceof Date) return { $: 'Date', iso: value.toISOString() }
  if (value instanceof Error) return error(value)
  if (Array.isArray(value)) return value.map(shown)
  const { name } = value.constructor
  const own = Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('_')).map(([k, v]) => [k, shown(v)]))
  if (name !== 'PostgresInterval') return own
  return { $: name, ...own, toPostgres: value.toPostgres() }
}

const FIELDS = ['severity', 'code', 'detail', 'hint', 'position', 'internalPosition', 'internalQuery', 'where', 'schema',
  'table', 'column', 'dataType', 'constraint', 'query', 'params']

function error(raised) {
  const told = { $: 'Error', class: raised.constructor.name, name: raised.name, message: raised.message }
  told.isNeonDbError = raised instanceof NeonDbError
  for (const field of FIELDS) if (raised[field] !== undefined && raised[field] !== null) told[field] = shown(raised[field])
  if (raised.sourceError !== undefined) told.sourceError = source(raised.sourceError)
  if (raised.cause !== undefined) told.cause = shown(raised.cause)
  return told
}

function source(raised) {
  const told = { class: raised.constructor.name }
  if (typeof raised === 'string') return told
  Object.assign(told, { name: raised.name, message: raised.message })
  if (raised.code !== undefined) told.code = raised.code
  if (raised.cause) told.cause = source(raised.cause)
  return told
}

const got = {}
for (const vector of JSON.parse(readFileSync(0, 'utf8'))) {
  neonConfig.fetchEndpoint = `${origin}/sql`
  process.env.TZ = vector.tz
  await prepare(vector)
  got[vector.id] = await outcome(vector)
}
await fetch(`${origin}/sendoka`, { method: 'DELETE', headers })
console.log(JSON.stringify(got))
