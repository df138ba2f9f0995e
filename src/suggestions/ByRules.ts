/**
 * Applies what the rules of `suggestions.autoApply` are for, with the same checks and the same record as a person (R18).
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import type { HealingInvalid, HealingStoreError, SuggestionDecided, SuggestionNotFound } from "../HealingError.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { automatic } from "../store/Change.js"
import { DAY, type SuggestionJournal } from "../store/SuggestionJournal.js"
import type { Applying } from "./Applying.js"
import { type AutoLimits, whyOver } from "./AutoLimits.js"
import { type AutoRule, factsOf, firstFor, inOrder } from "./AutoRule.js"
import { approvalsOf, type Lengths, NOTHING } from "./Deciding.js"
import type { JobLocks } from "./JobLocks.js"
import type { KillSwitch } from "./KillSwitch.js"
import { isUnnamed, type Previewing } from "./Previewing.js"
import type { Step, Steps } from "./Steps.js"

/** Of those that are looked at at a time. */
const MAX_OPEN = 1000

/** Of one suggestion. */
const MAX_STEPS = 1000

/** Of those of which it is remembered that they are left to a person. */
const MAX_LEFT = 10_000

type Problem = HealingInvalid | SuggestionNotFound | SuggestionDecided | HealingStoreError

/**
 * - `inFlight`: those that are about to be applied, by the ids of the first ones of their sets.
 *
 * @internal
 */
export interface Needs {
  readonly applying: Applying
  readonly jobLocks: JobLocks
  readonly inFlight: FiberMap.FiberMap<string>
  readonly killSwitch: KillSwitch
  readonly lengths: Lengths
  readonly previewing: Previewing
  readonly rules: ReadonlyArray<AutoRule>
  readonly settings: AutoLimits
  readonly steps: Steps
  readonly store: SuggestionJournal
  readonly wall: () => number
}

/**
 * One look at all that rules may be for. It says whether there are rules, so that another look is of use.
 *
 * Longer than a screen: it is the way of one suggestion, from the first rule that may be for it to its application.
 *
 * @internal
 */
