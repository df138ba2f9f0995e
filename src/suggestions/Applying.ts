/**
 * Puts into force what a person has approved: one application at a time, and never beside a run of its job (R19, R20).
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  type HealingInvalid,
  type HealingStoreError,
  SuggestionBusy,
  type SuggestionDecided,
  type SuggestionNotFound,
  type SuggestionNotRestarted,
  SuggestionNotWritten,
  SuggestionRefused,
  SuggestionStale,
  type SuggestionsStopped
} from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import type { Application, HealingSuggestion, LogMark } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { RunningState } from "../running/RunningState.js"
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import { application, type Change } from "../store/Change.js"
import type { Alone } from "./Alone.js"
import type { Lengths } from "./Deciding.js"
import type { Decided } from "./Decision.js"
import type { Examined } from "./Examining.js"
import { before } from "./Hooks.js"
import type { KillSwitch } from "./KillSwitch.js"
import * as Previewing from "./Previewing.js"
import * as Recovering from "./Recovering.js"
import type { Restart } from "./Restarting.js"
import { decided, type Step, type Steps } from "./Steps.js"
import { type Swap, type Swapped, swapAll } from "./Swapping.js"
import * as Writing from "./Writing.js"

type Problem =
  | HealingInvalid
  | SuggestionNotFound
  | SuggestionDecided
  | SuggestionStale
  | SuggestionRefused
  | SuggestionsStopped
  | SuggestionBusy
  | SuggestionNotWritten
  | SuggestionNotRestarted
  | HealingStoreError

/**
 * What a rule has to say of an application.
 *
 * - `whyNot`: what it has against it, as things are at its turn.
 * - `whyNotNow`: the same, right before the file is written.
 * - `changes`: what is written down with the intention.
 *
 * @internal
 */
export interface OfRule {
  readonly whyNot: (looked: Previewing.Looked) => Effect.Effect<string | undefined, HealingStoreError>
  readonly whyNotNow: () => string | undefined
  readonly changes: () => ReadonlyArray<Change>
}

/**
 * - `ofRule`: if a rule applies it.
 *
 * @internal
 */
export type Applying = (id: string, decision: Decided, ofRule?: OfRule) => Effect.Effect<HealingSuggestion, Problem>

/**
 * - `alone`: one application or rollback at a time.
 * - `lengths`: of the terms.
 * - `marksOf`: how long the logs of a job are now.
 *
 * Longer than a screen: it is the way of one application, from the first check to the outcome, each step with what becomes of it if it fails.
 *
 * @internal
 */
