// The official driver, unchanged but for where it sends its requests. Prints what its user gets, as one JSON object.
import { neon, neonConfig } from '@neondatabase/serverless'

const url = process.argv[2]
const at = new URL(url.replace(/^postgresql:/, 'http:'))
neonConfig.fetchEndpoint = `http://${at.host}/sql`

const sql = neon(url)
const got = {}

await sql`create table peers (id int primary key, name text, at timestamptz, tags text[])`

const id = 1
got.tagged = await sql`insert into peers values (${id}, ${'Ada "the" first'}, ${'2026-01-02 03:04:05.678+00'},
  ${['a b', 'c"d', null]}) returning id, name, at, tags`
got.parametrised = await sql.query('select $1::int + $2::int as sum, $3::jsonb as doc', [40, 2, { a: [1, null] }])

got.transaction = await sql.transaction(
  [sql`insert into peers (id, name) values (2, 'Bob')`, sql`select count(*) from peers`],
  { isolationLevel: 'Serializable', readOnly: false },
)
const whole = await neon(url, { fullResults: true, arrayMode: true })`select id, name from peers order by id`
got.whole = { rows: whole.rows, command: whole.command, rowCount: whole.rowCount, fields: whole.fields.length }

try {
  await sql.transaction([sql`insert into peers (id) values (3)`, sql`insert into peers (id) values (1)`])
} catch (error) {
  const { name, code, constraint, table, detail, severity, message } = error
  got.error = { name, code, constraint, table, detail, severity, message }
}
got.afterwards = await sql`select count(*)::int as count from peers`

try {
  await neon(url.replace('@', 'x@'))`select 1`
} catch (error) {
  got.refused = { name: error.name, message: error.message.replace(/'.*'/, '') }
}

console.log(JSON.stringify(got))
