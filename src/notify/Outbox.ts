/**
 * Turns the rows of the outbox into notices, in their order. Each is a notice, or never will be, in one commit.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { giveWay } from "../internal/Clocks.js"
import type { NotifySettings } from "../settings/HealingConfig.js"
import { type Change, isTold } from "../store/Change.js"
import type { Journal } from "../store/Journal.js"
import type { Fact, NoticeChange } from "../store/NoticeJournal.js"
import type { Draft } from "./Notice.js"
import * as OfRequest from "./OfRequest.js"
import * as OfSuggestion from "./OfSuggestion.js"
import { PAUSE } from "./Persistently.js"
import type { Telling } from "./Telling.js"

const AT_ONCE = 100

/**
 * Whether it adds to the outbox.
 *
 * @internal
 */
export const adds = (change: Change): boolean =>
  change._tag === "Suggestion" || (change._tag === "Transition" && isTold(change))

/**
 * Goes on for as long as the scope is open.
 *
 * - `isOn`: whether there is a channel. Without one, nothing is told later either.
 * - `wake`: there may be new rows.
 *
 * @internal
 */
export const make = ({
  isOn,
  settings,
  store,
  tell,
  wall
}: Pick<Telling, "tell"> & {
  readonly isOn: boolean
  readonly settings: Pick<NotifySettings, "retryFor" | "reviewsFrom">
  readonly store: Journal
  readonly wall: () => number
}): Effect.Effect<{ readonly wake: () => void }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const wake = yield* Effect.makeLatch(true)
    const retryFor = Duration.toMillis(settings.retryFor)

    const ofRequest = (fact: Fact) =>
      Effect.map(store.find(fact.request), (found) =>
        Option.getOrUndefined(Option.map(found, (request) => OfRequest.draftOf(request, settings.reviewsFrom)))
      )

    const ofSuggestion = (fact: Fact, position: number) =>
      Effect.map(store.suggestions.find({ request: fact.request, position }), (found) =>
        Option.getOrUndefined(Option.map(found, (one) => OfSuggestion.draftOf(fact, one)))
      )

    /** What cannot be read, or is gone, is told by nobody. */
    const draftOf = (fact: Fact): Effect.Effect<Draft | undefined, HealingStoreError> => {
      // It was not told when it could have been: the channels are newer, or the process was away for long.
      if (!isOn || fact.at < wall() - retryFor) return Effect.sync(() => undefined)
      return fact.position === null ? ofRequest(fact) : ofSuggestion(fact, fact.position)
    }

    const turn = (fact: Fact) =>
      Effect.flatMap(draftOf(fact), (draft) => {
        const turned: NoticeChange = { _tag: "Turned", upTo: fact.number }
        // A review has come to its end, so that OpenClaw is there.
        const isThere = fact.position === null && fact.to === "completed"
        const forgotten: NoticeChange = { _tag: "Forget", job: "", kinds: ["OpenClawMissing"] }
        return tell(draft, { others: isThere ? [forgotten, turned] : [turned] })
      })

    const turnAll: Effect.Effect<void, HealingStoreError> = Effect.flatMap(store.notices.facts(AT_ONCE), (facts) =>
      facts.length === 0
        ? Effect.void
        : Effect.zipRight(
            Effect.forEach(facts, (fact) => Effect.zipRight(turn(fact), giveWay), { discard: true }),
            turnAll
          )
    )

    yield* wake.await.pipe(
      Effect.zipRight(Effect.sync(() => wake.unsafeClose())),
      Effect.zipRight(turnAll),
      // The queue says in the log that its store fails.
      Effect.catchAll(() =>
        Effect.zipRight(
          Effect.sync(() => wake.unsafeOpen()),
          Effect.sleep(PAUSE)
        )
      ),
      Effect.forever,
      Effect.forkScoped
    )

    return { wake: () => void wake.unsafeOpen() }
  })
