/**
 * Tells that a job fails, and that it runs well again.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { HealingStoreError } from "../HealingError.js"
import { count } from "../internal/Plural.js"
import { isRunTrigger } from "../policy/RunRule.js"
import { UNKNOWN_FAILURE } from "../request/RequestLife.js"
import { causeOf } from "../scheduler/FailureSignature.js"
import type { Happened } from "../scheduler/ForNotices.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { Journal } from "../store/Journal.js"
import type { Failing, NoticeChange } from "../store/NoticeJournal.js"
import { listenToRuns } from "../supervisor/ListeningToRuns.js"
import type { RunEvent, Supervisor } from "../supervisor/Supervisor.js"
import type { Draft } from "./Notice.js"
import { OF_A_FAILURE } from "./OfRequest.js"
import { persistently } from "./Persistently.js"
import { shellWord } from "./ShellWord.js"
import type { Telling } from "./Telling.js"

/** So long after the last good run it may still turn out that something was wrong with it. */
const DOUBT = Duration.seconds(15)

/** Runs that are told faster than they are looked at. */
const MAX_EVENTS = 1024

/** Runs of which it is remembered that something bad was told of them. */
const MAX_BAD = 1000

const DAY = Duration.toMillis("1 day")

/**
 * - `isNews`: whether it was not told before.
 * - `wasUp`: whether it is the end of a run that never ends by itself.
 */
interface Seen {
  readonly event: RunEvent
  readonly isNews: boolean
  readonly wasUp: boolean
}

type Started = Extract<RunEvent, { readonly _tag: "Started" }>

type Ended = Extract<RunEvent, { readonly _tag: "Ended" }>

const titleOf = ({ job, lastError, trigger }: Happened["event"]): string => {
  if (trigger === "failure") return `${job} fails`
  if (isRunTrigger(trigger)) return `${job} is not as it should be: ${lastError ?? trigger}`
  if (trigger === "sla_breach") return `${job} breaks its service level`
  return `${job}: ${trigger}`
}

/**
 * - `happened`: something has happened to a job.
 *
 * It goes on for as long as the scope is open.
 *
 * Longer than a screen, since it is one loop over what is told of runs, and the few maps that it needs.
 *
 * @internal
 */
