// drizzle's migrator for neon-http, as its users call it: node _migrator.mjs FOLDER
import { neon, neonConfig } from '../tests/peers/node_modules/@neondatabase/serverless/index.mjs'
import { drizzle } from '../tests/peers/node_modules/drizzle-orm/neon-http/index.js'
import { migrate } from '../tests/peers/node_modules/drizzle-orm/neon-http/migrator.js'

neonConfig.fetchEndpoint = process.env.ENDPOINT
await migrate(drizzle(neon(process.env.DATABASE_URL)), { migrationsFolder: process.argv[2] })
