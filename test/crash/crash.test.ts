/**
 * R13, R14 and R15 by kill -9: processes that wish for reviews and review are killed at random instants, one after the
 * other on the same SQLite file or PostgreSQL database, until a last one may bring everything to its end.
 *
 * `HEALING_KILLS=1000 npm test -- crash` kills so many of them in each, a new one for each 25. `HEALING_SEED` chooses when, to within
 * what the machine makes of it.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import type { SqlError } from "@effect/sql/SqlError"
import { PgClient } from "@effect/sql-pg"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import Database from "better-sqlite3"
import { type ConfigError, Effect, Redacted, type Scope } from "effect"
import { PCGRandom } from "effect/Utils"
import * as PostgresClient from "../../src/store/PostgresClient.js"
import { bundle } from "../support/bundle.js"
import { hasPostgres, makeSchema, urlOf } from "../support/postgres.js"
import { isFull } from "../support/property.js"
import { Ledger, type Line, type Orders, type Row } from "./Ledger.js"

const { HEALING_KILLS, HEALING_SEED } = process.env

const KILLS = Number(HEALING_KILLS ?? (isFull ? 25 : 3))

const KILLS_OF_ONE_FILE = 25

const SEED =
  HEALING_SEED !== undefined ? Number(HEALING_SEED) : HEALING_KILLS === undefined ? 1 : Date.now() % 1_000_000

/** After so long without a line a life hangs. */
const PATIENCE = 300_000

/** One thing that goes wrong takes many others with it. */
const MAX_SHOWN = 20

// In memory where there is such a place: a kill -9 takes nothing from the cache of the disk, so that a disk would only cost.
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

let folder: string

let program: string