export const make = ({
  settings,
  store,
  supervisor,
  tell,
  wall
}: Pick<Telling, "tell"> & {
  readonly settings: Pick<HealingSettings, "notify" | "suggestions">
  readonly store: Journal
  readonly supervisor: Context.Tag.Service<Supervisor>
  readonly wall: () => number
}): Effect.Effect<
  { readonly happened: (happened: Happened) => Effect.Effect<void, HealingStoreError> },
  HealingStoreError,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const { recoveredAfter } = settings.notify
    const { upFor } = settings.suggestions
    /** The jobs of which a failure was told, as they are in the store. */
    const failing = new Map((yield* store.notices.failing).map((one) => [one.job, one]))
    /** The runs of jobs that are always up, and since when. */
    const up = new Map<string, Map<string, number>>()
    const timers = yield* FiberMap.make<string>()
    const inbox = yield* Mailbox.make<Seen>({ capacity: MAX_EVENTS, strategy: "sliding" })
    /** Runs of which something bad was told. */
    const bad = new Set<string>()

    const markBad = (runId: string, job: string) => {
      bad.add(`${runId} ${job}`)
      for (const oldest of bad) {
        if (bad.size <= MAX_BAD) break
        bad.delete(oldest)
      }
    }

    const put = (job: string, to: Failing | null): NoticeChange => ({ _tag: "Failing", job, failing: to })

    const remember = (job: string, to: Failing | null) =>
      Effect.sync(() => {
        if (to === null) failing.delete(job)
        else failing.set(job, to)
      })

    /** What a review has found of it before, which is not reviewed again. */
    const explanationOf = ({ event: { job }, signature }: Happened) =>
      Effect.gen(function* () {
        if (signature === null || !(yield* store.explained(job, signature))) return {}
        const last = yield* store.history({ job, states: ["completed"], limit: 20 })
        const found = last.find(({ signatures }) => signatures.includes(signature))?.report
        const cause = found?.rootCause ?? found?.summary
        return cause === undefined
          ? {}
          : { cause, todo: "A review has explained this before: look at what it proposed" }
      })

    const draftOf = ({ event, signature }: Happened): Draft => {
      const { exitCode, job, lastError, trigger } = event
      const error = lastError?.trim()
      return {
        at: wall(),
        kind: "JobFailing",
        severity: "low",
        job,
        title: titleOf(event),
        details: [
          ...(error === undefined || error === "" || isRunTrigger(trigger) ? [] : [`It has said: ${error}`]),
          ...(typeof exitCode === "number" ? [`Exit code ${exitCode}`] : [])
        ],
        todo: "Wait for its review, or look at its log",
        command: `effect-healing history --job ${shellWord(job)}`,
        subject: signature === null ? (trigger === "failure" ? UNKNOWN_FAILURE : trigger) : causeOf(signature),
        ...(signature !== null && { signature })
      }
    }

    const happened = (one: Happened) =>
      Effect.gen(function* () {
        const { job, runId } = one.event
        if (runId !== null) markBad(runId, job)
        const before = failing.get(job)
        const now = { job, since: wall(), good: 0 }
        // One that counted as a good run was none. That it goes on failing is remembered once a day.
        const isOld = before !== undefined && Math.abs(now.since - before.since) > DAY
        const others = before !== undefined && (before.good > 0 || isOld) ? [put(job, now)] : []
        const isTold = yield* tell(draftOf(one), {
          explanation: explanationOf(one),
          ifTold: [put(job, now)],
          others
        })
        if (!isTold && before === undefined) return
        yield* remember(job, isTold || others.length > 0 || before === undefined ? now : before)
        if (!isTold) return
        // One that is up has to stay so from now on.
        for (const [runId] of up.get(job) ?? []) yield* time(job, runId, upFor)
      })

    const recovered = (job: string, how: string) =>
      Effect.gen(function* () {
        const before = failing.get(job)
        if (before === undefined) return
        const draft: Draft = {
          at: wall(),
          kind: "JobRecovered",
          severity: "low",
          job,
          title: `${job} runs well again: ${how}`,
          todo: "There is nothing to do"
        }
        const forget: NoticeChange = { _tag: "Forget", job, kinds: OF_A_FAILURE }
        yield* tell(draft, { others: [forget, put(job, null)] })
        yield* remember(job, null)
      })

    /** It has stayed up for as long as it has to. */
    const time = (job: string, runId: string, left: Duration.Duration) => {
      const stayed = Effect.suspend(() =>
        up.get(job)?.has(runId) === true ? recovered(job, `it is up for ${Duration.format(upFor)}`) : Effect.void
      )
      return Effect.asVoid(
        FiberMap.run(timers, `${runId} ${job}`, Effect.delay(Effect.uninterruptible(persistently(stayed)), left))
      )
    }

    /** What is up is known at once, however late anything else is looked at. */
    const see = (event: RunEvent): Seen => {
      const { job, runId } = event
      if (runId === null) return { event, isNews: true, wasUp: false }
      const ofJob = up.get(job) ?? new Map<string, number>()
      if (event._tag === "Ended") {
        const wasUp = ofJob.delete(runId)
        if (ofJob.size === 0) up.delete(job)
        return { event, isNews: true, wasUp }
      }
      if (!event.alwaysUp) return { event, isNews: true, wasUp: false }
      const since = event.at ?? wall()
      // Who listens anew is told again what runs.
      const isNews = ofJob.get(runId) !== since
      up.set(job, ofJob.set(runId, since))
      return { event, isNews, wasUp: false }
    }

    const started = ({ alwaysUp, at, job, runId }: Started) =>
      Effect.suspend(() => {
        if (!alwaysUp || runId === null) return Effect.void
        const since = at ?? wall()
        const left = Math.max(0, Duration.toMillis(upFor) - Math.max(0, wall() - since))
        return time(job, runId, Duration.millis(left))
      })

    const ended = ({ job, outcome, runId }: Ended, wasUp: boolean) =>
      Effect.gen(function* () {
        yield* FiberMap.remove(timers, `${runId} ${job}`)
        const before = failing.get(job)
        // One that is always up has no good end.
        if (before === undefined || outcome === "stopped" || (outcome === "succeeded" && wasUp)) return
        const isGood = outcome === "succeeded" && (runId === null || !bad.has(`${runId} ${job}`))
        const good = isGood ? before.good + 1 : 0
        if (good === before.good) return
        const now = { ...before, good }
        yield* tell(undefined, { others: [put(job, now)] })
        yield* remember(job, now)
        yield* settleSoon(job)
      })

    /** Unless it turns out that one of the good runs was none. */
    const settleSoon = (job: string) => {
      const isWell = () => (failing.get(job)?.good ?? 0) >= recoveredAfter
      if (!isWell()) return Effect.void
      const settled = Effect.suspend(() =>
        isWell() ? recovered(job, count(failing.get(job)?.good ?? 0, "good run")) : Effect.void
      )
      return Effect.asVoid(
        FiberMap.run(timers, `well ${job}`, Effect.delay(Effect.uninterruptible(persistently(settled)), DOUBT), {
          onlyIfMissing: true
        })
      )
    }

    for (const job of failing.keys()) yield* settleSoon(job)
    yield* Effect.forkScoped(
      listenToRuns(supervisor, (event) => Effect.asVoid(Effect.suspend(() => inbox.offer(see(event)))))
    )
    yield* Effect.forkScoped(
      Stream.runForEach(Mailbox.toStream(inbox), ({ event, isNews, wasUp }) => {
        if (event._tag === "Ended") return persistently(ended(event, wasUp))
        return isNews ? persistently(started(event)) : Effect.void
      })
    )
    yield* Effect.yieldNow()
    return { happened }
  })
