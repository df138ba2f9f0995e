/**
 * Puts into force what a person has approved: one application at a time, and never beside a run of its job (R19, R20).
 *
 * @internal
 */
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
  type SuggestionRefused,
  SuggestionStale,
  type SuggestionsStopped
} from "../HealingError.js"
import type { Application, HealingSuggestion } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { RunningState } from "../running/RunningState.js"
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import type { Alone } from "./Alone.js"
import * as ContentCheck from "./ContentCheck.js"
import type { Lengths } from "./Deciding.js"
import { type Decision, decodeDecision } from "./Decision.js"
import type { Examined } from "./Examining.js"
import { before } from "./Hooks.js"
import type { KillSwitch } from "./KillSwitch.js"
import * as Previewing from "./Previewing.js"
import type { Restart } from "./Restarting.js"
import { decided, type Step, type Steps } from "./Steps.js"
import { type Swap, swapAll } from "./Swapping.js"
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

/** @internal */
export type Applying = (id: string, decision: Decision) => Effect.Effect<HealingSuggestion, Problem>

/**
 * - `alone`: one application or rollback at a time.
 * - `lengths`: of the terms.
 *
 * Longer than a screen: it is the way of one application, from the first check to the outcome, each step with what becomes of it if it fails.
 *
 * @internal
 */
