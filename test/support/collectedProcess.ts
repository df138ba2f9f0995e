/**
 * A process of its own that makes SQL statements and has them collected, in each way in which V8 does that:
 * `node --expose-gc collectedProcess.mjs`. It prints `alive` at the end, unless a collection ends it.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import type { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { make } from "../../src/store/SqliteDriver.js"

declare const gc: (options?: { readonly type: "major" | "minor"; readonly execution: "async" }) => Promise<void>

/** More than the client keeps, so that the others can be collected; `BEGIN` and `COMMIT` it makes anew each time. */
const statements = (sql: SqlClient) =>
  Effect.forEach(
    Array.from({ length: 400 }, (_, k) => k),
    (k) => sql.withTransaction(sql.unsafe(`SELECT ${k}`)),
    { discard: true }
  )

let kept: ReadonlyArray<object> = []

/** A collection in the middle of what is compiled, in which V8 has entered no context. */
const allocate = () => {
  for (let round = 0; round < 10; round++) kept = Array.from({ length: 100_000 }, (_, k) => ({ k }))
  return kept.length
}

const program = Effect.gen(function* () {
  const sql = yield* make({ filename: ":memory:" })
  for (let round = 0; round < 5; round++) {
    yield* statements(sql)
    yield* Effect.sync(allocate)
    yield* statements(sql)
    // By tasks of their own, which the event loop comes to when nothing else is to be done.
    yield* Effect.promise(() => gc({ type: "minor", execution: "async" }))
    yield* statements(sql)
    yield* Effect.promise(() => gc({ type: "major", execution: "async" }))
    yield* statements(sql)
    // V8 may use the pause for a collection of its own.
    yield* Effect.sleep("50 millis")
  }
}).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

await Effect.runPromise(program)
console.log("alive")
