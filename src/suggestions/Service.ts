/**
 * Assembles the service: what is asked, who decides, what is written, what is told.
 *
 * @internal
 */
import { realpathSync, statSync } from "node:fs"
import { dirname, isAbsolute } from "node:path"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { HealingConfigError } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import { forSuggestions } from "../queue/ForSuggestions.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import { SuggestionStep } from "../request/HealingSuggestion.js"
import { OpenClaw } from "../running/OpenClaw.js"
import type { HasForNotices } from "../scheduler/ForNotices.js"
import { HealingScheduler } from "../scheduler/HealingScheduler.js"
import { type AutoApplyRule, HealingConfig } from "../settings/HealingConfig.js"
import { readFrom } from "../settings/Settings.js"
import { HealingStore } from "../store/HealingStore.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import * as Alone from "./Alone.js"
import * as Applying from "./Applying.js"
import * as Automatic from "./Automatic.js"
import * as AutoRule from "./AutoRule.js"
import * as ContentCheck from "./ContentCheck.js"
import * as Deciding from "./Deciding.js"
import {
  type Decided,
  type Decision,
  decodeDecision,
  decodeSealed,
  decodeSuggestionFilter,
  decodeSuggestionId,
  type SealedDecision,
  type SuggestionFilter
} from "./Decision.js"
import type { Rules } from "./Examining.js"
import * as Forbidden from "./Forbidden.js"
import * as JobEvidence from "./JobEvidence.js"
import * as JobLocks from "./JobLocks.js"
import * as KillSwitch from "./KillSwitch.js"
import { problemOf } from "./OpenFolder.js"
import * as Previewing from "./Previewing.js"
import * as Proposals from "./Proposals.js"
import { recover } from "./Recovering.js"
import * as Rehearsing from "./Rehearsing.js"
import * as Restarting from "./Restarting.js"
import * as RollingBack from "./RollingBack.js"
import * as Steps from "./Steps.js"
import type { SuggestionEvent } from "./SuggestionEvent.js"
import * as Terms from "./Terms.js"
import * as Watching from "./Watching.js"

const MAX_EVENTS = 1024

/** How many steps are read at a time. */
const PAGE = 200

const lineOf = Schema.encodeSync(Schema.parseJson(SuggestionStep))

/**
 * Longer than a screen: it wires the parts, and opens them in their order.
 *
 * @internal
 */
