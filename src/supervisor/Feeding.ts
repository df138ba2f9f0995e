/**
 * Feeds what an adapter knows of OpenClaw jobs into the running state.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import * as SafeLog from "../internal/SafeLog.js"
import type { Quota, Source } from "../running/OpenClaw.js"
import type { Activity } from "./Activity.js"
import { listen } from "./Listening.js"

/** An adapter that finds its supervisor again within this time is not worth a word. */
const GRACE = Duration.seconds(10)

/**
 * Says once that it is not known what runs, and once that it is known again. Never ends.
 *
 * @internal
 */
export const feed = (activity: Stream.Stream<Activity>, source: Source): Effect.Effect<never> => {
  /** Why it is not known. */
  let unknown: string | undefined
  let isTold = false
  /** How often it was lost, so that a word about one time is not said about another. */
  let times = 0
  const tell = (time: number) =>
    Effect.suspend(() => {
      if (unknown === undefined || isTold || time !== times) return Effect.void
      isTold = true
      return SafeLog.warn(`It is not known what runs, and nothing is reviewed until it is: ${unknown}`)
    })
  const lose = (reason: string, grace: Duration.Duration) => {
    const isNews = unknown === undefined
    unknown = reason
    if (isNews) times++
    const told = isNews ? Effect.fork(Effect.delay(tell(times), grace)) : Effect.void
    return Effect.zipRight(source.unknown(reason), told)
  }
  const learn = (running: ReadonlyArray<string>) => {
    const wasTold = isTold
    unknown = undefined
    isTold = false
    return Effect.zipRight(
      source.replace(running),
      wasTold ? Effect.logInfo("It is known again what runs: reviews go on") : Effect.void
    )
  }
  return listen(activity, {
    each: (known) => (known._tag === "Known" ? learn(known.running) : Effect.asVoid(lose(known.reason, GRACE))),
    broke: (how) => Effect.asVoid(lose(`its activity ${how}`, Duration.zero))
  })
}

/**
 * Feeds what it has heard of quotas. Never ends.
 *
 * @internal
 */
export const feedQuotas = (quotas: Stream.Stream<ReadonlyArray<Quota>>, source: Source): Effect.Effect<never> =>
  listen(quotas, { each: source.quotas, broke: () => Effect.void })
