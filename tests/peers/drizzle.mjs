// An application on drizzle-orm/neon-http, as its users write it. Prints what it got, as one JSON object.
//
//   node drizzle.mjs CONNECTION_STRING
import { fileURLToPath } from 'node:url'
import { neon, neonConfig } from '@neondatabase/serverless'
import { and, asc, count, desc, eq, gt, inArray, relations, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { migrate } from 'drizzle-orm/neon-http/migrator'
import { boolean, integer, jsonb, numeric, pgTable, serial, text, timestamp, uuid, varchar } from 'drizzle-orm/pg-core'

const url = process.argv[2]
const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url))
neonConfig.fetchEndpoint = `http://${new URL(url.replace(/^postgresql:/, 'http:')).host}/sql`

const authors = pgTable('authors', {
  id: serial().primaryKey(),
  name: varchar({ length: 80 }).notNull().unique(),
  token: uuid(),
  settings: jsonb().$type(),
  joined: timestamp({ withTimezone: true }).notNull().defaultNow(),
})
const books = pgTable('books', {
  id: integer().primaryKey(),
  author: integer().notNull().references(() => authors.id),
  title: text().notNull(),
  price: numeric({ precision: 10, scale: 2 }),
  tags: text().array().notNull().default([]),
  inPrint: boolean('in_print').notNull().default(true),
})
const authorsToBooks = relations(authors, ({ many }) => ({ books: many(books) }))
const booksToAuthor = relations(books, ({ one }) => ({ by: one(authors, { fields: [books.author], references: [authors.id] }) }))

const db = drizzle(neon(url), { schema: { authors, books, authorsToBooks, booksToAuthor } })
const got = {}

await migrate(db, { migrationsFolder })
await migrate(db, { migrationsFolder }) // a second time there is nothing to do
got.migrations = (await db.execute(sql`select hash, created_at from drizzle.__drizzle_migrations order by id`)).rows

const joined = new Date('2026-01-02T03:04:05.678Z')
const token = '0b0e4f9c-7a7b-4a3a-9f0e-3d1f0f6f9a11'
got.inserted = await db.insert(authors).values([
  { name: 'Ada "the" first', token, settings: { theme: 'dark', n: [1, null, 'é\n'] }, joined },
  { name: "Bob's", joined },
]).returning()
await db.insert(books).values([
  { id: 1, author: 1, title: 'One', price: '10.50', tags: ['a b', 'c"d', ''] },
  { id: 2, author: 1, title: 'Two', inPrint: false },
  { id: 3, author: 2, title: 'Three', price: '0.10' },
])
got.selected = await db.select().from(books).where(and(gt(books.id, 0), inArray(books.author, [1, 2]))).orderBy(asc(books.id))
got.partial = await db.select({ title: books.title, upper: sql`upper(${books.title})` }).from(books).where(eq(books.tags, ['a b', 'c"d', '']))
got.joined = await db.select({ author: authors.name, title: books.title }).from(authors)
  .leftJoin(books, eq(books.author, authors.id)).orderBy(desc(books.id)).limit(2)
got.grouped = await db.select({ author: books.author, books: count() }).from(books).groupBy(books.author).orderBy(books.author)
got.relational = await db.query.authors.findMany({
  columns: { name: true },
  with: { books: { columns: { title: true, price: true }, orderBy: [asc(books.id)] } },
  orderBy: [asc(authors.id)],
})
got.one = await db.query.books.findFirst({ where: eq(books.id, 3), with: { by: { columns: { name: true, settings: true } } } })
got.updated = await db.update(books).set({ price: sql`${books.price} * 2` }).where(eq(books.id, 1)).returning({ price: books.price })
got.upserted = await db.insert(authors).values({ name: "Bob's", joined })
  .onConflictDoUpdate({ target: authors.name, set: { settings: { seen: true } } }).returning({ id: authors.id, settings: authors.settings })
got.deleted = await db.delete(books).where(eq(books.id, 3)).returning({ id: books.id })
got.changed = (({ rowCount, command, rows }) => ({ rowCount, command, rows }))(await db.update(books).set({ inPrint: true }))
got.prepared = await db.select().from(authors).where(eq(authors.id, sql.placeholder('id'))).prepare('by_id').execute({ id: 2 })

got.batch = await db.batch([
  db.insert(books).values({ id: 4, author: 2, title: 'Four' }).returning({ id: books.id }),
  db.update(books).set({ title: 'IV' }).where(eq(books.id, 4)),
  db.query.books.findMany({ columns: { id: true, title: true }, where: eq(books.id, 4) }),
  db.select({ n: count() }).from(books),
]).then(([a, b, c, d]) => [a, { command: b.command, rowCount: b.rowCount }, c, d])
got.failed = await db.batch([
  db.insert(books).values({ id: 5, author: 2, title: 'Five' }),
  db.insert(books).values({ id: 6, author: 99, title: 'Nobody' }),
]).catch(error => ({ name: error.constructor.name, ...(({ code, constraint, table, detail }) => ({ code, constraint, table, detail }))(error.cause ?? error) }))
got.afterwards = await db.select({ id: books.id }).from(books).orderBy(books.id)
got.transaction = await db.transaction(async () => {}).catch(error => error.message)

console.log(JSON.stringify(got))