export const make = Effect.gen(function* () {
  const queue = yield* HealingQueue
  const { location, suggestions: store } = yield* HealingStore
  const openClaw = yield* OpenClaw
  const { suggestions: settings } = yield* HealingConfig
  const database = isAbsolute(location) ? location : undefined
  const file = settings.stopFile ?? (database && `${database}.stop`)
  const rules = yield* makeRules(database, file)
  const lengths = {
    decision: Duration.toMillis(settings.expireAfter),
    approval: Duration.toMillis(settings.approvalExpiresAfter),
    watch: Duration.toMillis(settings.watchFor)
  }

  const ofQueue = queue[forSuggestions]
  const events = Broadcast.make<SuggestionEvent>(MAX_EVENTS)
  yield* Effect.addFinalizer(() => events.end)
  const terms = yield* Terms.make({ ...ofQueue, store, tell: events.tell })
  const { changed } = terms
  yield* Proposals.listen({ store, requests: queue.events, tell: events.tell, changed, term: lengths.decision })
  const steps = Steps.make({ ...ofQueue, store, tell: events.tell, terms })
  yield* recover({ steps, store, wall: ofQueue.wall, watchTerm: lengths.watch })
  yield* ContentCheck.sweep

  const jobLocks = yield* JobLocks.make({ ...ofQueue, store })
  const { lock } = jobLocks
  const { supervisor } = rules
  const scheduler: Option.Option<Partial<HasForNotices>> = yield* Effect.serviceOption(HealingScheduler)
  const fileSystem = yield* FileSystem
  const marksOf = (job: string) => Effect.provideService(JobEvidence.logMarks(supervisor, job), FileSystem, fileSystem)
  yield* Watching.make({
    ...ofQueue,
    settings,
    steps,
    store,
    supervisor,
    events: events.listen,
    lock,
    marksOf,
    scheduler
  })

  const alone = yield* Alone.make
  const restart = Restarting.make(supervisor)
  const previewing = Previewing.make(rules)
  const killSwitch = yield* KillSwitch.make({ ...ofQueue, store, setting: settings.stopped, file })

  const deciding = Deciding.make({ steps, previewing, lengths })
  const applying = Applying.make({
    alone,
    killSwitch,
    lengths,
    marksOf,
    openClaw,
    previewing,
    restart,
    settings,
    steps
  })
  const ofRollback = { alone, restart, rules, steps, store }
  const rollingBack = RollingBack.make<never>({ ...ofRollback, whyNot: () => undefined })

  yield* terms.keep
  const automatic = yield* Automatic.make({
    ...ofQueue,
    applying,
    events: events.listen,
    jobLocks,
    killSwitch,
    lengths,
    previewing,
    rollingBack: RollingBack.make({ ...ofRollback, whyNot: () => killSwitch.stops()[0] }),
    rules: yield* makeAutoRules(settings.autoApply, rules.roots),
    settings,
    steps,
    store
  })

  const decidedWith =
    <A, E>(decide: (id: string, decision: Decided) => Effect.Effect<A, E>) =>
    (id: string, decision: Decision) =>
      Effect.flatMap(decodeDecision({ ...decision }), (decided) => decide(id, decided))

  const stepsOf = (id: string | undefined) =>
    Stream.paginateChunkEffect(0, (after) =>
      Effect.map(
        store.steps(id, after, PAGE),
        ({ next, steps }) => [Chunk.fromIterable(steps), Option.fromNullable(next)] as const
      )
    )

  return {
    list: (filter: SuggestionFilter = {}) => {
      const { after } = filter
      const key = after && { request: after.request, position: after.position }
      return Effect.flatMap(decodeSuggestionFilter({ ...filter, after: key }), store.list)
    },
    get: steps.find,
    steps: (id: string) =>
      Effect.flatMap(decodeSuggestionId({ id }), () =>
        Effect.map(Stream.runCollect(stepsOf(id)), Chunk.toReadonlyArray)
      ),
    preview: deciding.preview,
    approve: (id: string, decision: SealedDecision) =>
      Effect.flatMap(decodeSealed({ ...decision }), (sealed) => deciding.approve(id, sealed)),
    withdraw: decidedWith(deciding.withdraw),
    reject: decidedWith(deciding.reject),
    apply: decidedWith(applying),
    rollback: decidedWith(rollingBack),
    stop: (decision: Decision) =>
      Effect.flatMap(decodeDecision({ ...decision }), ({ door, reason, who }) =>
        killSwitch.stop({ at: ofQueue.wall(), by: { who, door }, reason: reason ?? null })
      ),
    resume: (decision: Decision) =>
      decodeDecision({ ...decision }).pipe(Effect.zipRight(killSwitch.resume), Effect.zipRight(automatic.wake)),
    stopped: Effect.sync(killSwitch.stops),
    rehearse: Rehearsing.make({ rules, settings, store, wall: ofQueue.wall }),
    locks: jobLocks.locks,
    unlock: (job: string, decision: Decision) =>
      Effect.zipLeft(decidedWith(jobLocks.unlock)(job, decision), automatic.wake),
    audit: Stream.map(stepsOf(undefined), (step) => `${lineOf(step)}\n`),
    events: events.listen
  }
})

const makeAutoRules = (rules: ReadonlyArray<AutoApplyRule>, roots: ReadonlyArray<string>) =>
  Effect.mapError(
    AutoRule.make(rules, roots),
    (found) =>
      new HealingConfigError({
        issues: [{ source: "settings", key: "suggestions.autoApply", found, expected: AutoRule.EXPECTED }]
      })
  )

/** What may be changed, as it is when the layer is built. */
const makeRules = (database: string | undefined, stopFile: string | undefined) =>
  Effect.gen(function* () {
    const supervisor = yield* Supervisor
    const settings = yield* HealingConfig
    const { allowedRoots, forbidden } = settings.suggestions
    const variable = (name: string) => Effect.map(Effect.option(Config.string(name)), Option.getOrUndefined)
    const files = [...(settings[readFrom] ?? []), ...(stopFile === undefined ? [] : [stopFile])]
    return {
      supervisor,
      settings: settings.suggestions,
      roots: yield* Effect.forEach(allowedRoots, resolveRoot),
      whyForbidden: Forbidden.make({
        globs: forbidden,
        database,
        own: [...files, ...(supervisor.ownPaths ?? [])],
        openClaw: {
          stateFolder: yield* variable("OPENCLAW_STATE_DIR"),
          config: yield* variable("OPENCLAW_CONFIG_PATH")
        }
      })
    } satisfies Rules
  })

const resolveRoot = (root: string): Effect.Effect<string, HealingConfigError> => {
  const refuse = (found: string) =>
    new HealingConfigError({
      issues: [
        { source: "settings", key: "suggestions.allowedRoots", found: `${root}, which ${found}`, expected: EXPECTED }
      ]
    })
  return Effect.try({ try: () => realFolder(root), catch: problemOf }).pipe(
    Effect.mapError((problem) => refuse(`cannot be used: ${problem}`)),
    Effect.filterOrFail(
      (path) => path !== dirname(path),
      () => refuse("is the root of all files")
    )
  )
}

const realFolder = (root: string): string => {
  const path = realpathSync.native(root)
  if (!statSync(path).isDirectory()) throw Object.assign(new Error(path), { code: "ENOTDIR" })
  return path
}

const EXPECTED = "the absolute path of a folder that is there, and is not /"
