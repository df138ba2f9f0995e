/**
 * Tells what is wrong with the set-up itself: who holds the gate up, what is not known, which policies are wrong.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as HashMap from "effect/HashMap"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { HealingService } from "../gate/HealingService.js"
import { describeHeldBy, type HealingStoreError, type HeldBy } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import { named } from "../internal/Plural.js"
import type { PolicyIssue } from "../policy/HealingPolicy.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { Policies } from "../scheduler/ForNotices.js"
import type { NotifySettings } from "../settings/HealingConfig.js"
import type { NoticeChange, NoticeJournal } from "../store/NoticeJournal.js"
import type { Draft } from "./Notice.js"
import { persistently } from "./Persistently.js"
import type { Telling } from "./Telling.js"

const GATE = "the gate"

const forget = (kind: string, job = ""): NoticeChange => ({ _tag: "Forget", job, kinds: [kind] })

/**
 * - `problems`: what is wrong with policies by now.
 * - `reviewed`: a review has begun, so that nobody holds the gate up.
 *
 * @internal
 */
export interface Troubles {
  readonly problems: (policies: Policies) => Effect.Effect<void>
  readonly reviewed: Effect.Effect<void>
}

/**
 * It goes on for as long as the scope is open.
 *
 * Longer than a screen, since its timers share what is known of the running state.
 *
 * @internal
 */
export const make = ({
  healing,
  openClaw,
  settings,
  store,
  tell,
  wall
}: Pick<Telling, "tell"> & {
  readonly healing: Context.Tag.Service<HealingService>
  readonly openClaw: Context.Tag.Service<OpenClaw>
  readonly settings: Pick<NotifySettings, "gateHeldFor" | "sourceUnknownFor">
  readonly store: Pick<NoticeJournal, "toldJobs">
  readonly wall: () => number
}): Effect.Effect<Troubles, HealingStoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const { gateHeldFor, sourceUnknownFor } = settings
    const clock = yield* Effect.clock
    const now = () => Clocks.millis(clock)
    /** What may have to be told of, by what it is about. */
    const timers = yield* FiberMap.make<string>()
    /** What was told of and may be told again, once it is over. In the life before there may have been something. */
    const told = { gate: true, sources: true }
    /** Since when nothing was reviewed, by the steady clock. */
    let heldSince = now()
    let unknown: ReadonlySet<string> = new Set()
    /** The jobs whose policies are wrong, as was told. */
    let wrong: ReadonlySet<string> = new Set(yield* store.toldJobs("PolicyWrong"))

    const forgetGate = Effect.suspend(() => {
      if (!told.gate) return Effect.void
      told.gate = false
      return persistently(tell(undefined, { others: [forget("GateHeld")] }))
    })

    const forgetSources = Effect.suspend(() => {
      if (!told.sources) return Effect.void
      told.sources = false
      return persistently(tell(undefined, { others: [forget("SourceUnknown")] }))
    })

    /** Until nobody waits and nothing runs. */
    const watchGate: Effect.Effect<void, HealingStoreError> = Effect.gen(function* () {
      const { heldBy, line, running } = yield* healing.status.get
      const state = yield* openClaw.running.get
      const [first] = line
      if (first === undefined && state.idleSince !== undefined) return
      const waited = Math.min(Duration.toMillis(first?.waited ?? Duration.zero), now() - heldSince)
      const left = Duration.toMillis(gateHeldFor) - waited
      const holders = heldBy.filter(({ _tag }) => _tag === "Jobs" || _tag === "UnknownSources")
      const isHeld = first !== undefined && running.length === 0 && left <= 0 && holders.length > 0
      if (isHeld) {
        told.gate = true
        yield* tell(ofGate(gateHeldFor, Array.from(HashMap.keys(state.jobs)).sort(), holders, wall()))
      }
      yield* Effect.sleep(first === undefined || left <= 0 ? gateHeldFor : Duration.millis(left))
      return yield* watchGate
    })

    const tellUnknown = (name: string, reason: string) =>
      Effect.suspend(() => {
        told.sources = true
        return tell(ofSource(sourceUnknownFor, name, reason, wall()))
      })

    const start = (key: string, doing: Effect.Effect<unknown, HealingStoreError>) =>
      Effect.asVoid(FiberMap.run(timers, key, persistently(doing), { onlyIfMissing: true }))

    const look = Effect.gen(function* () {
      const state = yield* openClaw.running.get
      if (state.idleSince === undefined && Duration.isFinite(gateHeldFor) && !(yield* FiberMap.has(timers, GATE))) {
        heldSince = now()
        yield* start(GATE, Effect.delay(watchGate, gateHeldFor))
      }
      const before = unknown
      unknown = new Set(state.unknown.map(({ name }) => name))
      for (const { name, reason } of state.unknown) {
        if (before.has(name) || !Duration.isFinite(sourceUnknownFor)) continue
        yield* start(`source ${name}`, Effect.delay(tellUnknown(name, reason), sourceUnknownFor))
      }
      for (const name of before) if (!unknown.has(name)) yield* FiberMap.remove(timers, `source ${name}`)
      if (unknown.size === 0) yield* forgetSources
    })

    yield* Effect.forkScoped(Stream.runForEach(openClaw.running.changes, () => look))

    return {
      reviewed: Effect.suspend(() => {
        heldSince = now()
        return forgetGate
      }),
      problems: ({ has, problems: found }) =>
        persistently(
          Effect.gen(function* () {
            const before = wrong
            const now = new Set(found.map(({ job }) => job))
            // One that its supervisor does not have for a while is as it was.
            const mended = Array.from(before).filter((job) => !now.has(job) && has(job))
            wrong = new Set([...before, ...now].filter((job) => !mended.includes(job)))
            if (mended.length > 0) yield* tell(undefined, { others: mended.map((job) => forget("PolicyWrong", job)) })
            for (const job of now) {
              const issues = found.filter((one) => one.job === job)
              yield* tell(ofPolicy(job, issues, wall()))
            }
          })
        )
    }
  })

