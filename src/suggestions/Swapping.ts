/**
 * Writes the files of a set, all or none: what is common to an application and to a rollback.
 *
 * @internal
 */
import type { BigIntStats } from "node:fs"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
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
 * - `NotWritten`: this is why not, and `path` is the file where it went wrong.
 * - `Edited`: somebody has edited `path` while it was written; what they have written stands there, unless `why` says otherwise.
 *
 * `left`: those that could not be put back, since somebody has edited what was written, or since that has failed. The others are as before.
 *
 * @internal
 */
export type Swapped<E> =
  | { readonly _tag: "Written" }
  | { readonly _tag: "NotWritten"; readonly path: string; readonly why: string | E; readonly left: ReadonlyArray<Swap> }
  | { readonly _tag: "Edited"; readonly path: string; readonly why: string; readonly left: ReadonlyArray<Swap> }

/** One that is prepared, and then put in its place: the file that is there then, or none if the target was taken out. */
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
    const prepared: Array<Swap> = []
    const done: Array<Done> = []

    const putBack = ({ swap: { owned, place, temporary }, written }: Done) =>
      attempt(() => Writing.putBack(place, written, temporary, owned.before))

    /** Returns those that could not be put back. */
    const undo = Effect.gen(function* () {
      const left: Array<Swap> = []
      for (const one of done.splice(0).reverse()) {
        const isBack = yield* Effect.orElseSucceed(putBack(one), () => false)
        if (!isBack) left.push(one.swap)
      }
      for (const { place, temporary } of prepared.splice(0)) {
        yield* Effect.ignoreLogged(attempt(() => Writing.remove(place.folder, temporary)))
      }
      return left
    })

    const notWritten = (path: string, why: string | E): Effect.Effect<Swapped<E>> =>
      Effect.map(undo, (left) => ({ _tag: "NotWritten", path, why, left }))

    for (const swap of swaps) {
      const { content, owned, place, temporary } = swap
      yield* before("write")
      prepared.push(swap)
      const written = yield* Effect.either(
        attempt(() =>
          content === null
            ? undefined
            : Writing.writeBeside(place.folder, temporary, [Buffer.from(content)], owned.after)
        )
      )
      if (Either.isLeft(written)) return yield* notWritten(place.path, written.left)
    }

    const putIn = (swap: Swap, read: S): string | E | undefined => {
      const { content, place, temporary } = swap
      try {
        const why = whyNot(read) ?? Writing.whyMoved(place)
        if (why !== undefined) return why
        if (content === null) Writing.takeOut(place)
        done.push({ swap, written: content === null ? undefined : Writing.swapIn(place, temporary) })
        return undefined
      } catch (error) {
        return problemOf(error)
      }
    }

    for (const swap of swaps) {
      yield* before("rename")
      // In the function given to `flatMap`: one that is given to `map` would run an op after the state is read, and a job could start.
      const why = yield* Effect.flatMap(reading, (read) => Effect.succeed(putIn(swap, read)))
      if (why !== undefined) return yield* notWritten(swap.place.path, why)
    }

    yield* before("sync")
    for (const { place } of swaps) {
      const synced = yield* Effect.either(attempt(() => Writing.sync(place.folder)))
      if (Either.isLeft(synced)) return yield* notWritten(place.path, synced.left)
    }

    yield* before("look")
    for (const one of done.slice()) {
      const { path } = one.swap.place
      // What cannot be told may be an edit.
      const isEdited = yield* Effect.orElseSucceed(
        attempt(() => Writing.isEditedMeanwhile(one.swap.place)),
        () => true
      )
      if (!isEdited) continue
      const left = yield* undo
      const why = left.includes(one.swap)
        ? "somebody has edited the file while it was written, and their edit could not be put back"
        : "somebody has edited the file while it was written, and what they have written stands in it"
      return { _tag: "Edited", path, why, left }
    }
    return { _tag: "Written" }
  })
