/**
 * Reviews that nobody asks for: a supervisor app with three real jobs, each with a policy of its own.
 *
 *     npx tsx examples/proactive.ts
 *
 * - `digest` is healthy, and reviewed by the clock: here every five seconds.
 * - `inbox` fails now and then, always for the same reason, so that it is reviewed once.
 * - `crash-loop` fails all the time. It is reviewed once as well, and once more when somebody has changed its script.
 *
 * `digest` and `inbox` are OpenClaw jobs: reviews wait until none of them runs. The app tells a `JobRegistry` what its jobs do,
 * and that is all that it does for them to be reviewed. Reviews are done by a stand-in for OpenClaw, which costs nothing.
 */
import { fileURLToPath } from "node:url"
import { Command, FileSystem } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import {
  Clock,
  Console,
  DateTime,
  type Duration,
  Effect,
  Layer,
  Option,
  Record,
  Ref,
  Stream,
  SubscriptionRef
} from "effect"
import {
  Healing,
  HealingQueue,
  type HealingRequest,
  HealingScheduler,
  JobRegistry,
  type RegisteredJob
} from "effect-healing"
import { OpenClawReviewer } from "effect-healing/openclaw"

/** In the current folder, and made anew each time: otherwise the failures of the last time would be explained already. */
const FOLDER = ".healing/proactive"

interface Job extends Pick<RegisteredJob, "openClaw" | "policy"> {
  readonly script: string
  /** Between the end of a run and the next one. */
  readonly pause: Duration.DurationInput
}

const jobs = {
  digest: {
    openClaw: true,
    policy: { schedule: { cron: "*/5 * * * * *" }, minRuns: 1, cooldown: "1 second" },
    script: 'setTimeout(() => console.log("digest: sent"), 300)\n',
    pause: "1.5 seconds"
  },
  inbox: {
    openClaw: true,
    policy: { triggers: ["failure"] },
    script: `if (process.env.RUN % 2 === 1) throw new Error("429 Too Many Requests, in request " + Date.now())\n`,
    pause: "2 seconds"
  },
  "crash-loop": {
    openClaw: false,
    policy: { triggers: ["failure"], cooldown: "2 seconds" },
    script: 'require("./settings.json")\n',
    pause: "200 millis"
  }
} satisfies Record<string, Job>

type Name = keyof typeof jobs

const names = Object.keys(jobs) as ReadonlyArray<Name>

const scriptOf = (name: Name) => `${FOLDER}/${name}.cjs`

/** How often each job has run and failed. */
const none = { digest: [0, 0], inbox: [0, 0], "crash-loop": [0, 0] } as Record<
  Name,
  readonly [runs: number, failures: number]
>

class Counts extends Effect.Service<Counts>()("Counts", { effect: SubscriptionRef.make(none) }) {}

/** What the script of each job is to be from its next run on. */
class Scripts extends Effect.Service<Scripts>()("Scripts", {
  effect: Ref.make<Record<Name, string>>(Record.map(jobs, ({ script }) => script))
}) {}

/** Between two runs, so that no failure of the old script is taken for one of the new script. */
const deploy = (name: Name) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const scripts = yield* Scripts
    yield* fs.writeFileString(scriptOf(name), (yield* Ref.get(scripts))[name])
  })

/** One run of a job, of which the registry is told. */
const runOnce = (name: Name) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    const counts = yield* Counts
    const [before] = (yield* counts.get)[name]
    const runId = yield* registry.started(name)
    const child = yield* Command.make(process.execPath, scriptOf(name)).pipe(
      Command.env({ RUN: String(before + 1) }),
      Command.start
    )
    const print = Stream.merge(Stream.decodeText(child.stdout), Stream.decodeText(child.stderr)).pipe(
      Stream.runForEach((text) => registry.print(name, text))
    )
    const [code] = yield* Effect.all([Effect.option(child.exitCode), print], { concurrency: "unbounded" })
    const exitCode = Option.getOrNull(code)
    yield* registry.ended(name, runId, { exitCode })
    yield* SubscriptionRef.update(counts, (counts) => {
      const [runs, failures] = counts[name]
      return { ...counts, [name]: [runs + 1, failures + (exitCode === 0 ? 0 : 1)] }
    })
  }).pipe(Effect.scoped)

/** Runs it again and again. */
const supervise = (name: Name) =>
  Effect.gen(function* () {
    const { openClaw, pause, policy } = jobs[name]
    const { add } = yield* JobRegistry
    const files = [{ path: scriptOf(name), role: "script" }] as const
    yield* add({ id: name, openClaw, policy, command: `node ${scriptOf(name)}`, files })
    return yield* deploy(name).pipe(
      Effect.zipRight(runOnce(name)),
      Effect.zipRight(Effect.sleep(pause)),
      Effect.forever
    )
  })

