/**
 * Takes a change back: the file is as it was before, unless somebody has edited it since.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import {
  type HealingInvalid,
  type HealingStoreError,
  type SuggestionDecided,
  SuggestionEdited,
  type SuggestionNotFound,
  type SuggestionNotRestarted,
  SuggestionNotWritten,
  SuggestionRefused
} from "../HealingError.js"
import type { Application, HealingSuggestion } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { application as applicationChange, type Change } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { hashOf } from "../text/Excerpt.js"
import { conceal } from "../text/Secrets.js"
import type { Alone } from "./Alone.js"
import type { Decided } from "./Decision.js"
import { diffOf } from "./Diff.js"
import { changesFile, type Examined, examine, type Rules } from "./Examining.js"
import { before } from "./Hooks.js"
import type { Check } from "./Preview.js"
import { refusal } from "./Previewing.js"
import { judgeFile } from "./Recovering.js"
import type { Restart } from "./Restarting.js"
import { decided, type Step, type Steps } from "./Steps.js"
import { type Swap, swapAll } from "./Swapping.js"
import * as Writing from "./Writing.js"

type Problem =
  | HealingInvalid
  | SuggestionNotFound
  | SuggestionDecided
  | SuggestionRefused
  | SuggestionEdited
  | SuggestionNotWritten
  | SuggestionNotRestarted
  | HealingStoreError

/** @internal */
export type RollingBack<E> = (id: string, decision: Decided) => Effect.Effect<HealingSuggestion, Problem | E>

/** How often it is recorded anew, if somebody else has changed a row in between. */
const MAX_RECORDS = 10

/** A change, with its file as it is. */
interface Made {
  readonly suggestion: HealingSuggestion
  readonly application: Application
  readonly examined: Examined
}

/**
 * - `whyNot`: looked at right before each file is written: why not to go on.
 *
 * Longer than a screen: it is the way of one rollback, from the first check to the outcome.
 *
 * @internal
 */