beforeAll(async () => {
  folder = mkdtempSync(join(place, "effect-healing-crash-"))
  program = await bundle(new URL("child.ts", import.meta.url))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/**
 * How a life ends.
 *
 * - `itself`: it kills itself right after so many lines.
 * - `killed`: after so many lines and then so many microseconds.
 * - `closed`: the same, but it is asked to close at the first of the two instants.
 * - `leaves`: by itself, when everything has come to its end.
 */
interface Death {
  readonly by: "itself" | "killed" | "closed" | "leaves"
  readonly lines: number
  readonly micros: number
}

const anyDeath = (random: PCGRandom): Death => {
  // Each order of magnitude as often as the others.
  const magnitude = (most: number) => Math.floor(most ** random.number())
  const chance = random.integer(100)
  if (chance < 45) return { by: "itself", lines: 1 + magnitude(1000), micros: 0 }
  if (chance < 55) return { by: "killed", lines: 1, micros: random.integer(40_000) }
  if (chance < 90) return { by: "killed", lines: 1 + magnitude(1000), micros: magnitude(5000) - 1 }
  return { by: "closed", lines: 1 + magnitude(1000), micros: magnitude(20_000) - 1 }
}

interface Life {
  readonly child: ChildProcess
  readonly ended: Promise<ReadonlyArray<unknown>>
  readonly death: Death
}

/** A process that has loaded its code, or is about to, and waits. */
const conceive = (orders: Omit<Orders, "dieAfter" | "task">, death: Death): Life => {
  const all: Orders = {
    ...orders,
    task: death.by === "leaves" ? "drain" : "wish",
    dieAfter: death.by === "itself" ? death.lines : undefined
  }
  const child = spawn(process.execPath, [program, JSON.stringify(all)], {
    stdio: ["pipe", "ignore", "inherit", "pipe"]
  })
  // One that is already gone is told of by its end.
  child.stdin?.on("error", () => {})
  return { child, ended: once(child, "close"), death }
}

const elapse = async (micros: number) => {
  const end = performance.now() + micros / 1000
  while (performance.now() < end) await setImmediate()
}

/** Lets it live until its end, and answers with what it has reported, and with how it did not end as it should. */
const live = async ({
  child,
  death,
  ended
}: Life): Promise<{ readonly lines: ReadonlyArray<Line>; readonly wrong?: string }> => {
  const pipe = child.stdio[3] as NodeJS.ReadableStream
  const lines: Array<Line> = []
  let rest = ""
  let hangs = false
  let isDying = false
  const timer = setTimeout(() => {
    hangs = true
    child.kill("SIGKILL")
  }, PATIENCE)
  const die = async () => {
    isDying = true
    if (death.by === "closed") child.kill("SIGTERM")
    await elapse(death.micros)
    child.kill("SIGKILL")
  }
  pipe.setEncoding("utf8")
  pipe.on("data", (text: string) => {
    timer.refresh()
    const parts = (rest + text).split("\n")
    rest = parts.pop() ?? ""
    for (const part of parts) lines.push(JSON.parse(part))
    if ((death.by === "killed" || death.by === "closed") && !isDying && lines.length >= death.lines) void die()
  })
  child.stdin?.write("!")
  const [code, signal] = await ended
  clearTimeout(timer)
  if (hangs) return { lines, wrong: `it said nothing for ${PATIENCE} ms` }
  const isExpected = death.by === "leaves" ? code === 0 : signal === "SIGKILL" || (death.by === "closed" && isDying)
  return isExpected ? { lines } : { lines, wrong: `it ended with ${signal ?? code}` }
}

/** `joined`: what puts the texts of several rows together. */
const rowsBy = (joined: string) => `SELECT *,
  (SELECT ${joined}(state, ' ') FROM healing_suggestions AS one WHERE one.request = healing_requests.number) AS suggestions,
  (SELECT ${joined}("to", ' ') FROM (
    SELECT "to" FROM healing_suggestion_steps WHERE id = 'suggestion:' || job || ':' || healing_requests.number || '.1' ORDER BY number
  ) AS steps) AS steps
  FROM healing_requests`

/** Where the lives of one seed keep their requests, and what is there in the end. */
interface Place {
  readonly store: string
  readonly read: () => Promise<ReadonlyArray<Row>>
}

const inSqlite = Effect.fnUntraced(function* (seed: number): Effect.fn.Return<Place, never, Scope.Scope> {
  const store = join(folder, `${seed}.db`)
  return {
    store,
    read: async () => {
      const database = new Database(store, { readonly: true })
      try {
        expect(database.pragma("integrity_check", { simple: true })).toBe("ok")
        return database.prepare<[], Row>(rowsBy("GROUP_CONCAT")).all()
      } finally {
        database.close()
      }
    }
  }
})

const inPostgres = Effect.fnUntraced(function* (
  _seed: number
): Effect.fn.Return<Place, SqlError | ConfigError.ConfigError, Scope.Scope> {
  const store = urlOf(yield* makeSchema)
  return {
    store,
    read: () =>
      Effect.flatMap(PgClient.PgClient, PostgresClient.over).pipe(
        Effect.flatMap((sql) => sql.unsafe<Row>(rowsBy("STRING_AGG"))),
        Effect.provide(PgClient.layer({ url: Redacted.make(store), maxConnections: 1 })),
        Effect.runPromise
      )
  }
})

const worlds = Array.from({ length: Math.ceil(KILLS / KILLS_OF_ONE_FILE) }, (_, i) => ({
  seed: SEED + i,
  kills: Math.min(KILLS - i * KILLS_OF_ONE_FILE, KILLS_OF_ONE_FILE)
}))

const tryLives = async ({ kills, seed }: (typeof worlds)[number], { read, store }: Place): Promise<void> => {
  const random = new PCGRandom(seed)
  const settings = {
    onJobStart: random.integer(2) === 0 ? "yield" : "continue",
    maxYields: random.integer(4),
    maxAttempts: 2 + random.integer(3)
  } as const
  const ledger = new Ledger(settings.maxAttempts)
  const deaths: ReadonlyArray<Death> = [
    ...Array.from({ length: kills }, () => anyDeath(random)),
    { by: "leaves", lines: 0, micros: 0 }
  ]
  const conceiveNext = (i: number) => {
    const death = deaths[i]
    return death && conceive({ store, seed: random.integer(1_000_000), settings }, death)
  }
  let last: ReadonlyArray<Line> = []
  // While one lives, the next one loads its code.
  let next = conceiveNext(0)
  try {
    for (let i = 0; next !== undefined; i++) {
      const life = next
      next = conceiveNext(i + 1)
      const { lines, wrong } = await live(life)
      last = lines
      ledger.add(lines)
      expect(
        [...(wrong === undefined ? [] : [wrong]), ...ledger.wrong].slice(0, MAX_SHOWN),
        `HEALING_SEED=${seed}, life ${i + 1} of ${deaths.length}: ${JSON.stringify({ ...settings, ...life.death })}`
      ).toEqual([])
    }
  } finally {
    next?.child.kill("SIGKILL")
  }
  ledger.check(await read())
  expect(ledger.wrong.slice(0, MAX_SHOWN), `HEALING_SEED=${seed}, after all of ${deaths.length} lives`).toEqual([])
  const drained = last.filter(({ _tag }) => _tag === "Ended").length
  console.log(`${kills} kills of seed ${seed}: ${JSON.stringify(ledger.counts)}; the last life drained ${drained}`)
}

const places = { "a SQLite file": inSqlite, ...(hasPostgres && { PostgreSQL: inPostgres }) }

for (const [name, place] of Object.entries(places)) {
  describe(`in ${name}`, () => {
    it.scopedLive.each(worlds)(
      "after $kills kills, everything that was acknowledged has ended once (HEALING_SEED=$seed)",
      (world) => Effect.flatMap(place(world.seed), (place) => Effect.promise(() => tryLives(world, place))),
      10 * 60_000
    )
  })
}