const ofGate = (
  gateHeldFor: Duration.Duration,
  jobs: ReadonlyArray<string>,
  holders: ReadonlyArray<HeldBy>,
  at: number
): Draft => {
  const who = jobs.length === 0 ? "it is not known what runs" : `${named(jobs)} ${jobs.length === 1 ? "runs" : "run"}`
  return {
    at,
    kind: "GateHeld",
    severity: "low",
    title: `Nothing was reviewed for ${Duration.format(gateHeldFor)}: ${who}`,
    cause: holders.map(describeHeldBy).join("; "),
    todo: "Look whether that is right. A job that never ends by itself should be told as one that is always up",
    command: "effect-healing status",
    subject: GATE
  }
}

const ofSource = (sourceUnknownFor: Duration.Duration, name: string, reason: string, at: number): Draft => ({
  at,
  kind: "SourceUnknown",
  severity: "low",
  title: `It is not known for ${Duration.format(sourceUnknownFor)} what runs: the source "${name}" does not say`,
  cause: reason,
  todo: "Look at it: until it is known, nothing is reviewed",
  command: "effect-healing doctor",
  subject: name
})

const ofPolicy = (job: string, issues: ReadonlyArray<PolicyIssue>, at: number): Draft => {
  const found = issues.map(({ expected, key }) => (key === "" ? expected : `${key}: ${expected}`))
  return {
    at,
    kind: "PolicyWrong",
    severity: "low",
    job,
    title: `The policy of ${job} is wrong, so that only a person has it reviewed`,
    cause: found.join("; "),
    todo: "Mend the policy where it stands",
    command: "effect-healing doctor",
    subject: createHash("sha256").update(found.join("\n")).digest("hex")
  }
}
