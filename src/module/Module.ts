/**
 * The module: watches PM2, queues, reviews with the OpenClaw CLI, and says what happens.
 *
 * @internal
 */
import * as Command from "@effect/platform/Command"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import { layerWebSocketConstructorGlobal } from "@effect/platform/Socket"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { HealingService } from "../gate/HealingService.js"
import { Healing } from "../Healing.js"
import type { HealingConfigError } from "../HealingError.js"
import { HealingHttp } from "../http/HealingHttp.js"
import { Notices } from "../notify/Notices.js"
import { OpenClawNotFound } from "../openclaw/OpenClawError.js"
import { OpenClawGateway, type OpenClawGatewayOptions } from "../openclaw/OpenClawGateway.js"
import { OpenClawReviewer } from "../openclaw/OpenClawReviewer.js"
import { without } from "../openclaw/ProcessGroup.js"
import { defaultHome, moduleDatabase, moduleFolder } from "../pm2/Home.js"
import { Pm2, type Pm2Options } from "../pm2/Pm2.js"
import type { HealingEvent } from "../queue/HealingEvent.js"
import type { HealingHealth } from "../queue/HealingHealth.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { HealingScheduler } from "../scheduler/HealingScheduler.js"
import { HealingConfig, type HealingSettings } from "../settings/HealingConfig.js"
import { secretVariables } from "../settings/NotifyChannel.js"
import { HealingStore } from "../store/HealingStore.js"
import { Suggestions } from "../suggestions/Suggestions.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import * as Actions from "./Actions.js"
import * as Launcher from "./Launcher.js"
import { isLogged, lineOf, names, type Told, time } from "./LogLines.js"
import * as ModuleSettings from "./ModuleSettings.js"
import * as ReportFiles from "./ReportFiles.js"
import * as Status from "./Status.js"
import * as SuggestionActions from "./SuggestionActions.js"

/** The exit code that package.json tells PM2: with it the module stays stopped until somebody starts it. */
export const STOPPED = 78

/**
 * Runs until PM2 goes, and ends with the exit code. A setting or a file that is wrong is said in one line each, with how to
 * mend it.
 *
 * @internal
 */
export const run = Effect.gen(function* () {
  const home = yield* defaultHome
  const folder = moduleFolder(home)
  const settings = yield* Effect.zipLeft(ModuleSettings.load, ModuleSettings.forget)
  yield* (yield* FileSystem).makeDirectory(folder, { recursive: true, mode: 0o700 })
  const live = Healing.layerSupervised({
    filename: moduleDatabase(home),
    config: Layer.succeed(HealingConfig, settings.healing),
    reviewer: OpenClawReviewer.layer(settings.reviewer)
  }).pipe(Layer.provideMerge(supervisor({ ...settings.pm2, home }, settings.gateway)))
  const launcher = yield* Launcher.write(folder, home)
  const served = serve(home, folder, launcher, settings.reviewer.command ?? "openclaw")
  return yield* Effect.provide(served, Layer.retry(live, whileOwned))
}).pipe(
  Effect.catchTags({
    BadSettings: ({ lines }) => stop(lines),
    HealingConfigError: ({ issues }) => stop(issues.map(ModuleSettings.lineOf)),
    HealingStoreError: ({ message }) => stop([`${message}. Then: pm2 restart ${ModuleSettings.NAME}`]),
    BadArgument: ({ message }) => stop([message]),
    SystemError: ({ message }) => stop([message])
  }),
  Effect.scoped
)

/** Looks for OpenClaw, so that nobody has to wait for the first failure to see that it is not there. */
const lookFor = (command: string, { notify }: HealingSettings) =>
  Command.exitCode(Command.env(Command.make(command, "--version"), without(secretVariables(notify.channels)))).pipe(
    Effect.catchIf(
      (error) => error._tag === "SystemError" && error.reason === "NotFound",
      () => Effect.logError(new OpenClawNotFound({ command }).message)
    ),
    Effect.ignore
  )

/** A former process of the module may still be about to end. */
const whileOwned = Schedule.spaced("1 second").pipe(
  Schedule.intersect(Schedule.recurs(30)),
  Schedule.whileInput((error: unknown) => error instanceof Object && "reason" in error && error.reason === "Owned")
)

const stop = (lines: ReadonlyArray<string>) =>
  Effect.as(
    Effect.forEach(lines, (line) => Effect.logError(`stopped: ${line}`), { discard: true }),
    STOPPED
  )

/** What the actions ask. */
type Asked =
  | FileSystem
  | HealingConfig
  | HealingQueue
  | HealingScheduler
  | HealingService
  | HealingStore
  | Notices
  | OpenClaw
  | Path
  | Suggestions
  | Supervisor