export const make = <E extends { readonly message: string } = never>({
  alone,
  restart,
  rules,
  steps,
  store,
  whyNot
}: {
  readonly alone: Alone
  readonly restart: Restart
  readonly rules: Rules
  readonly steps: Steps
  readonly store: SuggestionJournal
  readonly whyNot: () => E | undefined
}): RollingBack<E> => {
  const appliedOf = (id: string) =>
    Effect.gen(function* () {
      const members = yield* steps.together(id)
      const own = members.find((member) => member.id === id)
      if (own !== undefined && !isInForce(own)) return yield* decided(own)
      return members.filter(isInForce)
    })

  const examineChange = (suggestion: HealingSuggestion) =>
    Effect.gen(function* () {
      const application = Option.getOrUndefined(yield* store.application(suggestion))
      if (application === undefined) {
        return yield* refused(
          suggestion.id,
          "unchanged",
          "effect-healing has not written its file, so it does not know what stood in it before"
        )
      }
      const { original } = application
      const expected = { hash: afterOf(suggestion), otherwise: EDITED }
      const examined = yield* examine(rules, suggestion, { content: original, expected, isOriginal: true })
      return { suggestion, application, examined }
    })

  /** Why it cannot be taken back; `undefined` if it can. */
  const problemOf = (id: string, { application, examined, suggestion }: Made) => {
    const { checks, path, place } = examined
    if (path !== null && path !== application.path) {
      return refused(id, "path", `the file was ${application.path}, and is ${path} now: a link on the way has changed`)
    }
    const failed = checks.filter(({ passed }) => !passed)
    const isEditedOnly = failed.every(({ detail }) => detail === EDITED)
    if (failed.length > 0 && isEditedOnly && place !== undefined) {
      const { text } = place
      const isClean = text === null || conceal(text) === text
      const diff = isClean ? diffOf(place.name, suggestion.suggestion.proposedContent, text ?? "").text : null
      return new SuggestionEdited({ id, path: application.path, diff })
    }
    return refusal(id, failed)
  }

  const swapOf = ({ application, examined: { place } }: Made): ReadonlyArray<Swap> => {
    if (place === undefined) return []
    const { gid, mode, uid } = application
    return [
      {
        place,
        content: application.original,
        owned: { after: { mode, uid, gid }, before: Writing.ownedBy(place) },
        temporary: Writing.temporaryName()
      }
    ]
  }

  /** The watch may say something of one meanwhile: it is back all the same. */
  const recordBack = (
    members: ReadonlyArray<HealingSuggestion>,
    taken: SuggestionLife.Taken,
    ended: ReadonlyArray<Change>
  ) =>
    Effect.forEach(members, (one) =>
      Effect.map(
        Effect.orElseSucceed(store.find(one), () => Option.some(one)),
        Option.getOrElse(() => one)
      )
    ).pipe(
      Effect.flatMap((now) =>
        steps.record(
          now.filter(isInForce).map((one): Step => [one, SuggestionLife.rollBack(one, taken)]),
          ended
        )
      ),
      Effect.retry({ times: MAX_RECORDS, while: ({ reason }) => reason === "UnexpectedState" })
    )

  return (id, { door, reason, who }) =>
    Effect.gen(function* () {
      const by = { who, door }
      const members = yield* appliedOf(id)
      const files = yield* Effect.forEach(members.filter(changesFile), examineChange)
      if (files.length === 0)
        return yield* refused(id, "unchanged", "it changes no file, so there is nothing to take back")
      const changed = files.filter((file) => !isAsBefore(file))
      for (const file of changed) {
        const problem = problemOf(id, file)
        if (problem !== undefined) return yield* problem
      }
      const swaps = changed.flatMap(swapOf)
      const ended = files.map(({ application }) => applicationChange({ ...application, intent: null, temporary: null }))
      const intended = changed.map(({ application }, index) =>
        applicationChange({ ...application, intent: "rollback", temporary: swaps[index]?.temporary ?? null })
      )
      return yield* Effect.uninterruptible(
        Effect.gen(function* () {
          yield* before("intend")
          yield* steps.take([], intended)
          const swapped = yield* swapAll<void, E>(swaps, Effect.void, whyNot)
          yield* before("record")
          if (swapped._tag !== "Written") {
            // What could not be put back is what counts (R15).
            const paths = swapped.left.map(({ place }) => place.path)
            const left = changed.filter(({ application }) => paths.includes(application.path))
            const { at } = steps.taken(by)
            const judged = yield* Effect.forEach(left, ({ application, suggestion }) =>
              Effect.map(
                judgeFile(suggestion, { ...application, intent: "rollback" }, at, 0, "its rollback was given up"),
                (after): ReadonlyArray<Step> => (after === undefined ? [] : [[suggestion, after]])
              )
            )
            yield* steps.record(judged.flat(), ended)
            const { path, why } = swapped
            if (typeof why !== "string" && left.length === 0) return yield* Effect.fail(why)
            const state = members[0]?.state ?? "applied"
            return yield* new SuggestionNotWritten({
              id,
              path,
              state,
              detail: typeof why === "string" ? why : why.message
            })
          }
          yield* recordBack(members, steps.taken(by, reason), ended)
          return members
        })
      )
    }).pipe(
      Effect.scoped,
      alone,
      // It takes its time, and is in nobody's way.
      Effect.tap((members) =>
        members.some(({ approval }) => approval?.restart === true) ? restart(id, members[0]?.job ?? "") : Effect.void
      ),
      Effect.zipRight(Effect.suspend(() => steps.mustFind(id)))
    )
}

const isInForce = ({ state }: HealingSuggestion): boolean => SuggestionLife.IN_FORCE.includes(state)

const EDITED = "somebody has edited it since it was applied"

const refused = (id: string, check: Check["check"], detail: string) =>
  new SuggestionRefused({ id, checks: [{ check, detail }] })

const afterOf = ({ suggestion }: HealingSuggestion): string => hashOf(suggestion.proposedContent ?? "")

/** Somebody has taken it back by hand. */
const isAsBefore = ({ application: { original, path }, examined }: Made): boolean =>
  examined.path === path &&
  examined.place !== undefined &&
  (original === null ? examined.place.file === undefined : examined.hash === hashOf(original))
