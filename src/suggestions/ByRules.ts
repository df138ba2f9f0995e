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
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import { automatic } from "../store/Change.js"
import { DAY, type SuggestionJournal } from "../store/SuggestionJournal.js"
import type { Applying } from "./Applying.js"
import { type AutoRule, factsOf, inOrder } from "./AutoRule.js"
import { approvalOf, type Lengths, NOTHING } from "./Deciding.js"
import type { KillSwitch } from "./KillSwitch.js"
import type { Looked, Previewing } from "./Previewing.js"
import type { Step, Steps } from "./Steps.js"

/** Of those that are looked at at a time. */
const MAX_OPEN = 1000

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
  readonly inFlight: FiberMap.FiberMap<string>
  readonly killSwitch: KillSwitch
  readonly lengths: Lengths
  readonly previewing: Previewing
  readonly rules: ReadonlyArray<AutoRule>
  readonly settings: Pick<SuggestionSettings, "autoApplyPerDay" | "autoApplyPerJob">
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

  const whyLocked = (job: string) =>
    Effect.map(store.locks(job, 1), ([lock]) =>
      lock === undefined ? undefined : "its job is locked, since what a rule has applied has relapsed"
    )

  const whyNot = (rule: AutoRule, job: string) => (looked: Looked) =>
    Effect.map(whyLocked(job), (locked) => locked ?? rule.whyNot(looked.examined.map(factsOf)))

  const applyBy = (rule: AutoRule, { id, job }: HealingSuggestion) =>
    FiberMap.run(
      inFlight,
      id,
      applying(id, SuggestionLife.byRule(rule.name), whyNot(rule, job)).pipe(
        Effect.matchEffect({
          onSuccess: () => SafeLog.info(`The rule ${rule.name} has applied the suggestion ${id}`),
          onFailure: (error) => {
            // It goes on when that is over.
            if (error._tag === "SuggestionsStopped" || error._tag === "HealingStoreError") return Effect.void
            leave(id)
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
      const isFor = rule !== undefined && members.every((member) => rule.whyNotFor(member) === undefined)
      const locked = yield* whyLocked(lead.job)
      if (isFor && locked === undefined) return yield* applyBy(rule, lead)
      const taken = steps.taken(SuggestionLife.byRule(name), locked ?? `the rule ${name} is not for it any more`)
      const reopened = members
        .filter(({ state }) => state === "approved")
        .map((member): Step => [member, SuggestionLife.reopen(member, taken, lengths.decision)])
      yield* steps.take(reopened)
    })

  /** Whether the limits let one more of the job be applied. */
  const isWithinLimits = (job: string) =>
    Effect.map(store.automaticSince(wall() - DAY), (counts) => {
      const all = Array.from(counts.values()).reduce((sum, count) => sum + count, 0)
      return all < settings.autoApplyPerDay && (counts.get(job) ?? 0) < settings.autoApplyPerJob
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
      const reasons = [
        ...looked.failed.map(({ check, detail }) => `${check}: ${detail}`),
        ...suited.flatMap((rule) => rule.whyNot(facts) ?? [])
      ]
      const rule = suited.find((rule) => rule.whyNot(facts) === undefined)
      if (looked.failed.length > 0 || rule === undefined) {
        // A supervisor that does not answer now may do so later.
        if (looked.failed.every(({ check }) => check !== "evidence")) {
          leave(lead.id)
          yield* SafeLog.info(`Rules leave the suggestion ${lead.id} to a person: ${reasons.join("; ")}`)
        }
        return
      }
      const taken = steps.taken(SuggestionLife.byRule(rule.name))
      const approval = { seal: looked.sealFor(NOTHING), ...NOTHING, at: taken.at, by: taken.by }
      const approved = looked.examined.map((examined): Step => {
        const { suggestion } = examined
        return [
          suggestion,
          SuggestionLife.approve(suggestion, approvalOf(examined, approval), undefined, lengths.approval)
        ]
      })
      const rows = members.map(({ job, position, request }) =>
        automatic({ request, position, lead: lead.position, job, rule: rule.name, at: taken.at, lockedAt: null })
      )
      yield* steps.take(approved, rows)
      yield* applyBy(rule, lead)
    }).pipe(Effect.scoped)

  /** One that is pending, if limits and locks let it. */
  const begin = (lead: HealingSuggestion, members: ReadonlyArray<HealingSuggestion>) =>
    Effect.gen(function* () {
      const suited = rules.filter((rule) => members.every((member) => rule.whyNotFor(member) === undefined))
      if (suited.length === 0 || !members.every(({ state }) => state === "pending")) return
      const before = yield* Effect.forEach(members, store.automatic)
      // A person has taken back what a rule has approved: it is theirs from then on.
      if (before.some(Option.isSome)) return leave(lead.id)
      if ((yield* whyLocked(lead.job)) !== undefined || !(yield* isWithinLimits(lead.job))) return
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
        }).pipe(Effect.catchAll(() => Effect.void)),
      { discard: true }
    )
  }

  const isForAny = (one: HealingSuggestion) => rules.some((rule) => rule.whyNotFor(one) === undefined)

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
