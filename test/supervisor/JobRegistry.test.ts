import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Stream, SubscriptionRef, TestClock } from "effect"
import {
  Activity,
  EvidenceScope,
  Healing,
  HealingInvalid,
  HealingService,
  JobRegistry,
  Supervisor,
  SupervisorError
} from "effect-healing"
import { type SupervisorControls, supervisorContract } from "effect-healing/testing"
import { settle } from "../support/gateWorld.js"

const { Failure, Since } = EvidenceScope
const { Known, Unknown } = Activity

const open = Effect.map(Layer.build(JobRegistry.layer), (context) => ({
  registry: Context.get(context, JobRegistry),
  supervisor: Context.get(context, Supervisor)
}))

const controls = Effect.map(open, ({ registry, supervisor }): SupervisorControls => {
  const runs = new Map<string, string>()
  let jobs = 0
  const end = (job: string, how: { readonly exitCode?: number; readonly stopped?: boolean }) =>
    Effect.orDie(registry.ended(job, runs.get(job) ?? assert.fail(`${job} does not run`), how))
  const start = (job: string) => Effect.orDie(Effect.map(registry.started(job), (run) => runs.set(job, run)))
  return {
    supervisor,
    addJob: (job) => {
      const id = `job ${++jobs}`
      return Effect.as(Effect.orDie(registry.add({ id, ...job })), id)
    },
    addService: Effect.suspend(() => {
      const id = `service ${++jobs}`
      const restart = Effect.suspend(() => Effect.zipRight(end(id, { stopped: true }), start(id)))
      return Effect.as(Effect.orDie(registry.add({ id, alwaysUp: true, restart })), id)
    }),
    remove: (job) => Effect.orDie(registry.remove(job)),
    start,
    exitCleanly: (job) => Effect.suspend(() => end(job, { exitCode: 0 })),
    crash: (job, exitCode) => Effect.suspend(() => end(job, { exitCode })),
    stop: (job) => Effect.suspend(() => end(job, { exitCode: 1, stopped: true }))
  }
})

describe("the port Supervisor, as implemented by JobRegistry", () => {
  for (const { name, test } of supervisorContract(controls, 3000)) it.live(name, () => test)
})

/** Holds the suite itself to what it asks of an adapter that can lose its supervisor, and that has secrets. */
const losable = supervisorContract(
  Effect.gen(function* () {
    const { supervisor, ...others } = yield* controls
    const isLost = yield* SubscriptionRef.make(false)
    return {
      ...others,
      supervisor: {
        ...supervisor,
        jobs: Effect.if(isLost.get, {
          onTrue: () => new SupervisorError({ detail: "it is lost" }),
          onFalse: () => supervisor.jobs
        }),
        activity: Stream.flatMap(
          isLost.changes,
          (isLost) => (isLost ? Stream.succeed(Unknown({ reason: "it is lost" })) : supervisor.activity),
          { switch: true }
        )
      },
      lose: SubscriptionRef.set(isLost, true),
      find: SubscriptionRef.set(isLost, false),
      secret: "hunter2"
    }
  }),
  3000
)

describe("the port Supervisor, as implemented by a JobRegistry that can be lost", () => {
  for (const { name, test } of losable) it.live(name, () => test)
})

const everything = Since({ since: 0, runId: null, limit: 1000 })

/** The registry with the job A, and what is kept of it. */
const withJob = Effect.gen(function* () {
  const { registry, supervisor } = yield* open
  yield* registry.add({ id: "A", openClaw: true })
  const job = { id: "A", kind: "process", openClaw: true, policy: {} }
  const running = Effect.map(Stream.runHead(supervisor.activity), (element) =>
    element._tag === "Some" && element.value._tag === "Known" ? element.value.running : assert.fail("nothing is known")
  )
  return {
    registry,
    supervisor,
    running,
    evidence: (scope: EvidenceScope = everything) => supervisor.evidence(job, scope)
  }
})

/** All events that happen during an effect. */
const eventsOf = <E, R>(supervisor: Context.Tag.Service<Supervisor>, effect: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    const events: Array<unknown> = []
    const fiber = yield* Effect.fork(
      Stream.runForEach(supervisor.events, (event) => Effect.sync(() => events.push(event)))
    )
    yield* settle
    yield* effect
    yield* settle
    yield* Fiber.interrupt(fiber)
    return events
  })

