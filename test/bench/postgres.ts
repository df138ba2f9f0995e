/**
 * What it takes until a request is in PostgreSQL, on a server of its own, which waits for its disk.
 */
import { randomBytes } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Logger, Redacted } from "effect"
import {
  HealingConfig,
  HealingQueue,
  HealingService,
  HealingStore,
  OpenClaw,
  Reviewed,
  Reviewer
} from "../../src/index.js"
import { binaries, startPostgres } from "../postgres/Postgres.js"
import { newFile, withOurs } from "./disk.js"
import { compare, millisEach, type Row, rowOf, size } from "./ratio.js"

const COUNT = size(500, 20)
const FIBERS = 100

/** Without a server its rows are left out. */
export const rows = binaries === undefined ? 0 : 4

const ReviewerLive = Layer.succeed(Reviewer, {
  review: () => Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } }))
})

/** A schema of its own for each round. */
const clientOf = (url: string) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const schema = `bench_${randomBytes(6).toString("hex")}`
      yield* Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(`CREATE SCHEMA ${schema}`)).pipe(
        Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 }))
      )
      const options = encodeURIComponent(`-c search_path=${schema}`)
      return PgClient.layer({ url: Redacted.make(`${url}?options=${options}`), maxConnections: 4 })
    })
  )

const inPostgres = <A, E>(url: string, effect: Effect.Effect<A, E, HealingQueue | OpenClaw>): Effect.Effect<A> =>
  effect.pipe(
    Effect.provide(
      HealingQueue.layer.pipe(
        Layer.provide(HealingStore.layerSql),
        Layer.provide(clientOf(url)),
        Layer.provideMerge(HealingService.layer),
        Layer.provideMerge(OpenClaw.layer),
        Layer.provide([ReviewerLive, HealingConfig.layer({ quietPeriod: 0 })]),
        Layer.provideMerge(Logger.remove(Logger.defaultLogger))
      )
    ),
    Effect.orDie
  )

const jobs = Array.from({ length: COUNT }, (_, i) => `job ${i}`)

/** While a job runs: no review gets in the way. */
const submits = (concurrency: number) =>
  Effect.gen(function* () {
    yield* Effect.flatMap(OpenClaw, (openClaw) => openClaw.started("job"))
    const { submit } = yield* HealingQueue
    return yield* millisEach(
      COUNT,
      Effect.forEach(jobs, (job) => submit({ job }), { concurrency, discard: true })
    )
  })

const reviews = Effect.gen(function* () {
  const { heal } = yield* HealingQueue
  return yield* millisEach(
    COUNT,
    Effect.forEach(jobs, (job) => heal({ job, maxWait: "1 hour" }), { concurrency: FIBERS, discard: true })
  )
})

const inserted = (url: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`CREATE TABLE requests (number BIGINT PRIMARY KEY, job TEXT NOT NULL, state TEXT NOT NULL)`
    const connection = yield* sql.reserve
    const run = (text: string, params: ReadonlyArray<unknown> = []) => connection.execute(text, params, undefined)
    return yield* millisEach(
      COUNT,
      Effect.forEach(
        jobs,
        (job, number) =>
          run("BEGIN").pipe(
            Effect.zipRight(run("INSERT INTO requests VALUES ($1, $2, 'pending')", [number, job])),
            Effect.zipRight(run("COMMIT"))
          ),
        { discard: true }
      )
    )
  }).pipe(Effect.scoped, Effect.provide(clientOf(url)), Effect.orDie)

const onFile = Effect.scoped(Effect.flatMap(newFile, (file) => withOurs(file, reviews)))

export const postgres: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  if (binaries === undefined) return []
  const { url } = yield* Effect.acquireRelease(
    Effect.promise(() => startPostgres({ fsync: true })),
    (server) => Effect.promise(() => server.stop())
  )
  const options = { rounds: 7, warmUp: 2 }
  return [
    rowOf(
      "`submit` to PostgreSQL, one after the other, to one `INSERT` a transaction",
      yield* compare(options, inPostgres(url, submits(1)), inserted(url)),
      2.5
    ),
    rowOf(
      `\`submit\` to PostgreSQL from ${FIBERS} fibers at once, to the same`,
      yield* compare(options, inPostgres(url, submits(FIBERS)), inserted(url)),
      1
    ),
    rowOf(
      `one of ${COUNT} requests, submitted and reviewed, in PostgreSQL, to a transaction`,
      yield* compare(options, inPostgres(url, reviews), inserted(url)),
      undefined
    ),
    rowOf(`- to a SQLite file`, yield* compare(options, inPostgres(url, reviews), onFile), undefined)
  ]
}).pipe(Effect.scoped)
