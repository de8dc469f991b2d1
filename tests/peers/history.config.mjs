// What drizzle-kit is told: the schema at one step of its life, and the folder to write to.
export default { dialect: 'postgresql', schema: './history.mjs', out: process.env.OUT }