/** What was refused, as `path: message`. */
const issues = <A>(effect: Effect.Effect<A, HealingInvalid | SupervisorError>) =>
  Effect.map(Effect.flip(effect), (error) =>
    error instanceof HealingInvalid ? error.message.split("\n") : assert.fail(error.message)
  )

describe("JobRegistry", () => {
  it.scoped("tells what it was told of a job, and the defaults of what was left out", () =>
    Effect.gen(function* () {
      const { registry, supervisor } = yield* open
      yield* registry.add({ id: "plain", kind: undefined })
      const plain = { id: "plain", kind: "process", openClaw: false, policy: {} }
      assert.deepStrictEqual(yield* supervisor.jobs, [plain])
      const nothing = { command: "", runs: [], slaBreaches: [], logs: [], files: [] }
      assert.deepStrictEqual(yield* supervisor.evidence(plain, everything), nothing)

      const digest = { id: "digest", kind: "cron", openClaw: true, policy: { minRuns: 1 } }
      const evidence = {
        command: "node digest.js",
        files: [{ path: "/srv/digest.js", role: "script" as const }],
        logs: [
          { name: "stderr", path: "/var/log/digest.err" },
          { name: "notes", text: "none" }
        ]
      }
      yield* registry.add({ ...digest, ...evidence })
      assert.deepStrictEqual(yield* supervisor.jobs, [plain, digest])
      assert.deepStrictEqual(yield* supervisor.evidence(digest, everything), { ...nothing, ...evidence })
    })
  )

  it.scoped("keeps the runs of a job that is replaced, and forgets those of one that was removed", () =>
    Effect.gen(function* () {
      const { evidence, registry, running } = yield* withJob
      const run = yield* registry.started("A")
      yield* registry.print("A", "hello\n")
      yield* registry.breached("A", "late")
      yield* registry.add({ id: "A", command: "new" })
      assert.deepStrictEqual(yield* running, [], "it no longer calls OpenClaw")
      yield* registry.add({ id: "A", command: "newer", openClaw: true })
      assert.deepStrictEqual(yield* running, ["A"])
      const kept = yield* evidence()
      assert.deepStrictEqual(
        [kept.command, kept.runs.length, kept.logs.length, kept.slaBreaches.length],
        ["newer", 1, 1, 1]
      )
      yield* registry.remove("A")
      yield* registry.add({ id: "A", openClaw: true })
      assert.deepStrictEqual(yield* running, [])
      yield* registry.ended("A", run, { exitCode: 1 })
      assert.deepStrictEqual(yield* evidence(), { command: "", runs: [], slaBreaches: [], logs: [], files: [] })
    })
  )

  it.scoped("tells how a run went, and when", () =>
    Effect.gen(function* () {
      const { evidence, registry } = yield* withJob
      const ends = [
        { exitCode: 0 },
        { exitCode: 0, stopped: true },
        { exitCode: null, signal: "SIGKILL" },
        { exitCode: 143, signal: null, stopped: true },
        {}
      ]
      for (const end of ends) {
        yield* TestClock.adjust(1000)
        const run = yield* registry.started("A", { trigger: "cron" })
        yield* TestClock.adjust(500)
        yield* registry.ended("A", run, end)
      }
      assert.deepStrictEqual(
        (yield* evidence()).runs
          .map(({ endedAt, exitCode, outcome, signal, startedAt, trigger }) =>
            [outcome, startedAt, endedAt, exitCode, signal, trigger].join()
          )
          .reverse(),
        [
          "succeeded,1000,1500,0,,cron",
          "stopped,2500,3000,0,,cron",
          "failed,4000,4500,,SIGKILL,cron",
          "stopped,5500,6000,143,,cron",
          "failed,7000,7500,,,cron"
        ]
      )
    })
  )

  it.scoped("names a job that runs twice twice", () =>
    Effect.gen(function* () {
      const { registry, running } = yield* withJob
      const run = yield* registry.started("A")
      const other = yield* registry.started("A")
      assert.deepStrictEqual(yield* running, ["A", "A"])
      yield* registry.ended("A", run, { exitCode: 0 })
      assert.deepStrictEqual(yield* running, ["A"])
      yield* registry.ended("A", other, { exitCode: 0 })
      assert.deepStrictEqual(yield* running, [])
    })
  )

  it.scoped("ends a run once, whoever says so again", () =>
    Effect.gen(function* () {
      const { evidence, registry, running, supervisor } = yield* withJob
      const warnings: Array<unknown> = []
      const logger = Logger.make(({ message }) => warnings.push(message))
      const run = yield* registry.started("A")
      yield* TestClock.adjust(1)
      const other = yield* registry.started("A")
      const events = yield* eventsOf(
        supervisor,
        Effect.gen(function* () {
          yield* registry.ended("A", run, { exitCode: 0 })
          yield* registry.ended("A", run, { exitCode: 1 })
          yield* registry.ended("A", "another", { exitCode: 1 })
        }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      )
      assert.deepStrictEqual(events, [])
      assert.deepStrictEqual(yield* running, ["A"])
      assert.deepStrictEqual(
        (yield* evidence()).runs.map(({ id, outcome }) => [id, outcome]),
        [
          [other, "running"],
          [run, "succeeded"]
        ]
      )
      assert.deepStrictEqual(warnings, [
        ["Ignored the end of a run that does not run"],
        ["Ignored the end of a run that does not run"]
      ])
    })
  )

  it.scoped("gives each run an id that no other has, not even after a restart", () =>
    Effect.gen(function* () {
      const runsOfOneLife = Effect.gen(function* () {
        const { registry } = yield* withJob
        yield* registry.add({ id: "B" })
        return yield* Effect.all([registry.started("A"), registry.started("B"), registry.started("A")])
      })
      const first = yield* runsOfOneLife
      yield* TestClock.adjust(1)
      const second = yield* runsOfOneLife
      assert.strictEqual(new Set([...first, ...second]).size, 6)
    })
  )

  it.scoped("tells of failures, breaches and whatever else happens", () =>
    Effect.gen(function* () {
      const { evidence, registry, supervisor } = yield* withJob
      const runs = yield* Effect.all([registry.started("A"), registry.started("A")])
      const odd = { job: "A", trigger: "disk_full", runId: null, lastError: null }
      const events = yield* eventsOf(
        supervisor,
        Effect.gen(function* () {
          yield* registry.ended("A", runs[0], { exitCode: 3, lastError: `${"x".repeat(10_000)}y` })
          yield* registry.ended("A", runs[1], { signal: "SIGSEGV" })
          yield* TestClock.adjust(1000)
          yield* registry.breached("A", "took 2 hours", runs[0])
          yield* registry.breached("A", "never began")
          yield* registry.tell(odd)
        })
      )
      assert.deepStrictEqual(events, [
        { job: "A", trigger: "failure", runId: runs[0], exitCode: 3, lastError: "x".repeat(10_000) },
        { job: "A", trigger: "failure", runId: runs[1], exitCode: null },
        { job: "A", trigger: "sla_breach", runId: runs[0] },
        { job: "A", trigger: "sla_breach", runId: null },
        odd
      ])
      assert.deepStrictEqual((yield* evidence()).slaBreaches, [
        { at: 1000, what: "never began" },
        { at: 1000, what: "took 2 hours" }
      ])
    })
  )

  it.scoped("looks at the runs that are asked for", () =>
    Effect.gen(function* () {
      const { evidence, registry } = yield* withJob
      const runs: Array<string> = []
      for (const exitCode of [0, 1, 0, 1, 0]) {
        const run = yield* registry.started("A")
        yield* registry.ended("A", run, { exitCode })
        runs.push(run)
        yield* TestClock.adjust(1000)
      }
      const asked = (scope: EvidenceScope) =>
        Effect.map(evidence(scope), (found) => found.runs.map(({ id }) => runs.indexOf(id)))
      assert.deepStrictEqual(yield* asked(Failure({ runId: null, limit: 10 })), [3, 2, 1, 0])
      assert.deepStrictEqual(yield* asked(Failure({ runId: runs[1] ?? "", limit: 10 })), [1, 0])
      assert.deepStrictEqual(yield* asked(Failure({ runId: null, limit: 2 })), [3, 2])
      assert.deepStrictEqual(yield* asked(Failure({ runId: "gone", limit: 2 })), [4, 3])
      assert.deepStrictEqual(yield* asked(Since({ since: 2000, runId: null, limit: 10 })), [4, 3, 2])
      assert.deepStrictEqual(yield* asked(Since({ since: 3000, runId: runs[0] ?? "", limit: 10 })), [4, 3, 0])
      assert.deepStrictEqual(yield* asked(Since({ since: 2001, runId: null, limit: 1 })), [4])
    })
  )

  it.scoped("keeps 200 runs: those that run, and those that have ended last", () =>
    Effect.gen(function* () {
      const { evidence, registry, running } = yield* withJob
      const long = yield* registry.started("A")
      const cycle = Effect.flatMap(registry.started("A"), (run) => registry.ended("A", run, { exitCode: 0 }))
      yield* Effect.repeatN(cycle, 299)
      yield* TestClock.adjust(1)
      const kept = (yield* evidence()).runs
      assert.lengthOf(kept, 200)
      assert.strictEqual(kept.at(-1)?.id, long)
      yield* registry.ended("A", long, { exitCode: 1 })
      yield* Effect.repeatN(cycle, 99)
      assert.include(
        (yield* evidence()).runs.map(({ id }) => id),
        long
      )
      yield* Effect.repeatN(Effect.asVoid(registry.started("A")), 249)
      assert.lengthOf((yield* evidence()).runs, 250)
      assert.lengthOf(yield* running, 250)
    })
  )

  it.scoped("keeps the last 64 KiB of what is printed, in whole lines, and offers them first", () =>
    Effect.gen(function* () {
      const { evidence, registry } = yield* withJob
      yield* registry.add({ id: "A", openClaw: true, logs: [{ name: "other", path: "/var/log/a" }] })
      const output = Effect.map(evidence(), ({ logs: [first] }) =>
        first !== undefined && "text" in first ? first.text : assert.fail("nothing is printed")
      )
      yield* registry.print("A", "one, ")
      yield* registry.print("A", "two\n")
      assert.deepStrictEqual((yield* evidence()).logs, [
        { name: "output", text: "one, two\n" },
        { name: "other", path: "/var/log/a" }
      ])
      const line = `token ${"x".repeat(93)}\n`
      yield* registry.print("A", line.repeat(1000))
      assert.strictEqual(yield* output, line.repeat(655))
      yield* registry.print("A", "y".repeat(1_000_000))
      assert.strictEqual(yield* output, "y".repeat(65_536 - 8192), "without what may be half a secret")
      const [first] = (yield* evidence()).logs
      assert(first !== undefined && "text" in first)
      assert.strictEqual(Number(first.skipped) + first.text.length, 9 + 100_000 + 1_000_000, "all that was printed")
    })
  )

  it.scoped("keeps the last 100 breaches", () =>
    Effect.gen(function* () {
      const { evidence, registry } = yield* withJob
      for (let i = 1; i <= 150; i++) yield* registry.breached("A", `breach ${i}`)
      const { slaBreaches } = yield* evidence()
      assert.lengthOf(slaBreaches, 100)
      assert.deepStrictEqual([slaBreaches[0]?.what, slaBreaches[99]?.what], ["breach 150", "breach 51"])
    })
  )

  it.scoped("keeps 1,024 events for one who is late, and the latest truth about what runs", () =>
    Effect.gen(function* () {
      const { registry, supervisor } = yield* withJob
      const tell = (n: number) => registry.tell({ job: "A", trigger: `event ${n}`, runId: null })
      const heard: Array<string> = []
      const seen: Array<Activity> = []
      const late = yield* Effect.makeLatch()
      const readLate = <A>(stream: Stream.Stream<A>, read: (element: A) => void) =>
        Effect.forkScoped(
          Stream.runForEach(stream, (element) =>
            Effect.zipRight(
              Effect.sync(() => read(element)),
              late.await
            )
          )
        )
      yield* readLate(supervisor.events, ({ trigger }) => heard.push(trigger))
      yield* readLate(supervisor.activity, (element) => seen.push(element))
      yield* settle
      yield* tell(0)
      yield* settle
      for (let n = 1; n <= 2000; n++) yield* tell(n)
      yield* Effect.repeatN(registry.started("A"), 999)
      yield* late.open
      yield* settle
      assert.strictEqual(heard.length, 1025)
      assert.deepStrictEqual([heard[0], heard[1], heard.at(-1)], ["event 0", "event 977", "event 2000"])
      assert.deepStrictEqual(seen, [Known({ running: [] }), Known({ running: Array<string>(1000).fill("A") })])
    })
  )

  it.scoped("has nothing to say of a job that it was not told of", () =>
    Effect.gen(function* () {
      const { registry, supervisor } = yield* withJob
      const attempts: ReadonlyArray<Effect.Effect<void, HealingInvalid | SupervisorError>> = [
        registry.remove("B"),
        Effect.asVoid(registry.started("B")),
        registry.ended("B", "1", { exitCode: 1 }),
        registry.print("B", "text"),
        registry.breached("B", "late"),
        registry.tell({ job: "B", trigger: "failure", runId: null })
      ]
      const events = yield* eventsOf(
        supervisor,
        Effect.forEach(attempts, (attempt) =>
          Effect.map(Effect.flip(attempt), (error) => {
            assert.instanceOf(error, SupervisorError)
            assert.strictEqual(error.message, "the registry has no job named B")
          })
        )
      )
      assert.deepStrictEqual(events, [])
      assert.lengthOf(yield* supervisor.jobs, 1)
    })
  )

  it.scoped("refuses what does not fit, with what would be right and nothing that was found", () =>
    Effect.gen(function* () {
      const { evidence, registry } = yield* withJob
      const before = yield* evidence()
      const run = yield* registry.started("A")
      // What no type lets through comes from programs without types.
      const wrong = (value: unknown) => value as never
      const hunter2 = wrong({ hunter2: "hunter2" })
      assert.deepStrictEqual(
        yield* issues(
          registry.add({
            id: "",
            kind: hunter2,
            openClaw: hunter2,
            policy: wrong("hunter2"),
            command: hunter2,
            files: wrong([{ path: "/x", role: "hunter2" }]),
            logs: wrong([{ name: "x", text: "y", path: "hunter2" }])
          })
        ),
        [
          "id: expected the name of a job, of 1 to 256 characters",
          "kind: expected a text",
          "openClaw: expected true or false",
          "policy: expected a policy, which is a mapping",
          "command: expected a text",
          "files: expected a list of files, each with its path and its role: script, prompt or config",
          "logs: expected a list of logs, each with its name and either its text or its path"
        ]
      )
      assert.deepStrictEqual(yield* issues(registry.add(wrong({ id: "B", openclaw: true }))), [
        "openclaw: is not known: did you mean openClaw?"
      ])
      assert.deepStrictEqual(yield* issues(registry.started("A", { trigger: "x".repeat(257) })), [
        "trigger: expected a text of at most 256 characters, or null"
      ])
      assert.deepStrictEqual(
        yield* issues(
          registry.ended("A", run, { exitCode: 0.5, signal: hunter2, stopped: hunter2, lastError: hunter2 })
        ),
        [
          "exitCode: expected a whole number, or null",
          "signal: expected the name of a signal, or null",
          "stopped: expected true or false",
          "lastError: expected a text, or null"
        ]
      )
      assert.deepStrictEqual(yield* issues(registry.print("A", hunter2)), ["text: expected a text"])
      assert.deepStrictEqual(yield* issues(registry.breached("A", "x".repeat(1001), "")), [
        "what: expected a text of at most 1,000 characters",
        "runId: expected the id of a run, of 1 to 256 characters, or null"
      ])
      assert.deepStrictEqual(
        yield* issues(
          registry.tell({ job: "", trigger: "manual", runId: "", exitCode: 0.5, lastError: "x".repeat(10_001) })
        ),
        [
          "job: expected the name of a job, of 1 to 256 characters",
          "trigger: expected the name of an event, of 1 to 64 characters, but not manual or schedule",
          "runId: expected the id of a run, of 1 to 256 characters, or null",
          "exitCode: expected a whole number, or null",
          "lastError: expected a text of at most 10,000 characters, or null"
        ]
      )
      yield* registry.ended("A", run, { exitCode: 0 })
      assert.deepStrictEqual({ ...(yield* evidence()), runs: [] }, before)
    })
  )

  it.scoped("R2: keeps a review from its turn for as long as an OpenClaw job runs", () =>
    Effect.gen(function* () {
      const registry = yield* JobRegistry
      const healing = yield* HealingService
      yield* registry.add({ id: "A", openClaw: true })
      const run = yield* registry.started("A")
      yield* settle
      const review = yield* Effect.fork(healing.run("A")(Effect.succeed("reviewed")))
      yield* settle
      assert.strictEqual((yield* healing.status.get).waiting, 1)
      yield* registry.ended("A", run, { exitCode: 0 })
      assert.strictEqual(yield* review, "reviewed")
    }).pipe(
      Effect.provide(
        Supervisor.layerActivity.pipe(
          Layer.provideMerge(JobRegistry.layer),
          Layer.provideMerge(Healing.layer({ settings: { quietPeriod: 0 } }))
        )
      )
    )
  )
})
