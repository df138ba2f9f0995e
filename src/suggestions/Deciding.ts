/**
 * What people decide on suggestions, and their change of mind.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { SuggestionDecided, SuggestionNotFound, SuggestionRefused } from "../HealingError.js"
import { type HealingInvalid, type HealingStoreError, SuggestionStale } from "../HealingError.js"
import type { Approval, HealingSuggestion, SuggestionState } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { hashOf } from "../text/Excerpt.js"
import { type Allowances, type Allowed, type Decided, decodeAllowances, type Sealed } from "./Decision.js"
import { changesFile } from "./Examining.js"
import type { Preview } from "./Preview.js"
import * as Previewing from "./Previewing.js"
import { decided, type Step, type Steps } from "./Steps.js"

type Problem = HealingInvalid | SuggestionNotFound | SuggestionDecided | HealingStoreError

type Answer<E = never> = Effect.Effect<HealingSuggestion, Problem | E>

/**
 * How long each term is, in milliseconds: for a decision, for the application of what was approved, and for the watch of what was applied.
 *
 * @internal
 */
export interface Lengths {
  readonly decision: number
  readonly approval: number
  readonly watch: number
}

/** @internal */
export const NOTHING: Allowed = { bigDeletion: false, restart: false }

/** All that a seal may allow beside the change itself. */
const ALLOWED: ReadonlyArray<Allowed> = [
  NOTHING,
  { bigDeletion: true, restart: false },
  { bigDeletion: false, restart: true },
  { bigDeletion: true, restart: true }
]

/**
 * What is approved of each of those that were looked at.
 *
 * @internal
 */
export const approvalsOf = (
  { allowed, examined, sealFor }: Previewing.Looked,
  { at, by }: SuggestionLife.Taken
): ReadonlyArray<{ readonly suggestion: HealingSuggestion; readonly approval: Approval }> => {
  const seal = sealFor(allowed)
  return examined.map(({ hash, path, suggestion }) => {
    const { proposedContent } = suggestion.suggestion
    const after = changesFile(suggestion) ? hashOf(proposedContent ?? "") : null
    return { suggestion, approval: { seal, ...allowed, at, by, path, before: hash, after } }
  })
}

/** @internal */
export interface Deciding {
  readonly preview: (
    id: string,
    allowances?: Allowances
  ) => Effect.Effect<Preview, HealingInvalid | SuggestionNotFound | HealingStoreError>
  readonly approve: (id: string, decision: Sealed) => Answer<SuggestionStale | SuggestionRefused>
  readonly withdraw: (id: string, decision: Decided) => Answer
  readonly reject: (id: string, decision: Decided) => Answer
}

/**
 * - `lengths`: of the terms.
 *
 * @internal
 */
export const make = ({
  lengths,
  previewing,
  steps
}: {
  readonly steps: Steps
  readonly previewing: Previewing.Previewing
  readonly lengths: Lengths
}): Deciding => {
  const stepOf = (id: string, taken: ReadonlyArray<Step>): HealingSuggestion => {
    const step = taken.find(([{ id: other }]) => other === id)
    // It is one of its own set.
    return (step as Step)[1]
  }

  /** Those of its set that are in this state, if it is itself. */
  const inState = (id: string, state: SuggestionState) =>
    Effect.flatMap(steps.together(id), (members) => {
      const own = members.find((member) => member.id === id)
      if (own !== undefined && own.state !== state) return Effect.fail(decided(own))
      return Effect.succeed(members.filter((member) => member.state === state))
    })

  const decide = (
    id: string,
    state: SuggestionState,
    { door, reason, who }: Decided,
    to: (before: HealingSuggestion, taken: SuggestionLife.Taken) => HealingSuggestion
  ): Answer =>
    Effect.gen(function* () {
      const members = yield* inState(id, state)
      const taken = steps.taken({ who, door }, reason)
      const all = members.map((before): Step => [before, to(before, taken)])
      yield* steps.take(all)
      return stepOf(id, all)
    })

  /** Somebody has done by hand what is proposed: then there is nothing to decide. */
  const foundApplied = (id: string, members: ReadonlyArray<HealingSuggestion>, looked: Previewing.Looked) =>
    Effect.gen(function* () {
      if (!members.every(SuggestionLife.isOpen) || !Previewing.isFoundApplied(looked)) return members
      const { at } = steps.taken({ who: "effect-healing", door: "file" })
      yield* steps.take(members.map((before): Step => [before, SuggestionLife.foundApplied(before, at, lengths.watch)]))
      return yield* steps.together(id)
    }).pipe(Effect.catchTag("SuggestionDecided", () => steps.together(id)))

  return {
    preview: (id, allowances = {}) =>
      Effect.gen(function* () {
        const allowed = yield* decodeAllowances({ ...allowances })
        const members = yield* steps.together(id)
        const looked = yield* previewing.look(members, allowed)
        const now = yield* foundApplied(id, members, looked)
        return yield* Previewing.show(id, now === members ? looked : yield* previewing.look(now, allowed))
      }).pipe(Effect.scoped),

    approve: (id, { door, reason, seal, who }) =>
      Effect.gen(function* () {
        const members = yield* steps.together(id)
        const own = members.find((member) => member.id === id)
        if (own !== undefined && own.state !== "pending") return yield* decided(own)
        const plain = yield* previewing.look(members, NOTHING)
        const now = yield* foundApplied(id, members, plain)
        if (now !== members) return yield* steps.mustFind(id)
        // The seal says what it allows.
        const allowed = ALLOWED.find((allowed) => plain.sealFor(allowed) === seal)
        const isPlain = allowed === undefined || allowed === NOTHING
        const looked = isPlain ? plain : yield* previewing.look(members, allowed)
        const refused = Previewing.refusal(id, looked.failed)
        if (allowed === undefined || looked.sealFor(allowed) !== seal) {
          const stale = new SuggestionStale({ id, detail: "the seal is not that of what there is now" })
          return yield* Previewing.isWhole(looked) ? stale : (refused ?? stale)
        }
        if (refused !== undefined) return yield* refused
        const taken = steps.taken({ who, door }, reason)
        const isByHand = !members.some(changesFile)
        const all = approvalsOf(looked, taken).map(
          ({ approval, suggestion }): Step => [
            suggestion,
            isByHand
              ? SuggestionLife.doneByHand(suggestion, approval, reason, lengths.watch)
              : SuggestionLife.approve(suggestion, approval, reason, lengths.approval)
          ]
        )
        yield* steps.take(all)
        return stepOf(id, all)
      }).pipe(Effect.scoped),

    withdraw: (id, decision) =>
      decide(id, "approved", decision, (approved, taken) => SuggestionLife.reopen(approved, taken, lengths.decision)),

    reject: (id, decision) => decide(id, "pending", decision, SuggestionLife.reject)
  }
}