export const make = ({
  alone,
  killSwitch,
  lengths,
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
  readonly restart: Restart
  readonly steps: Steps
}): Applying => {
  const all = (
    members: ReadonlyArray<HealingSuggestion>,
    to: (before: HealingSuggestion) => HealingSuggestion
  ): ReadonlyArray<Step> => members.map((before): Step => [before, to(before)])

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
  const look = (id: string, members: ReadonlyArray<HealingSuggestion>) =>
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
      return { looked, problem: isSealed ? refused : Previewing.isWhole(looked) ? stale : (refused ?? stale) }
    })

  /** Until no run of the job is on, and that is known; fails if that takes too long. */
  const awaitEnd = (id: string, job: string): Effect.Effect<void, SuggestionBusy> =>
    Effect.flatMap(openClaw.running.get, (now) =>
      isBusy(now, job)
        ? openClaw.running.changes.pipe(
            Stream.filter((state) => !isBusy(state, job)),
            Stream.runHead,
            Effect.timeoutOption(settings.applyWait),
            Effect.filterOrFail(Option.isSome, () => new SuggestionBusy({ id, job, waited: settings.applyWait })),
            Effect.asVoid
          )
        : Effect.void
    )

  const contentOf = ({ suggestion }: Examined): string => suggestion.suggestion.proposedContent ?? ""

  /** What the checks say that the user names. */
  const checkContents = (files: ReadonlyArray<Examined>) =>
    Effect.gen(function* () {
      for (const file of files) {
        const path = file.path ?? ""
        const problem = yield* ContentCheck.run(settings, path, contentOf(file))
        if (problem !== undefined) return { path, problem }
      }
      return undefined
    })

  const lastCheck = (id: string, job: string) => (state: RunningState) =>
    killSwitch.stops()[0] ?? (isBusy(state, job) ? new SuggestionBusy({ id, job, waited: Duration.zero }) : undefined)

  /** From `applying` on: whatever happens, it is in another state afterwards. To be run uninterruptibly. */
  const carryOut = (
    id: string,
    members: ReadonlyArray<HealingSuggestion>,
    taken: SuggestionLife.Taken,
    restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  ) =>
    Effect.gen(function* () {
      const job = members[0]?.job ?? ""
      const now = (reason: string | undefined) => steps.taken(taken.by, reason)
      const giveBack = (reason: string, applications: ReadonlyArray<Application> = []) => {
        const given = now(reason)
        return steps.record(
          all(members, (one) => SuggestionLife.giveBack(one, given)),
          applications
        )
      }
      const fail = (path: string, detail: string, applications: ReadonlyArray<Application> = []) =>
        Effect.zipRight(
          steps.record(
            all(members, (one) => SuggestionLife.fail(one, now(detail))),
            applications
          ),
          new SuggestionNotWritten({ id, path, state: "failed", detail })
        )

      const ready = yield* restore(
        Effect.gen(function* () {
          yield* awaitEnd(id, job)
          yield* killSwitch.check
          const { looked, problem } = yield* look(id, members)
          return problem === undefined
            ? { files: looked.examined, wrong: yield* checkContents(looked.examined.filter(hasPlace)) }
            : yield* problem
        })
      ).pipe(
        Effect.onExit((exit) => {
          if (Exit.isSuccess(exit)) return Effect.void
          const failure = Exit.causeOption(exit).pipe(Option.getOrUndefined)
          const error = failure?._tag === "Fail" ? failure.error : undefined
          if (error?._tag === "SuggestionStale") {
            const reopened = now(error.detail)
            return Effect.ignore(
              steps.record(
                all(members, (one) => SuggestionLife.reopen(one, reopened, lengths.decision)),
                []
              )
            )
          }
          return Effect.ignore(giveBack(error?.message ?? "it was interrupted"))
        })
      )
      if (ready.wrong !== undefined) return yield* fail(ready.wrong.path, ready.wrong.problem)

      const swaps = ready.files.flatMap((examined): ReadonlyArray<Swap & { readonly of: HealingSuggestion }> => {
        const { place, suggestion } = examined
        if (place === undefined) return []
        const owned = Writing.ownedBy(place)
        return [
          {
            of: suggestion,
            place,
            content: contentOf(examined),
            owned: { before: owned, after: owned },
            temporary: Writing.temporaryName()
          }
        ]
      })
      const applications = swaps.map(
        ({ of: { position, request }, owned, place, temporary }): Application => ({
          request,
          position,
          path: place.path,
          original: place.text,
          ...owned.before,
          intent: "apply",
          temporary
        })
      )
      const ended = applications.map((one): Application => ({ ...one, intent: null, temporary: null }))
      yield* before("intend")
      yield* Effect.onError(steps.take([], applications), () => Effect.ignore(giveBack("the store has failed")))

      const swapped = yield* swapAll(swaps, openClaw.running.get, lastCheck(id, job))
      yield* before("record")
      if (swapped._tag === "Edited") return yield* fail(swapped.path, swapped.why, ended)
      if (swapped._tag === "NotWritten") {
        const { path, why } = swapped
        const reason = typeof why === "string" ? why : why.message
        yield* giveBack(reason, ended)
        return yield* typeof why === "string"
          ? new SuggestionNotWritten({ id, path, state: "approved", detail: why })
          : why
      }
      const applied = now(taken.reason ?? undefined)
      yield* steps.record(
        all(members, (one) => SuggestionLife.apply(one, applied, lengths.watch)),
        ended
      )
    }).pipe(Effect.scoped)

  return (id, decision) =>
    Effect.gen(function* () {
      const { door, reason, who } = yield* decodeDecision({ ...decision })
      const members = yield* approvedOf(id)
      yield* killSwitch.check
      const taken = steps.taken({ who, door }, reason)
      const { looked, problem } = yield* look(id, members)
      if (Previewing.isFoundApplied(looked)) {
        yield* steps.take(all(members, (one) => SuggestionLife.foundApplied(one, taken.at, lengths.watch)))
        return yield* steps.mustFind(id)
      }
      if (problem?._tag === "SuggestionStale") {
        const reopened = { ...taken, reason: problem.detail }
        yield* steps.take(all(members, (one) => SuggestionLife.reopen(one, reopened, lengths.decision)))
      }
      if (problem !== undefined) return yield* problem
      const begun = all(members, (one) => SuggestionLife.begin(one, taken))
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          yield* steps.take(begun)
          const applying = begun.map(([, after]) => after)
          yield* carryOut(id, applying, taken, restore)
          if (members.some(({ approval }) => approval?.restart === true)) yield* restart(id, members[0]?.job ?? "")
          return yield* steps.mustFind(id)
        })
      )
    }).pipe(Effect.scoped, alone)
}

const hasPlace = ({ place }: Examined): boolean => place !== undefined

/** What is not known counts as busy (R16). */
const isBusy = ({ jobs, unknown }: RunningState, job: string): boolean => unknown.length > 0 || HashMap.has(jobs, job)