/** PM2, and the gateway of OpenClaw, if it is to count as well. The WebSocket is that of Node, which has one from version 22 on. */
const supervisor = (
  pm2: Pm2Options,
  gateway: OpenClawGatewayOptions | undefined
): Layer.Layer<Supervisor, HealingConfigError> =>
  gateway === undefined
    ? Pm2.layer(pm2)
    : Supervisor.merge({
        "": Pm2.layer(pm2),
        gateway: OpenClawGateway.layer(gateway).pipe(Layer.provide(layerWebSocketConstructorGlobal))
      })

/** Until PM2 goes, or the queue ends since it has lost its file. Answers with the exit code: after 1, PM2 starts it anew. */
const serve = Effect.fnUntraced(function* (
  home: string,
  folder: string,
  launcher: string | undefined,
  openclaw: string
) {
  const path = yield* Path
  const reports = path.join(folder, "reports")
  const queue = yield* HealingQueue
  const say = makeSay(reports)
  const saying = yield* Effect.forkScoped(Stream.runForEach(queue.events, say))
  const suggestions = yield* Suggestions
  yield* Effect.forkScoped(
    Stream.runForEach(suggestions.events, (event) => {
      const line = SuggestionActions.lineOf(event)
      return line === undefined ? Effect.void : Effect.log(line)
    })
  )
  yield* Actions.serve<Asked>({
    heal: { about: "has a process reviewed: heal <name>", run: (job) => named(job, "heal", heal) },
    status: { about: "what runs, waits, and is due", run: () => Effect.flatMap(Status.lines, Status.tell) },
    report: {
      about: "the last report about a process, or the newest ones: report [name]",
      run: (job) => (job === undefined ? Actions.answered(newest(reports)) : named(job, "report", report(reports)))
    },
    cancel: {
      about: "cancels the review that a process waits for: cancel <name>",
      run: (job) => named(job, "cancel", cancel)
    },
    pause: {
      about: "lets no further review begin",
      run: () => Actions.answered(Effect.as(queue.pause, "the queue is paused"))
    },
    resume: {
      about: "lets reviews begin again",
      run: () => Actions.answered(Effect.as(queue.resume, "the queue goes on"))
    },
    backup: {
      about: "copies the database while it is in use: backup [path]",
      run: (file) => Actions.answered(backup(path.join(folder, "backups"), file))
    },
    "notify-test": {
      about: "sends a trial through a channel, or through all: notify-test [channel]",
      run: (channel) => Actions.answered(tryChannels(channel))
    },
    ...SuggestionActions.make(path.join(folder, "suggestions"))
  })
  const command = launcher === undefined ? "" : `; the command is ${launcher}`
  yield* Effect.log(`watches PM2 in ${home}; reports go to ${reports}${command}`)
  yield* Effect.forkScoped(lookFor(openclaw, yield* HealingConfig))
  yield* openDoors
  return yield* Effect.raceFirst(
    Effect.as(Actions.disconnected, 0),
    Effect.zipRight(Fiber.join(saying), Effect.map(Healing.health, exitCodeOf))
  )
}, Effect.scoped)

/** Reviews go on without an API that cannot be opened; it is said what to do. */
const openDoors = Layer.build(HealingHttp.layer).pipe(
  Effect.asVoid,
  Effect.catchAll(({ issues }) =>
    Effect.forEach(issues, (issue) => Effect.logError(`there is no API: ${ModuleSettings.lineOf(issue)}`), {
      discard: true
    })
  )
)

/** Where a person has to put the right file there first, PM2 does not start it anew. */
const exitCodeOf = ({ problems }: HealingHealth): number =>
  problems.some(({ _tag, restartHelps }) => _tag === "Stopped" && !restartHelps) ? STOPPED : 1

/** Requests of which it is remembered that their reviews have begun, and how often they were wanted. */
const MAX_REMEMBERED = 10_000

/** A line for each event, but for wishes that a crash loop repeats: those are counted. */
const makeSay = (reports: string) => {
  const begun = new Set<string>()
  const wishes = new Map<string, number>()
  const told = Effect.fnUntraced(function* (event: HealingEvent) {
    if (event._tag === "Explained") return { file: yield* lastReport(event.job, reports) }
    if (!("request" in event)) return {}
    const { id, report } = event.request
    const facts: Told = { hasBegun: begun.has(id), wishes: wishes.get(id) ?? 0 }
    if (event._tag === "Started") {
      begun.add(id)
      wishes.delete(id)
    } else if (event._tag !== "Coalesced") begun.delete(id)
    return event._tag === "Ended" && report !== null
      ? { ...facts, file: yield* writeReport(event.request, reports) }
      : facts
  })
  return Effect.fnUntraced(function* (event: HealingEvent) {
    if (isLogged(event)) return
    if (event._tag === "Coalesced") {
      const count = (wishes.get(event.request.id) ?? 0) + 1
      wishes.set(event.request.id, count)
      if (count > 1) return
    }
    for (const memory of [begun, wishes]) if (memory.size > MAX_REMEMBERED) memory.clear()
    yield* Effect.log(lineOf(event, yield* told(event)))
  })
}