export const make = ({
  alone,
  killSwitch,
  lengths,
  marksOf,
  openClaw,
  previewing,
  restart,
  settings,
  steps
}: {
  readonly alone: Alone
  readonly killSwitch: KillSwitch
  readonly openClaw: Context.Tag.Service<OpenClaw>
  readonly previewing: Previewing.Previewing
  readonly settings: SuggestionSettings
  readonly lengths: Lengths
  readonly marksOf: (job: string) => Effect.Effect<ReadonlyArray<LogMark> | null>
  readonly restart: Restart
  readonly steps: Steps
}): Applying => {
  const all = (
    members: ReadonlyArray<HealingSuggestion>,
    to: (before: HealingSuggestion) => HealingSuggestion
  ): ReadonlyArray<Step> => members.map((before): Step => [before, to(before)])

  const restarted = (id: string, members: ReadonlyArray<HealingSuggestion>) =>
    members.some(({ approval }) => approval?.restart === true) ? restart(id, members[0]?.job ?? "") : Effect.void

  const approvedOf = (id: string) =>
    Effect.gen(function* () {
      const members = yield* steps.together(id)
      const own = members.find((member) => member.id === id)
      if (own !== undefined && own.state !== "approved") return yield* decided(own)
      const refused = Previewing.refuseApart(id, members)
      if (refused !== undefined) return yield* refused
      return members
    })

  /** All checks anew, against what was approved. */
  const look = (id: string, members: ReadonlyArray<HealingSuggestion>, ofRule: OfRule | undefined) =>
    Effect.gen(function* () {
      const [first] = members
      const allowed = {
        bigDeletion: first?.approval?.bigDeletion === true,
        restart: first?.approval?.restart === true
      }
      const looked = yield* previewing.look(members, allowed)
      const seal = looked.sealFor(allowed)
      const refused = Previewing.refusal(id, looked.failed)
      const stale = new SuggestionStale({ id, detail: "its file is not what was approved" })
      const isSealed = members.every(({ approval }) => approval?.seal === seal)
      const problem = isSealed ? refused : Previewing.isWhole(looked) ? stale : (refused ?? stale)
      const detail = problem === undefined && ofRule !== undefined ? yield* ofRule.whyNot(looked) : undefined
      return { looked, problem: problem ?? refusedByRule(id, detail) }
    })

  /** Until no run of the job is on, and that is known; fails if that takes too long, or if somebody stops it. */
  const awaitEnd = (id: string, job: string, left: number) =>
    openClaw.running.changes.pipe(
      Stream.filter((state) => !isBusy(state, job)),
      Stream.runHead,
      Effect.raceFirst(Effect.zipRight(killSwitch.onStop, killSwitch.check)),
      Effect.timeoutFail({
        duration: left,
        onTimeout: () => new SuggestionBusy({ id, job, waited: settings.applyWait })
      }),
      Effect.unlessEffect(Effect.map(openClaw.running.get, (state) => !isBusy(state, job))),
      Effect.asVoid
    )

  const contentOf = ({ suggestion }: Examined): string => suggestion.suggestion.proposedContent ?? ""

  const lastCheck = (id: string, job: string, ofRule: OfRule | undefined) => (state: RunningState) =>
    killSwitch.stops()[0] ??
    (isBusy(state, job) ? new SuggestionBusy({ id, job, waited: Duration.zero }) : undefined) ??
    refusedByRule(id, ofRule?.whyNotNow())

  /** The way of the members of one application, which are `applying`, to another state. To be run uninterruptibly, but for what it restores. */
  const carryOut = (
    id: string,
    members: ReadonlyArray<HealingSuggestion>,
    { by, reason }: SuggestionLife.Taken,
    ofRule: OfRule | undefined,
    restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  ): Effect.Effect<void, Problem> => {
    const job = members[0]?.job ?? ""
    const now = (reason: string | null | undefined) => steps.taken(by, reason ?? undefined)

    const giveBack = (reason: string) =>
      Effect.forEach(members, (one) =>
        Effect.map(steps.giveBack(one, now(reason)), (after): Step => [one, after])
      ).pipe(Effect.flatMap((all) => steps.record(all)))

    /** It has come to nothing, with nothing written. */
    const givenUp = (exit: Exit.Exit<unknown, Problem>) => {
      if (Exit.isSuccess(exit)) return Effect.void
      const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
      if (error?._tag !== "SuggestionStale") return Effect.ignore(giveBack(error?.message ?? "it was interrupted"))
      const reopened = now(error.detail)
      return Effect.ignore(steps.record(all(members, (one) => SuggestionLife.reopen(one, reopened, lengths.decision))))
    }

    /** Not all is written. The files that could not be put back are looked at: what stands in them is what counts (R15). */
    const settle = (
      swapped: Exclude<Swapped<SuggestionsStopped | SuggestionBusy | SuggestionRefused>, { readonly _tag: "Written" }>,
      applications: ReadonlyMap<HealingSuggestion, Application>
    ) =>
      Effect.gen(function* () {
        const { left, path, why } = swapped
        const detail = typeof why === "string" ? why : why.message
        const paths = left.map(({ place }) => place.path)
        const after = yield* Effect.forEach(members, (one): Effect.Effect<Step> => {
          const application = applications.get(one)
          if (application !== undefined && paths.includes(application.path)) {
            return Effect.map(
              Recovering.judgeFile(one, application, now(detail).at, lengths.watch, GIVEN_UP),
              (judged): Step => [one, judged ?? SuggestionLife.fail(one, now(detail))]
            )
          }
          return swapped._tag === "Edited"
            ? Effect.succeed([one, SuggestionLife.fail(one, now(detail))])
            : Effect.map(steps.giveBack(one, now(detail)), (given): Step => [one, given])
        })
        yield* steps.record(after, ended(Array.from(applications.values())))
        if (typeof why !== "string" && left.length === 0) return yield* why
        const state = after.find(([{ id: other }]) => other === id)?.[1].state ?? "failed"
        const others =
          left.length === 0 ? "" : `; what stands in ${paths.join(" and ")} now is in the rows of their suggestions`
        return yield* new SuggestionNotWritten({ id, path, state, detail: `${detail}${others}` })
      })

    let isIntended = false

    /** From the intention on: whatever happens, they are in another state afterwards. To be run uninterruptibly. */
    const write = (ready: ReadonlyArray<Examined>, logs: ReadonlyArray<LogMark> | null) =>
      Effect.gen(function* () {
        const swaps: Array<Swap> = []
        const applications = new Map<HealingSuggestion, Application>()
        for (const [index, examined] of ready.entries()) {
          const member = members[index]
          const { place } = examined
          if (place === undefined || member === undefined) continue
          const owned = Writing.ownedBy(place)
          const temporary = Writing.temporaryName()
          swaps.push({ place, content: contentOf(examined), owned: { before: owned, after: owned }, temporary })
          const { position, request } = member
          const { path, text: original } = place
          applications.set(member, { request, position, path, original, ...owned, intent: "apply", temporary })
        }
        const intended = Array.from(applications.values())
        yield* before("intend")
        yield* steps.take([], [...intended.map(application), ...(ofRule?.changes() ?? [])])
        isIntended = true
        const swapped = yield* swapAll(swaps, openClaw.running.get, lastCheck(id, job, ofRule))
        yield* before("record")
        if (swapped._tag !== "Written") return yield* settle(swapped, applications)
        const applied = now(reason)
        return yield* steps.record(
          all(members, (one) => SuggestionLife.apply(one, applied, lengths.watch, logs)),
          ended(intended)
        )
      })

    /** Waits for the end of a run of the job without keeping others from theirs, and looks again when it is alone. */
    const go = (until: number): Effect.Effect<void, Problem> =>
      Effect.gen(function* () {
        yield* awaitEnd(id, job, Math.max(0, until - Clocks.millis(yield* Effect.clock)))
        const isDone = yield* alone(
          Effect.gen(function* () {
            if (isBusy(yield* openClaw.running.get, job)) return false
            yield* killSwitch.check
            const logs = yield* marksOf(job)
            const { looked, problem } = yield* look(id, members, ofRule)
            if (problem !== undefined) return yield* problem
            yield* Effect.uninterruptible(write(looked.examined, logs))
            return true
          }).pipe(Effect.scoped)
        )
        if (!isDone) yield* go(until)
      })

    return Effect.clock.pipe(
      Effect.flatMap((clock) => restore(go(Clocks.millis(clock) + Duration.toMillis(settings.applyWait)))),
      Effect.onExit((exit) => (isIntended ? Effect.void : givenUp(exit)))
    )
  }

  return (id, { door, reason, who }, ofRule) =>
    Effect.gen(function* () {
      const members = yield* approvedOf(id)
      yield* killSwitch.check
      const taken = steps.taken({ who, door }, reason)
      const { looked, problem } = yield* Effect.scoped(look(id, members, ofRule))
      if (Previewing.isFoundApplied(looked)) {
        yield* steps.take(all(members, (one) => SuggestionLife.foundApplied(one, taken.at, lengths.watch)))
        yield* restarted(id, members)
        return yield* steps.mustFind(id)
      }
      if (problem?._tag === "SuggestionStale") {
        const reopened = { ...taken, reason: problem.detail }
        yield* steps.take(all(members, (one) => SuggestionLife.reopen(one, reopened, lengths.decision)))
      }
      if (problem !== undefined) return yield* problem
      const begun = all(members, (one) => SuggestionLife.begin(one, taken))
      yield* Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          steps.take(begun),
          carryOut(
            id,
            begun.map(([, after]) => after),
            taken,
            ofRule,
            restore
          )
        )
      )
      yield* restarted(id, members)
      return yield* steps.mustFind(id)
    })
}

const refusedByRule = (id: string, detail: string | undefined): SuggestionRefused | undefined =>
  detail === undefined ? undefined : new SuggestionRefused({ id, checks: [{ check: "rule", detail }] })

const GIVEN_UP = "its application was given up"

const ended = (applications: ReadonlyArray<Application>): ReadonlyArray<Change> =>
  applications.map((one) => application({ ...one, intent: null, temporary: null }))

/** What is not known counts as busy (R16). */
const isBusy = ({ jobs, unknown }: RunningState, job: string): boolean => unknown.length > 0 || HashMap.has(jobs, job)
