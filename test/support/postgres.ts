/** Databases of PostgreSQL for tests. */
import { randomBytes } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"

const { HEALING_POSTGRES: url } = process.env

/** Whether there is a server. */
export const hasPostgres = url !== undefined

/** The address of the server, by which each connection sees this schema only. */
export const urlOf = (schema: string): string => `${url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`

const admin = Layer.suspend(() => PgClient.layer({ url: Redacted.make(url ?? ""), maxConnections: 1 }))

/** An empty schema for as long as the scope is open. */
export const makeSchema = Effect.gen(function* () {
  const schema = `healing_test_${randomBytes(6).toString("hex")}`
  const run = (statement: string) =>
    Effect.provide(
      Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)),
      admin
    )
  yield* Effect.acquireRelease(run(`CREATE SCHEMA ${schema}`), () =>
    Effect.orDie(run(`SET client_min_messages = error; DROP SCHEMA ${schema} CASCADE`))
  )
  return schema
})

/** A client of a schema of its own. */
export const layer = Layer.unwrapScoped(
  Effect.map(makeSchema, (schema) => PgClient.layer({ url: Redacted.make(urlOf(schema)), maxConnections: 4 }))
)
