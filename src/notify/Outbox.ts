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

/** What has happened longer ago is told by nobody: the process was away for long, or `Notices` is new. A long weekend is shorter. */
const MAX_AGE = Duration.toMillis("7 days")

/**
 * Whether it adds to the outbox.
 *
 * @internal
 */
export const adds = (change: Change): boolean =>
  change._tag === "Suggestion" || (change._tag === "Transition" && isTold(change))

/** What a row becomes, and what may be told again because of it. */
interface Turned {
  readonly draft: Draft | undefined
  readonly forgotten: ReadonlyArray<NoticeChange>
}

const NOTHING: Turned = { draft: undefined, forgotten: [] }

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
  readonly settings: Pick<NotifySettings, "reviewsFrom">
  readonly store: Journal
  readonly wall: () => number
}): Effect.Effect<{ readonly wake: () => void }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const wake = yield* Effect.makeLatch(true)
    const ofRequest = (fact: Fact) =>
      Effect.map(
        store.find(fact.request),
        (found): Turned =>
          Option.match(found, {
            onNone: () => NOTHING,
            onSome: (request) => ({
              draft: OfRequest.draftOf(request, settings.reviewsFrom),
              forgotten: request.state === "completed" ? OfRequest.forgottenBy(request) : []
            })
          })
      )

    const ofSuggestion = (fact: Fact, position: number) =>
      Effect.map(
        store.suggestions.find({ request: fact.request, position }),
        (found): Turned =>
          Option.match(found, {
            onNone: () => NOTHING,
            onSome: (one) => ({ draft: OfSuggestion.draftOf(fact, one), forgotten: [] })
          })
      )

    /** What cannot be read, or is gone, is told by nobody. */
    const turnedInto = (fact: Fact): Effect.Effect<Turned, HealingStoreError> => {
      if (!isOn || fact.at < wall() - MAX_AGE) return Effect.succeed(NOTHING)
      return fact.position === null ? ofRequest(fact) : ofSuggestion(fact, fact.position)
    }

    const turn = (fact: Fact) =>
      Effect.flatMap(turnedInto(fact), ({ draft, forgotten }) =>
        tell(draft, { others: [...forgotten, { _tag: "Turned", upTo: fact.number }] })
      )

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