/** Somebody takes a look at the crash loop, some failures after the review of it, and changes its script. */
const changeScript = Effect.gen(function* () {
  const counts = yield* Counts
  const scripts = yield* Scripts
  const [, before] = (yield* counts.get)["crash-loop"]
  yield* counts.changes.pipe(
    Stream.takeUntil((counts) => counts["crash-loop"][1] >= before + 5),
    Stream.runDrain
  )
  yield* Ref.update(scripts, (scripts) => ({ ...scripts, "crash-loop": 'require("./other-settings.json")\n' }))
  yield* Console.log("           Somebody changes the script of crash-loop")
})

type Reviews = ReadonlyArray<HealingRequest>

const reviewsOf = (reviews: Reviews, name: Name) => reviews.filter(({ job }) => job === name).length

/** Says what happens to requests, and ends when every job has been reviewed as often as it should be, or more often. */
const watch = Effect.gen(function* () {
  const { events } = yield* HealingQueue
  const begin = yield* Clock.currentTimeMillis
  const say = (at: number, text: string) => Console.log(` ${((at - begin) / 1000).toFixed(1).padStart(6)} s  ${text}`)
  return yield* events.pipe(
    Stream.tap((event) => {
      if (!("request" in event)) return Effect.void
      const { job, reason, report, state, triggers } = event.request
      const name = job.padEnd(11)
      if (event._tag === "Submitted") return say(event.at, `${name} is to be reviewed: ${triggers.join(", ")}`)
      if (event._tag === "Started") return say(event.at, `${name} is being reviewed`)
      return event._tag === "Ended" ? say(event.at, `${name} ${state}: ${report?.summary ?? reason}`) : Effect.void
    }),
    Stream.filterMap((event) =>
      event._tag === "Ended" && event.request.state === "completed" ? Option.some(event.request) : Option.none()
    ),
    Stream.scan<Reviews, HealingRequest>([], (reviews, review) => [...reviews, review]),
    Stream.tap((reviews) => {
      const isFirst = reviews.at(-1)?.job === "crash-loop" && reviewsOf(reviews, "crash-loop") === 1
      return isFirst ? Effect.forkScoped(changeScript) : Effect.void
    }),
    Stream.takeUntil(
      (reviews) =>
        reviewsOf(reviews, "crash-loop") >= 2 && reviewsOf(reviews, "inbox") >= 1 && reviewsOf(reviews, "digest") >= 2
    ),
    Stream.runLast,
    Effect.map(Option.getOrElse((): Reviews => []))
  )
})

const program = Effect.gen(function* () {
  const counts = yield* Counts
  const scheduler = yield* HealingScheduler
  yield* Console.log("\n Three jobs, reviewed as their policies say. This takes some ten seconds.\n")
  const supervised = Effect.all(names.map(supervise), { concurrency: "unbounded", discard: true })
  const reviews = yield* Effect.raceFirst(watch, Effect.zipRight(supervised, Effect.never))
  yield* Console.log(`\n ${"job".padEnd(12)}${"runs".padStart(6)}${"failures".padStart(10)}${"reviews".padStart(9)}`)
  for (const [name, [runs, failures]] of Object.entries(yield* counts.get)) {
    const done = reviews.filter(({ job }) => job === name).length
    yield* Console.log(
      ` ${name.padEnd(12)}${String(runs).padStart(6)}${String(failures).padStart(10)}${String(done).padStart(9)}`
    )
  }
  yield* Console.log("\n Occurrences of the schedule of digest, and the requests that they have come to:")
  for (const { at, reason, request } of (yield* scheduler.occurrences("digest")).slice(0, 5).toReversed()) {
    yield* Console.log(
      ` ${DateTime.formatIso(DateTime.unsafeMake(at))}  ${request === null ? reason : `request ${request}`}`
    )
  }
}).pipe(Effect.scoped)

const ReviewerLive = OpenClawReviewer.layer({ command: fileURLToPath(new URL("standIn.mjs", import.meta.url)) })

const HealingLive = Layer.unwrapEffect(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    yield* fs.remove(FOLDER, { recursive: true, force: true })
    return Healing.layerSupervised({
      filename: `${FOLDER}/healing.db`,
      settings: { quietPeriod: "200 millis" },
      reviewer: ReviewerLive
    })
  })
)

const Live = HealingLive.pipe(
  Layer.provideMerge(JobRegistry.layer),
  Layer.provideMerge(Counts.Default),
  Layer.provideMerge(Scripts.Default),
  Layer.provideMerge(NodeContext.layer)
)

program.pipe(Effect.provide(Live), NodeRuntime.runMain)
