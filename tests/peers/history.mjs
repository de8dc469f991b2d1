// A schema as it grows: STEP says how far it has come. Each step uses what drizzle-kit knows how to change.
import { relations, sql } from 'drizzle-orm'
import {
  bigint, bigserial, boolean, check, doublePrecision, foreignKey, index, integer, jsonb, numeric, pgEnum, pgMaterializedView,
  pgPolicy, pgRole, pgSchema, pgSequence, pgTable, pgView, primaryKey, serial, text, timestamp, unique, uniqueIndex, uuid,
  varchar,
} from 'drizzle-orm/pg-core'

const step = Number(process.env.STEP)
const from = (first, made) => (step >= first ? made() : undefined)

// Enums: appended to, and inserted into.
export const plan = pgEnum('plan', step >= 5 ? ['free', 'trial', 'team', 'company'] : step >= 3 ? ['free', 'team', 'company'] : ['free', 'team'])
export const billing = from(4, () => pgSchema('billing'))
export const numbers = from(4, () => pgSequence('invoice_numbers', { startWith: 1000, increment: 2, cache: 5, cycle: true }))

export const orgs = pgTable('orgs', {
  id: varchar({ length: 32 }).primaryKey(),
  name: text().notNull(),
  plan: plan().notNull().default('free'),
  ...(step >= 2 && { createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow() }),
  ...(step >= 3 && { settings: jsonb().notNull().default({ theme: 'dark', n: [1, null] }), tags: text().array().notNull().default([]) }),
  // A type that grows, and a default that goes.
  seats: step >= 4 ? bigint({ mode: 'number' }).notNull() : integer().notNull().default(1),
}, (t) => [
  ...(step >= 2 ? [index('orgs_created_at_id').on(t.createdAt, t.id), check('orgs_seats', step >= 6 ? sql`${t.seats} > 0 and ${t.seats} < 100000` : sql`${t.seats} > 0`)] : []),
  ...(step >= 3 ? [uniqueIndex('orgs_name_lower').on(sql`lower(${t.name})`).where(sql`${t.plan} <> 'free'`)] : []),
])

export const users = pgTable('users', {
  id: serial().primaryKey(),
  // Renamed in the seventh step, which drizzle-kit asks about.
  ...(step >= 7 ? { address: varchar({ length: 320 }).notNull() } : { email: varchar({ length: 320 }).notNull() }),
  token: uuid().defaultRandom(),
  ...(step >= 5 && { balance: numeric({ precision: 12, scale: 2 }).default('0.00'), weight: doublePrecision() }),
  ...(step < 6 && { legacy: boolean().default(false) }),
}, (t) => (step >= 5 ? [unique('users_token').on(t.token).nullsNotDistinct()] : []))

export const memberships = from(2, () => pgTable('memberships', {
  orgId: varchar('org_id', { length: 32 }).notNull().references(() => orgs.id, { onDelete: 'cascade' }),
  userId: integer('user_id').notNull().references(() => users.id, { onDelete: step >= 4 ? 'restrict' : 'no action', onUpdate: 'cascade' }),
  role: text({ enum: ['owner', 'member'] }).notNull().default('member'),
}, (t) => [primaryKey({ columns: [t.orgId, t.userId] })]))

export const membershipsToOrg = from(2, () => relations(memberships, ({ one }) => ({ org: one(orgs, { fields: [memberships.orgId], references: [orgs.id] }) })))

export const invoices = from(4, () => billing.table('invoices', {
  id: step >= 6 ? bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity({ startWith: 100 }) : bigint({ mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
  number: integer().notNull().default(sql`nextval('invoice_numbers')`),
  orgId: varchar('org_id', { length: 32 }).notNull(),
  cents: integer().notNull(),
  euros: numeric().generatedAlwaysAs(sql`cents / 100.0`),
}, (t) => [
  foreignKey({ columns: [t.orgId], foreignColumns: [orgs.id], name: 'invoices_org' }),
  index('invoices_org_cents').using('btree', t.orgId, t.cents.desc().nullsLast()),
]))

export const paid = from(5, () => pgView('paid').as((db) => db.select({ org: orgs.id, plan: orgs.plan }).from(orgs).where(sql`${orgs.plan} in ('team', 'company')`)))
export const totals = from(5, () => pgMaterializedView('totals').as((db) => db.select({ org: invoices.orgId, cents: sql`sum(${invoices.cents})`.as('cents') }).from(invoices).groupBy(invoices.orgId)))

export const events = from(6, () => pgTable('events', { id: bigserial({ mode: 'bigint' }).primaryKey(), org: text().notNull() }, (t) => [
  pgPolicy('events_of_all', { as: 'permissive', for: 'select', to: 'public', using: sql`${t.org} <> ''` }),
]).enableRLS())
