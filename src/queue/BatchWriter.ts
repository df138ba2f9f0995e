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
import * as Clocks from "../internal/Clocks.js"
import type { Change } from "../store/Change.js"
import type { Journal } from "../store/Journal.js"

/**
 * - `write`: a wish. The effect ends when it is on disk, or fails when it has not been written. While the store fails, it fails at
 *   once until the next try: one attempt can hold up all of the process for a moment, and there may be many wishes. With `isLast`,
 *   for which there will be no other try, it is tried at once.
 * - `record`: what has happened already. It is kept until it could be written, and everything after it waits for that.
 * - `lastCommit`: when something was written last, by the steady clock; `undefined` if nothing was.
 * - `trouble`: whether the store fails.
 * - `flush`: writes what can be written, and then no more: what is left then never can be.
 *
 * Both take their place in the order with the call itself. The changes are asked for when they are written.
 *
 * @internal
 */
export interface BatchWriter {
  readonly write: (
    changes: () => ReadonlyArray<Change>,
    done?: (error: HealingStoreError | undefined) => void,
    isLast?: boolean
  ) => Effect.Effect<void, HealingStoreError>
  readonly record: (changes: () => ReadonlyArray<Change>, listener?: Listener) => void
  readonly lastCommit: () => number | undefined
  readonly trouble: () => Trouble | undefined
  readonly flush: Effect.Effect<void>
}

/**
 * A store that fails.
 *
 * - `since`: when it began to, by the steady clock.
 * - `delay`: from the last try to the next one, in milliseconds.
 * - `nextTry`: when that is, by the steady clock.
 * - `keeps`: whether something has happened that it could not write: then that is tried by itself. Otherwise the next wish tries.
 *
 * @internal
 */
export interface Trouble {
  readonly since: number
  readonly error: HealingStoreError
  readonly delay: number
  readonly nextTry: number
  readonly keeps: boolean
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
 * - `onTrouble`: is told at each try that fails, and when the store can be written again.
 * - `onCommit`: is told whenever something was written, and what.
 *
 * Longer than a screen, since all of it is about one queue: what is added to it, how it is committed, and when it is tried again.
 *
 * @internal
 */
export const make = (
  store: Journal,
  onTrouble: (trouble: Trouble | undefined) => void,
  onCommit: (changes: ReadonlyArray<Change>) => void
): Effect.Effect<BatchWriter, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue: Array<Queued> = []
    const wake = yield* Effect.makeLatch(false)
    /** Open if the next try is not waited for. */
    const hurry = yield* Effect.makeLatch(false)
    const clock = yield* Effect.clock
    const now = () => Clocks.millis(clock)
    let trouble: Trouble | undefined
    let lastCommit: number | undefined
    /** Whether nothing is written any more. */
    let hasEnded = false

    /** Why they could not be written. */
    const commit = (writes: ReadonlyArray<Queued>): Effect.Effect<Option.Option<HealingStoreError>> => {
      const changes = writes.flatMap((queued) => queued.changes())
      if (changes.length === 0) return Effect.succeedNone
      return Effect.matchCause(store.commit(changes), {
        onSuccess: () => {
          lastCommit = now()
          ends()
          onCommit(changes)
          return Option.none()
        },
        onFailure: (cause) => Option.orElseSome(Cause.failureOption(cause), () => died(cause))
      })
    }

    /** The wishes cannot be written either, and who wishes is not to wait for a better disk. */
    const fails = (error: HealingStoreError) => {
      const [wishes, kept] = Arr.partition(queue.splice(0), ({ happened }) => happened)
      queue.push(...kept)
      const delay = trouble === undefined ? FIRST_RETRY : Math.min(trouble.delay * 2, LAST_RETRY)
      trouble = { error, since: trouble?.since ?? now(), delay, nextTry: now() + delay, keeps: kept.length > 0 }
      onTrouble(trouble)
      for (const { failed } of kept) failed?.(error)
      for (const wish of wishes) wish.done(error)
    }

    const ends = () => {
      if (trouble === undefined) return
      trouble = undefined
      onTrouble(undefined)
    }

