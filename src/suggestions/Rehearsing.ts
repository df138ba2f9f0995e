/**
 * Holds rules against the suggestions of the last month, and changes nothing.
 *
 * @internal
 */
import { basename } from "node:path"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { HealingInvalid, type HealingStoreError } from "../HealingError.js"
import { giveWay } from "../internal/Clocks.js"
import { realPath } from "../internal/RealPath.js"
import { type HealingSuggestion, SuggestionState } from "../request/HealingSuggestion.js"
import type { AutoApplyRule, SuggestionSettings } from "../settings/HealingConfig.js"
import { DAY, type SuggestionJournal } from "../store/SuggestionJournal.js"
import { hashOf } from "../text/Excerpt.js"
import { type AutoLimits, whyOver } from "./AutoLimits.js"
import * as AutoRule from "./AutoRule.js"
import { type Diff, diffOf, linesIn } from "./Diff.js"
import { type Examined, examine, type Rules } from "./Examining.js"
import type { CheckName } from "./Preview.js"
import { decodeOptions, type RehearsalOptions, type Rehearsed } from "./Rehearsal.js"

/** Of suggestions, the newest ones. */
const MAX_REHEARSED = 1000

const MONTH = 30 * DAY

/** Of one suggestion. */
const MAX_STEPS = 1000

/** What is said of the file as it is now, which is not what it was when it was reviewed. */
const OF_NOW: ReadonlyArray<CheckName> = ["unchanged", "deletion"]

/** A suggestion as it would have been looked at: what is known of it, and which checks it fails. */
interface Held {
  readonly suggestion: HealingSuggestion
  readonly facts: AutoRule.Facts
  readonly failed: ReadonlyArray<string>
}

/** @internal */
export type Rehearsing = (
  options?: RehearsalOptions
) => Effect.Effect<ReadonlyArray<Rehearsed>, HealingInvalid | HealingStoreError>

/**
 * - `settings`: with the rules that are held against them if none are given.
 *
 * @internal
 */
