/**
 * Events of jobs become requests, unless a review has explained them before.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { defaultPolicy } from "../policy/HealingPolicy.js"
import { isFailure, isRunTrigger } from "../policy/RunRule.js"
import type { ForScheduler } from "../queue/ForScheduler.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { Journal } from "../store/Journal.js"
import { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import { listen } from "../supervisor/Listening.js"
import { JobEvent, type JobInfo, type Supervisor } from "../supervisor/Supervisor.js"
import * as EventInbox from "./EventInbox.js"
import * as FailureSignature from "./FailureSignature.js"
import type { Happened } from "./ForNotices.js"
import type { JobReading } from "./JobReading.js"
import { type KnownJobs, wishOf } from "./KnownJobs.js"

/** How long a supervisor may take to tell about a failure. */
const EVIDENCE_TIMEOUT = Duration.seconds(10)

/** @internal */
export interface ByEventsOptions {
  readonly settings: Pick<HealingSettings, "enabled">
  readonly supervisor: Context.Tag.Service<Supervisor>
  readonly reading: JobReading
  readonly known: KnownJobs
  readonly store: Journal
  readonly submit: ForScheduler["submit"]
  readonly tellExplained: ForScheduler["tellExplained"]
  /** Who is told of everything that happens, whether or not it is reviewed. */
  readonly listeners: ReadonlyArray<(happened: Happened) => Effect.Effect<void, HealingStoreError>>
  /** By the steady clock, in milliseconds. */
  readonly now: () => number
}

/** Failures of which it is remembered that they were told as explained. */
const MAX_TOLD = 1000

/**
 * - `listen`: listens to the events of the supervisor, and never ends.
 * - `accept`: takes one more in.
 *
 * @internal
 */
export const make = Effect.fnUntraced(function* (
  options: ByEventsOptions
): Effect.fn.Return<
  { readonly listen: Effect.Effect<never>; readonly accept: (event: JobEvent) => void },
  never,
  FileSystem | Scope.Scope
> {
  const { supervisor } = options
  const fileSystem = yield* FileSystem
  const told = new Set<string>()
  const tellOnce = (job: string, signature: string) => {
    if (told.has(signature)) return
    if (told.size >= MAX_TOLD) told.clear()
    told.add(signature)
    options.tellExplained(job)
  }
  const inbox = yield* EventInbox.make(
    (accepted, isClosing) =>
      Effect.provideService(handle(options, tellOnce, accepted, isClosing), FileSystem, fileSystem),
    options.now
  )
  const isJobEvent = Schema.is(JobEvent)
  let hasMisfit = false
  let isBroken = false

  const accept = (event: unknown): Effect.Effect<void> => {
    if (isJobEvent(event)) return Effect.sync(() => inbox.accept(event))
    if (hasMisfit) return Effect.void
    hasMisfit = true
    return Effect.logWarning("The supervisor tells of events that do not fit JobEvent: they are left out")
  }

  const heard = listen(supervisor.events, {
    each: (event) => {
      isBroken = false
      return accept(event)
    },
    broke: (how) => {
      if (isBroken) return Effect.void
      isBroken = true
      return Effect.logWarning(
        `The stream of the supervisor's events ${how}: it is listened to anew, and what happened meanwhile is not reviewed`
      )
    }
  })
  return { listen: heard, accept: inbox.accept }
})

/** `isClosing`: there is no time to ask the supervisor anything. */
const handle = Effect.fnUntraced(function* (
  { known, listeners, reading, settings, store, submit, supervisor }: ByEventsOptions,
  tellExplained: (job: string, signature: string) => void,
  { at, event }: EventInbox.Accepted,
  isClosing: boolean
) {
  const { job, runId, trigger } = event
  if (isClosing ? reading.hasRead() && !known.has(job) : yield* reading.isUnknown(job, at)) return
  const info = known.info(job)
  const policy = known.of(job) ?? (info === undefined ? defaultPolicy : undefined)
  const isWanted = policy?.triggers.includes(trigger) === true || isRunTrigger(trigger)
  const isReviewed = settings.enabled && policy?.enabled === true && isWanted
  const isHeard = listeners.length > 0 && !isClosing
  if (!isReviewed && !isHeard) return
  const signature =
    !isFailure(trigger) || isClosing || info === undefined ? null : yield* signatureOf(supervisor, info, event)
  if (isHeard) yield* Effect.forEach(listeners, (listener) => listener({ event, signature }), { discard: true })
  if (!isReviewed) return
  const isExplained = signature !== null && (yield* Effect.orElseSucceed(store.explained(job, signature), () => false))
  if (isExplained) {
    tellExplained(job, signature)
    return yield* Effect.logDebug(`The failure of "${job}" was explained by a review before`)
  }
  // What is wrong stands in no log.
  const note = isRunTrigger(trigger) ? (event.lastError ?? undefined) : undefined
  yield* submit(
    { ...wishOf(job, policy), trigger, runId: runId ?? undefined, note },
    { signature, isLast: isClosing }
  ).pipe(Effect.catchTag("HealingQueueFull", "HealingInvalid", (error) => Effect.logWarning(error.message)))
})

/** `null` if it cannot be told, or not soon. */
const signatureOf = (
  supervisor: Context.Tag.Service<Supervisor>,
  info: JobInfo,
  event: JobEvent
): Effect.Effect<string | null, never, FileSystem> =>
  Effect.filterOrFail(
    Effect.suspend(() => supervisor.evidence(info, EvidenceScope.Failure({ runId: event.runId, limit: 1 }))),
    Schema.is(Evidence)
  ).pipe(
    Effect.flatMap((evidence) =>
      isRunTrigger(event.trigger) ? FailureSignature.ofRule(event, evidence) : FailureSignature.make(event, evidence)
    ),
    Effect.disconnect,
    Effect.timeout(EVIDENCE_TIMEOUT),
    Effect.catchAllCause(() => Effect.succeed(null))
  )
