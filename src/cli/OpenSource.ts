/**
 * Finds what there is to read from.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as FileSource from "./FileSource.js"
import * as LiveSource from "./LiveSource.js"
import type { Problem } from "./Problem.js"
import type { Source } from "./Source.js"
import * as Where from "./Where.js"

/**
 * Says on the standard error where that comes from, if nothing runs.
 *
 * @internal
 */
export const open = (where: Where.Where): Effect.Effect<Source, Problem, Scope.Scope> =>
  Effect.gen(function* () {
    const places = yield* Where.places(where)
    const client = yield* Where.running(places)
    if (Option.isSome(client)) return LiveSource.make(client.value)
    const { database } = places
    if (database === undefined || !existsSync(database)) return yield* Where.notRunning(places)
    yield* Console.error(`Nothing runs there: this is what stands in ${database}`)
    return yield* FileSource.make(database)
  })