export const make = ({
  rules,
  settings,
  store,
  wall
}: {
  readonly rules: Rules
  readonly settings: AutoLimits & Pick<SuggestionSettings, "autoApply">
  readonly store: SuggestionJournal
  readonly wall: () => number
}): Rehearsing => {
  const hold = (suggestion: HealingSuggestion): Effect.Effect<Held> =>
    Effect.gen(function* () {
      yield* giveWay
      const { fileHash, proposedContent, targetFile } = suggestion.suggestion
      const examined = yield* examine(rules, suggestion, {
        content: proposedContent,
        expected: { hash: fileHash ?? "unknown", otherwise: "" },
        isOriginal: false
      })
      const before = yield* originalOf(examined)
      const diff = before === null ? undefined : diffOf(basename(targetFile ?? ""), before, proposedContent ?? "")
      const failed = examined.checks
        .filter(({ check, passed }) => !passed && !OF_NOW.includes(check))
        .map(({ check, detail }) => `${check}: ${detail}`)
      const path = examined.path ?? suggestion.approval?.path ?? realPath(targetFile ?? "")
      return {
        suggestion,
        facts: AutoRule.factsOf({ ...examined, path, diff }),
        failed: isBigDeletion(diff, before) ? [...failed, "deletion: more than half of the lines would go"] : failed
      }
    }).pipe(Effect.scoped)

  /** What stood in the file when it was reviewed, if that stands in it still, or was kept; else `null`. */
  const originalOf = ({ hash, place, suggestion }: Examined): Effect.Effect<string | null> => {
    const { fileHash } = suggestion.suggestion
    if (hash === fileHash) return Effect.succeed(place?.text ?? null)
    return store.application(suggestion).pipe(
      Effect.map(Option.flatMapNullable(({ original }) => original)),
      Effect.map(Option.filter((original) => hashOf(original) === fileHash)),
      Effect.map(Option.getOrNull),
      Effect.orElseSucceed(() => null)
    )
  }

  /** When it has relapsed, if it has. */
  const relapsedAt = (one: HealingSuggestion): Effect.Effect<number | undefined, HealingStoreError> =>
    Effect.map(store.steps(one.id, 0, MAX_STEPS), ({ steps }) => steps.find(({ to }) => to === "relapsed")?.at)

  const rulesOf = (
    given: ReadonlyArray<AutoApplyRule>
  ): Effect.Effect<ReadonlyArray<AutoRule.AutoRule>, HealingInvalid> =>
    Effect.mapError(
      AutoRule.make(given, rules.roots),
      (found) => new HealingInvalid({ issues: [{ path: "rules", message: `expected ${AutoRule.EXPECTED}: ${found}` }] })
    )

  /** What the rules say of a set, but for limits and locks. */
  const judge = (set: ReadonlyArray<HealingSuggestion>, autoRules: ReadonlyArray<AutoRule.AutoRule>) =>
    Effect.gen(function* () {
      const suited = autoRules.filter(({ whyNotFor }) => whyNotFor(set) === undefined)
      if (suited.length === 0) return left(AutoRule.firstFor(autoRules, ({ whyNotFor }) => whyNotFor(set)).reasons)
      const held = yield* Effect.forEach(set, hold)
      const failed = held.flatMap(({ failed }) => failed)
      if (failed.length > 0) return left(failed)
      const facts = held.map(({ facts }) => facts)
      const { reasons, rule } = AutoRule.firstFor(suited, ({ whyNot }) => whyNot(facts))
      if (rule !== undefined) return { outcome: "applied", rule: rule.name, why: [] } as const
      const isUnknown = suited.some(({ whyNot }) => whyNot(facts) === AutoRule.UNKNOWN_LINES)
      return isUnknown ? ({ outcome: "unknown", rule: null, why: reasons } as const) : left(reasons)
    })

  return (options = {}) =>
    Effect.gen(function* () {
      const { rules: given = settings.autoApply, since = wall() - MONTH } = yield* decodeOptions({ ...options })
      const autoRules = yield* rulesOf(given)
      const tally = makeTally(settings)
      const answer: Array<Rehearsed> = []
      for (const set of setsOf(yield* store.list({ states: SuggestionState.literals, limit: MAX_REHEARSED }), since)) {
        const judged = yield* judge(set, autoRules)
        const { job, proposedAt } = set[0]
        const heldUp = judged.outcome === "applied" ? tally.whyNot(job, proposedAt) : undefined
        const outcome = heldUp === undefined ? judged : left([heldUp])
        if (outcome.outcome === "applied") {
          const relapses = yield* Effect.forEach(set, relapsedAt)
          tally.add(job, proposedAt, relapses.find(Predicate.isNotUndefined))
        }
        for (const suggestion of set) answer.push({ suggestion, ...outcome })
      }
      return answer
    })
}

const left = (why: ReadonlyArray<string>) => ({ outcome: "left", rule: null, why }) as const

const isBigDeletion = (diff: Diff | undefined, before: string | null): boolean =>
  diff !== undefined && diff.removed > linesIn(before ?? "") / 2

/** What would have been applied so far, for limits and locks. */
const makeTally = (limits: AutoLimits) => {
  const all: Array<{ readonly job: string; readonly at: number }> = []
  const lockedAt = new Map<string, number>()
  return {
    whyNot: (job: string, at: number): string | undefined => {
      if ((lockedAt.get(job) ?? Number.POSITIVE_INFINITY) <= at) return "its job would have been locked by a relapse"
      const recent = all.filter((one) => one.at > at - DAY)
      const over = whyOver(limits, { all: recent.length, ofJob: recent.filter((one) => one.job === job).length })
      return over && `it would have waited: ${over}`
    },
    add: (job: string, at: number, relapsedAt: number | undefined): void => {
      all.push({ job, at })
      if (relapsedAt !== undefined && !lockedAt.has(job)) lockedAt.set(job, relapsedAt)
    }
  }
}

/** Those of a set together, in the order in which rules would have come to them. */
const setsOf = (
  all: ReadonlyArray<HealingSuggestion>,
  since: number
): ReadonlyArray<Arr.NonEmptyReadonlyArray<HealingSuggestion>> =>
  Object.values(
    Arr.groupBy(
      Arr.sort(
        all.filter(({ proposedAt }) => proposedAt >= since),
        AutoRule.inOrder
      ),
      ({ id, request, suggestion: { set } }) => (set === undefined ? id : `${request} ${set}`)
    )
  )
