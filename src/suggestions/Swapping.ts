/**
 * Writes the files of a set, all or none: what is common to an application and to a rollback.
 *
 * @internal
 */
import type { BigIntStats } from "node:fs"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Place } from "./Examining.js"
import { before } from "./Hooks.js"
import { problemOf } from "./OpenFolder.js"
import * as Writing from "./Writing.js"

/**
 * One file.
 *
 * - `content`: what is to stand in it; `null` if it is to go.
 * - `owned`: the permissions and the owner that it is to have, and the one that it has.
 * - `temporary`: the name beside it that is used meanwhile.
 *
 * @internal
 */
export interface Swap {
  readonly place: Place
  readonly content: string | null
  readonly owned: { readonly after: Writing.Owned; readonly before: Writing.Owned }
  readonly temporary: string
}

/**
 * How it went.
 *
 * - `Written`: all of them are.
 * - `NotWritten`: none of them is, and this is why; `path` is the file where it went wrong.
 * - `Edited`: somebody has edited `path` while it was written; what they have written stands there, and the others are as before.
 *
 * @internal
 */
export type Swapped<E> =
  | { readonly _tag: "Written" }
  | { readonly _tag: "NotWritten"; readonly path: string; readonly why: string | E }
  | { readonly _tag: "Edited"; readonly path: string; readonly why: string }

interface Done {
  readonly swap: Swap
  readonly written: BigIntStats | undefined
}

const attempt = <A>(f: () => A): Effect.Effect<A, string> => Effect.try({ try: f, catch: problemOf })

/**
 * To be run uninterruptibly, when the intention and the originals are on disk.
 *
 * - `reading`, `whyNot`: the last check, right before each file is put in its place, in the same synchronous step: what it reads, and why
 *   not to go on.
 *
 * Longer than a screen, since each step has its own way back.
 *
 * @internal
 */
export const swapAll = <S, E>(
  swaps: ReadonlyArray<Swap>,
  reading: Effect.Effect<S>,
  whyNot: (read: S) => E | undefined
): Effect.Effect<Swapped<E>> =>
  Effect.gen(function* () {
    const prepared: Array<Done> = []
    const done: Array<Done> = []

    const undo = Effect.gen(function* () {
      yield* Effect.forEach(prepared, ({ swap }) =>
        Effect.ignoreLogged(attempt(() => Writing.remove(swap.place.folder, swap.temporary)))
      )
      yield* Effect.forEach(done.reverse(), ({ swap: { owned, place, temporary }, written }) =>
        Effect.ignoreLogged(
          attempt(() => {
            const bytes = Writing.editedMeanwhile(place) ?? place.file?.bytes
            return Writing.putBack(place, written, bytes, temporary, owned.before)
          })
        )
      )
    })

    for (const swap of swaps) {
      const { content, owned, place, temporary } = swap
      yield* before("write")
      const written = yield* Effect.exit(
        attempt(() =>
          content === null ? undefined : Writing.writeBeside(place.folder, temporary, content, owned.after)
        )
      )
      if (Exit.isFailure(written)) {
        yield* undo
        return { _tag: "NotWritten", path: place.path, why: whyOf(written) }
      }
      prepared.push({ swap, written: written.value })
    }

    const swap = (one: Done, read: S): string | E | undefined => {
      const { place, temporary } = one.swap
      try {
        const why = whyNot(read) ?? Writing.whyMoved(place)
        if (why !== undefined) return why
        if (one.written === undefined) Writing.takeOut(place)
        else Writing.swapIn(place, temporary)
        done.push(one)
        return undefined
      } catch (error) {
        return problemOf(error)
      }
    }

    for (const one of prepared) {
      const { place } = one.swap
      yield* before("rename")
      // In the function given to `flatMap`: one that is given to `map` would run an op after the state is read, and a job could start.
      const why = yield* Effect.flatMap(reading, (read) => Effect.succeed(swap(one, read)))
      if (why !== undefined) {
        yield* undo
        return { _tag: "NotWritten", path: place.path, why }
      }
    }

    yield* before("sync")
    for (const { swap } of done.slice()) {
      const synced = yield* Effect.exit(attempt(() => Writing.sync(swap.place.folder)))
      if (Exit.isSuccess(synced)) continue
      yield* undo
      return { _tag: "NotWritten", path: swap.place.path, why: whyOf(synced) }
    }
    yield* before("look")
    for (const one of done) {
      const { owned, place, temporary } = one.swap
      const edited = yield* Effect.option(attempt(() => Writing.editedMeanwhile(place)))
      if (edited._tag === "None" || edited.value === undefined) continue
      const content = edited.value
      const isBack = yield* Effect.exit(
        attempt(() => Writing.putBack(place, one.written, content, temporary, owned.before))
      )
      done.splice(done.indexOf(one), 1)
      yield* undo
      return {
        _tag: "Edited",
        path: place.path,
        why: Exit.isSuccess(isBack)
          ? "somebody has edited the file while it was written, and what they have written stands in it"
          : `somebody has edited the file while it was written, and their edit could not be put back: ${whyOf(isBack)}`
      }
    }
    return { _tag: "Written" }
  })

const whyOf = (exit: Exit.Failure<unknown, string>): string =>
  exit.cause._tag === "Fail" ? exit.cause.error : "it has failed"
