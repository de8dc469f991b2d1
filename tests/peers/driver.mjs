// The official driver in everything that its vectors do not show: Pool and Client over fetch, callbacks, options that
// change between calls, errors that come late. Prints what its user gets, as one JSON object.
//
//   node driver.mjs CONNECTION_STRING
import { Client, NeonDbError, Pool, neon, neonConfig, types } from '@neondatabase/serverless'

const url = process.argv[2]
const at = new URL(url.replace(/^postgresql:/, 'http:'))
neonConfig.fetchEndpoint = `http://${at.host}/sql`

const sql = neon(url)
const got = {}

const failed = error => {
  if (!(error instanceof NeonDbError)) return { name: error.name, message: error.message }
  const { name, code, constraint, table, schema, column, detail, hint, position, where, severity, message } = error
  const told = { name, code, constraint, table, schema, column, detail, hint, position, where, severity, message }
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value != null))
}

await sql`create table peers (id int primary key, name text not null, at timestamptz, tags text[])`

const id = 1
got.tagged = await sql`insert into peers values (${id}, ${'Ada "the" first'}, ${'2026-01-02 03:04:05.678+00'},
  ${['a b', 'c"d', null]}) returning id, name, at, tags`
got.parametrised = await sql.query('select $1::int + $2::int as sum, $3::jsonb as doc', [40, 2, { a: [1, null] }])
const condition = sql`id = ${1}`
got.fragments = await sql`select name from ${sql.unsafe('peers')} where ${condition} and ${sql`at > ${new Date(0)}`}`
got.bytes = await sql`select encode(${Buffer.from([0, 1, 255])}, 'hex') as hex, ${new Uint8Array([7])}::bytea as bytes`
got.twice = [await condition2(), await condition2()]
async function condition2() { return (await sql.query('select $1::text as v', ['x'], { arrayMode: true }))[0] }

got.transaction = await sql.transaction(
  [sql`insert into peers (id, name) values (2, 'Bob')`, sql`select count(*) from peers`],
  { isolationLevel: 'Serializable', readOnly: false },
)
const settings = ['transaction_isolation', 'transaction_read_only', 'transaction_deferrable']
got.levels = []
for (const isolationLevel of ['ReadUncommitted', 'ReadCommitted', 'RepeatableRead', 'Serializable'])
  for (const readOnly of [true, false])
    for (const deferrable of [true, false]) {
      const asked = settings.map(name => sql`select current_setting(${name}) as v`)
      const answers = await sql.transaction(asked, { isolationLevel, readOnly, deferrable })
      got.levels.push([isolationLevel, readOnly, deferrable, answers.map(rows => rows[0].v).join(' ')])
    }
const whole = await neon(url, { fullResults: true, arrayMode: true })`select id, name from peers order by id`
got.whole = { rows: whole.rows, command: whole.command, rowCount: whole.rowCount, fields: whole.fields.map(f => f.name) }
got.mixed = await sql.transaction(t => [t`select 1 as a`, t.query('select 2 as b', [], { arrayMode: true, fullResults: true })])
  .then(([a, b]) => [a, b.rows ?? b])
got.custom = await sql.query('select 7::int8 as n', [], { types: { getTypeParser: oid => v => (oid === 20 ? BigInt(v) : v) } })
  .then(([{ n }]) => typeof n)

// ------------------------------------------------------------------ errors

const fails = {
  unique: () => sql.transaction([sql`insert into peers (id, name) values (3, 'x')`, sql`insert into peers (id, name) values (1, 'y')`]),
  notNull: () => sql`insert into peers (id) values (9)`,
  syntax: () => sql.query('selec 1'),
  raised: () => sql`do $$ begin raise exception 'boom' using hint = 'h', detail = 'd', errcode = 'P1234'; end $$`,
  readOnly: () => sql.transaction([sql`delete from peers`], { readOnly: true }),
  level: () => sql.transaction([sql`select 1`], { isolationLevel: 'Chaos' }),
  password: () => neon(url.replace('@', 'x@'))`select 1`,
  database: () => neon(`${url}_none`)`select 1`,
  token: () => neon(url, { authToken: 'x.y.z' })`select 1`,
}
got.errors = {}
for (const [name, call] of Object.entries(fails)) got.errors[name] = await call().then(() => 'no error', failed)
got.afterwards = await sql`select count(*)::int as count from peers`

// ------------------------------------------------------------------ Pool and Client over fetch

neonConfig.poolQueryViaFetch = true
const pool = new Pool({ connectionString: url })
const { rows, command, rowCount, viaNeonFetch } = await pool.query('select id, name from peers where id = $1', [2])
got.pool = { rows, command, rowCount, viaNeonFetch }
got.poolObject = (await pool.query({ text: 'select $1::int as n', values: [5], rowMode: 'array' })).rows
got.poolCallback = await new Promise(done => pool.query('select 8 as n', (error, result) => done(result?.rows ?? failed(error))))
got.poolError = await pool.query('select 1/0').then(() => 'no error', failed)
got.poolMany = (await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('select $1::int as n', [n])))).map(r => r.rows[0].n)
await pool.end()
got.client = typeof new Client({ connectionString: url }).query
got.parser = typeof types.getTypeParser(20)

console.log(JSON.stringify(got))
