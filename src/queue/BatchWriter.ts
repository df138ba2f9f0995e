/**
 * The one writer of the queue: what comes at the same time is written in one commit.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { HealingStoreError } from "../HealingError.js"
import type { Change } from "../store/Change.js"
import type { Journal } from "../store/Journal.js"

/**
 * - `write`: a wish. The effect ends when it is on disk, or fails when it has not been written.
 * - `record`: what has happened already. It is kept until it could be written, and everything after it waits for that.
 * - `flush`: writes what can be written, and then no more: what is left then never can be.
 *
 * Both take their place in the order with the call itself. The changes are asked for when they are written.
 *
 * @internal
 */
export interface BatchWriter {
  readonly write: (
    changes: () => ReadonlyArray<Change>,
    done?: (error: HealingStoreError | undefined) => void
  ) => Effect.Effect<void, HealingStoreError>
  readonly record: (changes: () => ReadonlyArray<Change>, listener?: Listener) => void
  readonly flush: Effect.Effect<void>
}

/**
 * - `done`: it was written, or never can be because of this error.
 * - `failed`: it could not be written, and is tried again.
 *
 * Neither may throw.
 *
 * @internal
 */
export interface Listener {
  readonly done?: (error: HealingStoreError | undefined) => void
  readonly failed?: (error: HealingStoreError) => void
}

interface Queued {
  readonly changes: () => ReadonlyArray<Change>
  /** Whether it has happened already. */
  readonly happened: boolean
  readonly done: (error: HealingStoreError | undefined) => void
  readonly failed: ((error: HealingStoreError) => void) | undefined
}

const MAX_BATCH = 256

/**
 * How many rounds of all runnable fibers a commit waits, so that more come into it. Those who wish at once are in one round; the start of
 * a review is within four of the end of the one before it.
 */
const ROUNDS = { wishes: 1, ends: 4 }

const FIRST_RETRY = 1000

const LAST_RETRY = 60_000

const closedError = new HealingStoreError({
  reason: "Closed",
  detail: "The queue of healing requests was closed before what has happened could be written"
})

/**
 * `onTrouble` is told when what has happened cannot be written, and when it has been after all; `onWritten` after each
 * commit.
 *
 * Longer than a screen, since all of it is about one queue: what is added to it, how it is committed, and when it is tried again.
 *
 * @internal
 */
export const make = (
  store: Journal,
  onTrouble: (error: HealingStoreError | undefined) => void,
  onWritten: () => void
): Effect.Effect<BatchWriter, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue: Array<Queued> = []
    const wake = yield* Effect.makeLatch(false)
    const clock = yield* Effect.clock
    /** How long until the next try of what could not be written; 0 if there is no such thing. */
    let retryIn = 0

    /** Why they could not be written. */
    const commit = (writes: ReadonlyArray<Queued>): Effect.Effect<Option.Option<HealingStoreError>> => {
      const changes = writes.flatMap((queued) => queued.changes())
      if (changes.length === 0) return Effect.succeedNone
      return Effect.matchCause(store.commit(changes), {
        onSuccess: () => {
          onWritten()
          return Option.none()
        },
        onFailure: (cause) => Option.orElseSome(Cause.failureOption(cause), () => died(cause))
      })
    }

    const trouble = (error: HealingStoreError | undefined) => {
      if (error === undefined && retryIn === 0) return
      retryIn = error === undefined ? 0 : Math.max(retryIn, FIRST_RETRY)
      onTrouble(error)
    }

    /** Alone, so that one that cannot be written is not in the way of the others. Returns whether to go on. */
    const commitOne = (queued: Queued): Effect.Effect<boolean> =>
      Effect.map(commit([queued]), (result) => {
        const error = Option.getOrUndefined(result)
        if (error === undefined || !queued.happened || error.reason === "UnexpectedState") {
          queue.shift()
          // The store has answered, whatever it was that it said.
          if (error === undefined || error.reason === "UnexpectedState") trouble(undefined)
          queued.done(error)
          return true
        }
        trouble(error)
        // The wishes behind it cannot be written before it, and who wishes is not to wait for a better disk.
        const [wishes, kept] = Arr.partition(queue.splice(0), ({ happened }) => happened)
        queue.push(...kept)
        for (const { failed } of kept) failed?.(error)
        for (const wish of wishes) wish.done(error)
        return false
      })

    /** One by one. Returns whether to go on. */
    const commitEach = ([first, ...others]: ReadonlyArray<Queued>): Effect.Effect<boolean> =>
      first === undefined
        ? Effect.succeed(true)
        : Effect.flatMap(commitOne(first), (goOn) => (goOn ? commitEach(others) : Effect.succeed(false)))

    const commitTogether = (batch: ReadonlyArray<Queued>): Effect.Effect<boolean> =>
      Effect.flatMap(commit(batch), (error) => {
        if (Option.isSome(error)) return commitEach(batch)
        queue.splice(0, batch.length)
        for (const queued of batch) queued.done(undefined)
        return Effect.succeed(true)
      })

    const commitAll: Effect.Effect<void> = Effect.suspend(() => {
      const batch = queue.slice(0, MAX_BATCH)
      const [first] = batch
      if (first === undefined) return Effect.void
      const committed = batch.length === 1 ? commitOne(first) : retryIn > 0 ? commitEach(batch) : commitTogether(batch)
      return Effect.flatMap(committed, (goOn) => (goOn && queue.length > 0 ? commitAll : Effect.void))
    })

    const waitForBatch = Effect.suspend(() =>
      Effect.repeatN(Effect.yieldNow(), (queue.some(({ happened }) => happened) ? ROUNDS.ends : ROUNDS.wishes) - 1)
    )

    /** Until something comes, or what could not be written is to be tried again. */
    const awaitWork: Effect.Effect<void> = Effect.suspend(() =>
      retryIn === 0
        ? wake.await
        : Effect.race(
            wake.await,
            Effect.map(clock.sleep(Duration.millis(retryIn)), () => {
              retryIn = Math.min(retryIn * 2, LAST_RETRY)
            })
          )
    )

    const work: Effect.Effect<never> = awaitWork.pipe(
      Effect.zipRight(waitForBatch),
      Effect.zipRight(
        Effect.uninterruptible(
          Effect.suspend(() => {
            wake.unsafeClose()
            return commitAll
          })
        )
      ),
      Effect.flatMap(() => work)
    )
    const writer = yield* Effect.forkScoped(work)

    const add = (queued: Queued) => {
      queue.push(queued)
      wake.unsafeOpen()
    }

    return {
      write: (changes, done) => {
        const written = Deferred.unsafeMake<void, HealingStoreError>(FiberId.none)
        add({
          changes,
          happened: false,
          done: (error) => {
            done?.(error)
            Deferred.unsafeDone(written, error === undefined ? Effect.void : Effect.fail(error))
          },
          failed: undefined
        })
        return Deferred.await(written)
      },
      record: (changes, listener) =>
        add({ changes, happened: true, done: listener?.done ?? (() => {}), failed: listener?.failed }),
      flush: Fiber.interrupt(writer).pipe(
        Effect.zipRight(commitAll),
        // Whoever waits for what cannot be written is not to wait for ever.
        Effect.zipRight(
          Effect.sync(() => {
            for (const queued of queue.splice(0)) queued.done(closedError)
          })
        )
      )
    }
  })

/** A store that breaks its promise would break it again, and is not to take the queue with it. */
const died = (cause: unknown): HealingStoreError =>
  new HealingStoreError({
    reason: "UnexpectedState",
    detail: "The store of healing requests has died of what it was to write: this is a bug",
    cause
  })