const lastOf = (job: string, states: ReadonlyArray<"completed" | "failed">) =>
  HealingQueue.pipe(
    Effect.flatMap((queue) => queue.history({ job, states, limit: 1 })),
    Effect.map(([last]) => last)
  )

/** Where the last report about the job stands, if there is one. */
const lastReport = (job: string, reports: string) =>
  Effect.gen(function* () {
    const completed = yield* lastOf(job, ["completed"])
    return completed === undefined ? undefined : yield* writeReport(completed, reports)
  }).pipe(Effect.orElseSucceed(() => undefined))

/** Answers with its path. */
const writeReport = (request: HealingRequest, reports: string) =>
  HealingConfig.pipe(
    Effect.flatMap(({ retention }) => ReportFiles.write(request, reports, retention)),
    Effect.catchAll(({ message }) =>
      Effect.as(Effect.logWarning(`the report of ${request.id} cannot be written: ${message}`), undefined)
    )
  )

const named = <E extends { readonly message: string }, R>(
  job: string | undefined,
  action: string,
  run: (job: string) => Effect.Effect<string, E, R>
): Effect.Effect<string, never, R> =>
  job === undefined
    ? Effect.succeed(`name a process, as in: pm2 trigger effect-healing ${action} api`)
    : Actions.answered(run(job))

const heal = Effect.fnUntraced(function* (job: string) {
  const supervisor = yield* Supervisor
  const known = (yield* supervisor.jobs).map(({ id }) => id)
  if (!known.includes(job)) {
    return `PM2 has no process named ${job} that is reviewed; there are: ${names(known)}`
  }
  const queue = yield* HealingQueue
  const { maxWait } = yield* HealingConfig
  const submission = yield* queue.submit({ job, trigger: "manual", maxWait })
  const atMost = Duration.isFinite(maxWait) ? `, for ${Duration.format(maxWait)} at most` : ""
  return submission._tag === "Coalesced"
    ? `${submission.id} waits for its turn, together with an earlier wish`
    : `${submission.id} waits for its turn${atMost}`
})

const report = (reports: string) =>
  Effect.fnUntraced(function* (job: string) {
    const last = yield* lastOf(job, ["completed", "failed"])
    const completed = yield* lastOf(job, ["completed"])
    const failed = last?.state === "failed" ? `the last review has failed: ${last.reason}; ` : ""
    if (completed === undefined || completed.report === null) return `${failed}there is no report about ${job}`
    // It is written anew, should somebody have removed it.
    const file = yield* writeReport(completed, reports)
    return `${failed}${file ?? completed.id}: ${completed.report.summary}`
  })

const NEWEST = 10

const newest = (reports: string) =>
  Effect.gen(function* () {
    const completed = yield* (yield* HealingQueue).history({ states: ["completed"], limit: NEWEST })
    if (completed.length === 0) return "there is no report yet"
    const lines = yield* Effect.forEach(completed, (request) =>
      Effect.map(
        writeReport(request, reports),
        (file) => `${request.job}, ${time(request.endedAt ?? 0)}: ${file ?? request.id}`
      )
    )
    return lines.join("; ")
  })

/** Into the folder of backups, unless a path is named. Answers with where it is. */
const backup = Effect.fnUntraced(function* (folder: string, file: string | undefined) {
  const path = yield* Path
  if (file === undefined) yield* (yield* FileSystem).makeDirectory(folder, { recursive: true, mode: 0o700 })
  const now = DateTime.formatIso(yield* DateTime.now).replaceAll(/[:.]/g, "-")
  const target = file ?? path.join(folder, `healing-${now}.db`)
  yield* (yield* HealingStore).backup(target)
  return `the database is copied to ${target}`
})

const tryChannels = Effect.fnUntraced(function* (channel: string | undefined) {
  const trials = yield* (yield* Notices).test(channel)
  return trials
    .map(({ channel, problem }) => (problem === null ? `${channel}: sent` : `${channel}: not sent: ${problem}`))
    .join("; ")
})

const cancel = (job: string) =>
  Effect.map(
    Effect.flatMap(HealingQueue, (queue) => queue.cancel({ job })),
    (cancelled) => (cancelled.length === 0 ? `no review of ${job} waits or runs` : `the review of ${job} is cancelled`)
  )