    /** Alone, so that one that cannot be written is not in the way of the others. Returns whether to go on. */
    const commitOne = (queued: Queued): Effect.Effect<boolean> =>
      Effect.map(commit([queued]), (result) => {
        const error = Option.getOrUndefined(result)
        if (error === undefined || error.reason === "UnexpectedState") {
          queue.shift()
          // The store has answered, whatever it was that it said.
          ends()
          queued.done(error)
          return true
        }
        fails(error)
        return false
      })

    /** One by one. Returns whether to go on. */
    const commitEach = ([first, ...others]: ReadonlyArray<Queued>): Effect.Effect<boolean> =>
      first === undefined
        ? Effect.succeed(true)
        : Effect.flatMap(commitOne(first), (goOn) => (goOn ? commitEach(others) : Effect.succeed(false)))

    const commitTogether = (batch: ReadonlyArray<Queued>): Effect.Effect<boolean> =>
      Effect.flatMap(commit(batch), (result) => {
        const error = Option.getOrUndefined(result)
        if (error === undefined) {
          queue.splice(0, batch.length)
          for (const queued of batch) queued.done(undefined)
          return Effect.succeed(true)
        }
        // One of them may be in the way of the others, or too much for what room is left.
        if (error.reason === "UnexpectedState" || error.reason === "Full") return commitEach(batch)
        fails(error)
        return Effect.succeed(false)
      })

    const commitAll: Effect.Effect<void> = Effect.suspend(() => {
      const batch = queue.slice(0, MAX_BATCH)
      const [first] = batch
      if (first === undefined) return Effect.void
      const committed =
        batch.length === 1 ? commitOne(first) : trouble === undefined ? commitTogether(batch) : commitEach(batch)
      return Effect.flatMap(committed, (goOn) =>
        goOn && queue.length > 0 ? Effect.zipRight(Clocks.giveWay, commitAll) : Effect.void
      )
    })

    const waitForBatch = Effect.suspend(() =>
      Effect.repeatN(Effect.yieldNow(), (queue.some(({ happened }) => happened) ? ROUNDS.ends : ROUNDS.wishes) - 1)
    )

    /** Until something comes, or what could not be written is to be tried again. */
    const awaitWork: Effect.Effect<void> = Effect.suspend(() => {
      if (trouble === undefined || !queue.some(({ happened }) => happened)) return wake.await
      const left = trouble.nextTry - now()
      return left <= 0
        ? Effect.void
        : Effect.raceFirst(hurry.await, Effect.zipRight(clock.sleep(Duration.millis(Math.ceil(left))), awaitWork))
    })

    const work: Effect.Effect<never> = awaitWork.pipe(
      Effect.zipRight(waitForBatch),
      Effect.zipRight(
        Effect.uninterruptible(
          Effect.suspend(() => {
            wake.unsafeClose()
            hurry.unsafeClose()
            return commitAll
          })
        )
      ),
      Effect.flatMap(() => work)
    )
    const writer = yield* Effect.forkScoped(work)

    const add = (queued: Queued) => {
      if (hasEnded) return queued.done(closedError)
      queue.push(queued)
      wake.unsafeOpen()
    }

    return {
      write: (changes, done, isLast = false) => {
        if (isLast) hurry.unsafeOpen()
        else if (trouble !== undefined && (trouble.keeps || now() < trouble.nextTry)) {
          const { error } = trouble
          done?.(error)
          return Effect.fail(error)
        }
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
      record: (changes, listener) => {
        add({ changes, happened: true, done: listener?.done ?? (() => {}), failed: listener?.failed })
        // It is not tried before the others that are kept.
        if (trouble?.keeps === true) listener?.failed?.(trouble.error)
      },
      lastCommit: () => lastCommit,
      trouble: () => trouble,
      flush: Fiber.interrupt(writer).pipe(
        Effect.zipRight(commitAll),
        // Whoever waits for what cannot be written is not to wait for ever.
        Effect.zipRight(
          Effect.sync(() => {
            hasEnded = true
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
