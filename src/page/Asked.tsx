/**
 * What a view asks the API for, and asks for again when it may have changed.
 *
 * @internal
 */
import { effect } from "@preact/signals"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { ComponentChildren, VNode } from "preact"
import { useEffect, useState } from "preact/hooks"
import { problemOf } from "./Api.js"
import { type Topic, usePage } from "./Page.js"
import { Problem } from "./Words.js"

/** Where much happens, a view asks again so often at most. */
const PACE = "1 second"

/** Who is told that too many ask at once asks again a little later. */
const patient = <A, E extends { readonly _tag: string }>(ask: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.retry(ask, { while: ({ _tag }) => _tag === "TooBusy", times: 5, schedule: Schedule.exponential("1 second") })

interface Answered<A> {
  readonly key: string
  readonly value?: A
  readonly at?: number
  readonly problem?: string
}

/**
 * - `value`: what was answered last, to what is asked for now; `undefined` before that.
 * - `at`: when that was.
 * - `problem`: why the last time has failed; the value before it stays.
 * - `again`: asks again.
 *
 * @internal
 */
export interface Asked<A> {
  readonly value: A | undefined
  readonly at: number | undefined
  readonly problem: string | undefined
  readonly again: () => void
}

/**
 * - `key`: says what is asked for: with another one, it begins anew.
 * - `topics`: it is asked for again when something of these has changed.
 *
 * @internal
 */
export const useAsked = <A, E extends { readonly _tag: string; readonly message: string }>(
  key: string,
  ask: Effect.Effect<A, E>,
  topics: ReadonlyArray<Topic> = []
): Asked<A> => {
  const { changed, now } = usePage()
  const [answer, setAnswer] = useState<Answered<A>>({ key })
  const [latch] = useState(() => Effect.unsafeMakeLatch())

  useEffect(() => {
    const once = Effect.gen(function* () {
      yield* latch.await
      latch.unsafeClose()
      yield* Effect.match(patient(ask), {
        onFailure: (error) =>
          setAnswer((before) => ({ ...(before.key === key ? before : {}), key, problem: problemOf(error) })),
        onSuccess: (value) => setAnswer({ key, value, at: now.peek() })
      })
      yield* Effect.sleep(PACE)
    })
    const fiber = Effect.runFork(Effect.forever(once))
    // The first time, it only says what it depends on.
    const stop = effect(() => {
      for (const topic of topics) void changed[topic].value
      latch.unsafeOpen()
    })
    return () => {
      stop()
      Effect.runFork(Fiber.interruptFork(fiber))
    }
  }, [key])

  const current = answer.key === key ? answer : undefined
  return { value: current?.value, at: current?.at, problem: current?.problem, again: () => latch.unsafeOpen() }
}

/**
 * Shows what was answered, or why nothing was.
 *
 * @internal
 */
export const Answer = <A,>({
  asked: { again, problem, value },
  children
}: {
  readonly asked: Asked<A>
  readonly children: (value: A) => ComponentChildren
}): VNode => (
  <>
    {problem === undefined ? null : (
      <Problem>
        {problem}{" "}
        <button type="button" onClick={again}>
          Ask again
        </button>
      </Problem>
    )}
    {value === undefined ? problem === undefined && <p class="quiet">Loading…</p> : children(value)}
  </>
)