export const make = ({
  applying,
  inFlight,
  jobLocks,
  killSwitch,
  lengths,
  previewing,
  rules,
  settings,
  steps,
  store,
  wall
}: Needs): Effect.Effect<boolean, HealingStoreError> => {
  /** Those that were looked at, and are left to a person. */
  const left = new Set<string>()

  const leave = (id: string) => {
    left.add(id)
    for (const oldest of left) {
      if (left.size <= MAX_LEFT) break
      left.delete(oldest)
    }
  }

  /** Why the limits let no more of the job be applied now, not counting this one. */
  const whyOverLimits = ({ job, position, request }: HealingSuggestion) =>
    Effect.gen(function* () {
      const since = wall() - DAY
      const counts = yield* store.automaticSince(since)
      const own = Option.exists(yield* store.automatic({ request, position }), ({ at }) => at > since) ? 1 : 0
      const all = Array.from(counts.values()).reduce((sum, count) => sum + count, 0)
      return whyOver(settings, { all: all - own, ofJob: (counts.get(job) ?? 0) - own })
    })

  const rowsOf = (members: ReadonlyArray<HealingSuggestion>, lead: HealingSuggestion, rule: AutoRule) =>
    members.map(({ job, position, request }) =>
      automatic({ request, position, lead: lead.position, job, rule: rule.name, at: wall(), lockedAt: null })
    )

  const applyBy = (rule: AutoRule, lead: HealingSuggestion, members: ReadonlyArray<HealingSuggestion>) =>
    FiberMap.run(
      inFlight,
      lead.id,
      applying(lead.id, SuggestionLife.byRule(rule.name), {
        whyNot: (looked) =>
          Effect.map(
            whyOverLimits(lead),
            (over) => jobLocks.whyLocked(lead.job) ?? rule.whyNot(looked.examined.map(factsOf)) ?? over
          ),
        whyNotNow: () => jobLocks.whyLocked(lead.job),
        // It counts from when it is written: it may have waited for long.
        changes: () => rowsOf(members, lead, rule)
      }).pipe(
        Effect.matchEffect({
          onSuccess: () => SafeLog.info(`The rule ${rule.name} has applied the suggestion ${lead.id}`),
          onFailure: (error) => {
            // It goes on when that is over.
            if (error._tag === "SuggestionsStopped" || error._tag === "HealingStoreError") return Effect.void
            if (error._tag === "SuggestionRefused" && isUnnamed(error.checks)) return Effect.void
            leave(lead.id)
            return SafeLog.warn(`The rule ${rule.name} leaves a suggestion to a person. ${error.message}`)
          }
        })
      ),
      { onlyIfMissing: true }
    )

  /** One that a rule has approved, and that is not applied yet: the process may have ended meanwhile. */
  const goOn = (lead: HealingSuggestion, members: ReadonlyArray<HealingSuggestion>) =>
    Effect.gen(function* () {
      if (!SuggestionLife.isByRule(lead) || (yield* FiberMap.has(inFlight, lead.id))) return
      const name = lead.approval?.by.who ?? ""
      const rule = rules.find((rule) => rule.name === name)
      const locked = jobLocks.whyLocked(lead.job)
      const isFor = rule !== undefined && rule.whyNotFor(members) === undefined
      if (isFor && locked === undefined) {
        // It may have waited until others were applied, and counts from now on.
        if ((yield* whyOverLimits(lead)) !== undefined) return
        yield* steps.take([], rowsOf(members, lead, rule))
        return yield* applyBy(rule, lead, members)
      }
      const taken = steps.taken(SuggestionLife.byRule(name), locked ?? `the rule ${name} is not for it any more`)
      const reopened = members
        .filter(({ state }) => state === "approved")
        .map((member): Step => [member, SuggestionLife.reopen(member, taken, lengths.decision)])
      yield* steps.take(reopened)
    })

  /** Looks at those of a set as `preview` does, and approves them by the first rule that is for all of them. */
  const consider = (
    members: ReadonlyArray<HealingSuggestion>,
    lead: HealingSuggestion,
    suited: ReadonlyArray<AutoRule>
  ) =>
    Effect.gen(function* () {
      const looked = yield* previewing.look(members, NOTHING)
      const facts = looked.examined.map(factsOf)
      const { reasons, rule } = firstFor(suited, ({ whyNot }) => whyNot(facts))
      if (looked.failed.length > 0 || rule === undefined) {
        if (!isUnnamed(looked.failed)) {
          leave(lead.id)
          const all = [...looked.failed.map(({ check, detail }) => `${check}: ${detail}`), ...reasons]
          yield* SafeLog.info(`Rules leave the suggestion ${lead.id} to a person: ${all.join("; ")}`)
        }
        return
      }
      const taken = steps.taken(SuggestionLife.byRule(rule.name))
      const approved = approvalsOf(looked, taken).map(
        ({ approval, suggestion }): Step => [
          suggestion,
          SuggestionLife.approve(suggestion, approval, undefined, lengths.approval)
        ]
      )
      yield* steps.take(approved, rowsOf(members, lead, rule))
      yield* applyBy(rule, lead, members)
    }).pipe(Effect.scoped)

  /** One that is pending, if limits and locks let it. */
  const begin = (lead: HealingSuggestion, members: ReadonlyArray<HealingSuggestion>) =>
    Effect.gen(function* () {
      const suited = rules.filter(({ whyNotFor }) => whyNotFor(members) === undefined)
      if (suited.length === 0 || !members.every(({ state }) => state === "pending")) return
      // What a person has taken back is theirs from then on, whoever has approved it, and so is what a rule has tried.
      const taken = yield* Effect.forEach(members, ({ id }) => store.steps(id, 0, MAX_STEPS))
      if (taken.some(({ steps }) => steps.some(SuggestionLife.isDecision))) return leave(lead.id)
      if (jobLocks.whyLocked(lead.job) !== undefined || (yield* whyOverLimits(lead)) !== undefined) return
      yield* consider(members, lead, suited)
    })

  /** One set after the other. What cannot be read, or was decided on meanwhile, is in nobody's way. */
  const eachSet = (
    all: ReadonlyArray<HealingSuggestion>,
    doing: (lead: HealingSuggestion, members: ReadonlyArray<HealingSuggestion>) => Effect.Effect<void, Problem>
  ) => {
    const seen = new Set<string>()
    return Effect.forEach(
      Arr.sort(all, inOrder),
      (one) =>
        Effect.gen(function* () {
          if (seen.has(one.id)) return
          const members = yield* steps.together(one.id)
          for (const { id } of members) seen.add(id)
          const [lead = one] = members
          if (!left.has(lead.id)) yield* doing(lead, members)
        }).pipe(
          Effect.ignore,
          Effect.catchAllDefect(() =>
            SafeLog.warn(`Rules could not look at the suggestion ${one.id}: its supervisor or its store has a bug`)
          )
        ),
      { discard: true }
    )
  }

  const isForAny = (one: HealingSuggestion) => rules.some(({ whyNotFor }) => whyNotFor([one]) === undefined)

  const look = Effect.gen(function* () {
    if (killSwitch.stops().length > 0) return
    const approved = yield* store.list({ states: ["approved"], limit: MAX_OPEN })
    yield* eachSet(approved.filter(SuggestionLife.isByRule), goOn)
    if (rules.length === 0) return
    const pending = yield* store.list({ states: ["pending"], limit: MAX_OPEN })
    yield* eachSet(pending.filter(isForAny), begin)
  })

  return Effect.as(look, rules.length > 0)
}
