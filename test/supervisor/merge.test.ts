import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, HashMap, Layer, Logger, Mailbox, Stream } from "effect"
import {
  Activity,
  EvidenceScope,
  Healing,
  HealingConfig,
  type JobInfo,
  JobRegistry,
  OpenClaw,
  type RunEvent,
  Supervisor,
  SupervisorError
} from "effect-healing"
import { type SupervisorControls, supervisorContract } from "effect-healing/testing"
import { settle } from "../support/gateWorld.js"

const { Known, Unknown } = Activity

const scope = EvidenceScope.Since({ since: 0, runId: null, limit: 10 })

const secret = "hunter2"

/** A registry whose people lose sight of it, and find it again. */
const Losable = (name: string) => {
  let isLost = false
  const layer = Layer.map(Layer.fresh(JobRegistry.layer), (context) => {
    const own = Context.get(context, Supervisor)
    const jobs = Effect.suspend(() => (isLost ? new SupervisorError({ detail: `${name} is lost` }) : own.jobs))
    return Context.make(Supervisor, { ...own, jobs })
  })
  const set = (to: boolean) =>
    Effect.sync(() => {
      isLost = to
    })
  return { layer, lose: set(true), find: set(false) }
}

/** Two registries side by side, of which the second one is used. */
const controls = Effect.map(
  Layer.build(Supervisor.merge({ "": Layer.fresh(JobRegistry.layer), app: JobRegistry.layer })),
  (context): SupervisorControls => {
    const registry = Context.get(context, JobRegistry)
    const runs = new Map<string, string>()
    let jobs = 0
    const own = (id: string) => id.replace(/^app:/, "")
    const end = (id: string, how: { readonly exitCode?: number; readonly stopped?: boolean }) =>
      Effect.suspend(() =>
        Effect.orDie(registry.ended(own(id), runs.get(id) ?? assert.fail(`${id} does not run`), how))
      )
    const start = (id: string) => Effect.orDie(Effect.map(registry.started(own(id)), (run) => runs.set(id, run)))
    return {
      supervisor: Context.get(context, Supervisor),
      addJob: (job) => {
        const id = `job ${++jobs}`
        return Effect.as(Effect.orDie(registry.add({ id, ...job })), `app:${id}`)
      },
      addService: Effect.suspend(() => {
        const id = `service ${++jobs}`
        const restart = Effect.zipRight(end(`app:${id}`, { stopped: true }), Effect.asVoid(start(`app:${id}`)))
        return Effect.as(Effect.orDie(registry.add({ id, alwaysUp: true, restart })), `app:${id}`)
      }),
      remove: (id) => Effect.orDie(registry.remove(own(id))),
      start,
      exitCleanly: (id) => end(id, { exitCode: 0 }),
      crash: (id, exitCode) => end(id, { exitCode }),
      stop: (id) => end(id, { exitCode: 1, stopped: true }),
      secret
    }
  }
)

describe("the port Supervisor, as implemented by Supervisor.merge", () => {
  for (const { name, test } of supervisorContract(controls, 3000)) it.live(name, () => test)
})

/** A supervisor that says of what runs what it is told to say. */
const toldBy = (activity: Mailbox.Mailbox<Activity>, jobs: ReadonlyArray<JobInfo> = []) =>
  Layer.succeed(Supervisor, {
    jobs: Effect.succeed(jobs),
    activity: Stream.orDie(Mailbox.toStream(activity)),
    events: Stream.never,
    runs: Stream.never,
    evidence: () => new SupervisorError({ detail: "nobody asks" }),
    ownPaths: [`/home/${jobs.length}`]
  })

const jobNamed = (id: string): JobInfo => ({ id, kind: "process", openClaw: true, policy: {} })

describe("Supervisor.merge", () => {
  it.scoped("is a source for each: one that is lost hides nothing of what another one sees (R16)", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* Mailbox.make<Activity>(), yield* Mailbox.make<Activity>()]
      const context = yield* Supervisor.layerActivity.pipe(
        Layer.provide(Supervisor.merge({ "": toldBy(one), app: toldBy(other) })),
        Layer.provideMerge(OpenClaw.layer),
        Layer.provide(HealingConfig.layer()),
        Layer.build
      )
      const state = Effect.zipRight(settle, Context.get(context, OpenClaw).running.get)
      assert.deepStrictEqual(
        (yield* state).unknown.map(({ name }) => name),
        ["supervisor", "app"]
      )
      yield* other.offer(Known({ running: [] }))
      yield* one.offer(Unknown({ reason: "no daemon" }))
      assert.deepStrictEqual((yield* state).unknown, [{ name: "supervisor", reason: "no daemon" }])
      const before = (yield* state).started
      yield* other.offer(Known({ running: ["inbox", "inbox"] }))
      const { jobs, started } = yield* state
      assert.strictEqual(started, before + 2, "what starts is seen, so that a review can yield (R10)")
      assert.deepStrictEqual(Array.from(HashMap.keys(jobs)), ["app:inbox"])
      yield* one.offer(Known({ running: ["inbox"] }))
      const last = yield* state
      assert.deepStrictEqual(last.unknown, [])
      assert.sameMembers(Array.from(HashMap.keys(last.jobs)), ["inbox", "app:inbox"])
    })
  )

  it.scoped("is by its own stream unknown while one of them is, and all of what runs otherwise", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* Mailbox.make<Activity>(), yield* Mailbox.make<Activity>()]
      const { activity } = yield* Effect.map(
        Layer.build(Supervisor.merge({ a: toldBy(one), b: toldBy(other) })),
        (context) => Context.get(context, Supervisor)
      )
      const told: Array<Activity> = []
      yield* Effect.forkScoped(Stream.runForEach(activity, (element) => Effect.sync(() => told.push(element))))
      yield* one.offer(Known({ running: ["x"] }))
      yield* settle
      assert.deepStrictEqual(told, [])
      yield* other.offer(Unknown({ reason: "why" }))
      yield* settle
      yield* other.offer(Known({ running: ["x", "y"] }))
      yield* settle
      assert.deepStrictEqual(told, [Unknown({ reason: "why" }), Known({ running: ["a:x", "b:x", "b:y"] })])
    })
  )

  it.scoped("counts the activity that somebody has put in the place of its own", () =>
    Effect.gen(function* () {
      const merged = Supervisor.merge({ a: JobRegistry.layer, b: Layer.fresh(JobRegistry.layer) })
      const wrapped = Layer.map(merged, (context) =>
        Context.make(Supervisor, {
          ...Context.get(context, Supervisor),
          activity: Stream.concat(Stream.succeed(Known({ running: ["mine"] })), Stream.never)
        })
      )
      const context = yield* Supervisor.layerActivity.pipe(
        Layer.provide(wrapped),
        Layer.provideMerge(OpenClaw.layer),
        Layer.provide(HealingConfig.layer()),
        Layer.build
      )
      yield* settle
      const { jobs, unknown } = yield* Context.get(context, OpenClaw).running.get
      assert.deepStrictEqual([Array.from(HashMap.keys(jobs)), unknown], [["mine"], []])
    })
  )

  it.scoped("refuses a name that could be another one's, and one that is too long, and lets them count", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const one = yield* Mailbox.make<Activity>()
      const long = "x".repeat(253)
      const bare = toldBy(one, [
        jobNamed("inbox"),
        jobNamed("app:inbox"),
        jobNamed("apple:pie"),
        jobNamed("other:inbox")
      ])
      const context = yield* Layer.build(
        Supervisor.merge({ "": bare, app: JobRegistry.layer, other: Layer.fresh(toldBy(one, [jobNamed(long)])) })
      ).pipe(
        Effect.provide(
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => warnings.push(String(message)))
          )
        )
      )
      const { evidence, jobs, ownPaths } = Context.get(context, Supervisor)
      const withLog = Effect.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.make(({ message }) => warnings.push(String(message)))
        )
      )
      yield* Context.get(context, JobRegistry).add({ id: "inbox", command: "the one of the app" })
      for (let times = 0; times < 2; times++) {
        const found = yield* withLog(jobs)
        assert.deepStrictEqual(
          found.map(({ id }) => id),
          ["inbox", "apple:pie", "app:inbox"]
        )
      }
      // They are asked at the same time.
      assert.sameMembers(
        warnings.map((line) => line.slice(0, 60)),
        [
          'The job "app:inbox" is not reviewed, since by its name it cou',
          'The job "other:inbox" is not reviewed, since by its name it c',
          `The job "other:${long}`.slice(0, 61)
        ].map((line) => line.slice(0, 60))
      )
      assert.strictEqual((yield* evidence(jobNamed("app:inbox"), scope)).command, "the one of the app")
      assert.strictEqual((yield* Effect.flip(evidence(jobNamed("apple:pie"), scope))).detail, "nobody asks")
      assert.deepStrictEqual(ownPaths, ["/home/4", "/home/1"])
    })
  )

  it.scoped("knows no job whose supervisor is none of its own", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Supervisor.merge({ app: JobRegistry.layer }))
      const error = yield* Effect.flip(Context.get(context, Supervisor).evidence(jobNamed("inbox"), scope))
      assert.strictEqual(error.detail, "no supervisor has a job named inbox")
    })
  )

  it.scoped("fails to tell the jobs while one of them does", () =>
    Effect.gen(function* () {
      const { find, layer, lose } = Losable("the app")
      const context = yield* Layer.build(Supervisor.merge({ "": JobRegistry.layer, app: layer }))
      const { jobs } = Context.get(context, Supervisor)
      yield* lose
      assert.strictEqual((yield* Effect.flip(jobs)).detail, "the app is lost")
      yield* find
      assert.deepStrictEqual(yield* jobs, [])
    })
  )

  it.scoped("misses nothing that is told right after somebody listens, and goes on when one of them breaks", () =>
    Effect.gen(function* () {
      const broken = Layer.succeed(Supervisor, {
        jobs: Effect.succeed([]),
        activity: Stream.succeed(Known({ running: [] })),
        events: Stream.die("it breaks"),
        runs: Stream.die("it breaks"),
        evidence: () => new SupervisorError({ detail: "nobody asks" })
      })
      const context = yield* Layer.build(Supervisor.merge({ "": broken, app: JobRegistry.layer }))
      const registry = Context.get(context, JobRegistry)
      yield* registry.add({ id: "inbox", openClaw: true })
      const told: Array<RunEvent> = []
      const pull = yield* Stream.toPull(Context.get(context, Supervisor).runs)
      const first = yield* Effect.fork(Effect.map(pull, (chunk) => told.push(...chunk)))
      yield* Effect.yieldNow()
      const run = yield* registry.started("inbox")
      yield* registry.ended("inbox", run, { exitCode: 0 })
      yield* first
      yield* pull.pipe(
        Effect.map((chunk) => told.push(...chunk)),
        Effect.timeoutOption(0)
      )
      assert.deepStrictEqual(told[0]?.job, "app:inbox")
    })
  )

  it.scoped("joins what was joined before, by both prefixes", () =>
    Effect.gen(function* () {
      const inner = Supervisor.merge({ "": Layer.fresh(JobRegistry.layer), b: JobRegistry.layer })
      const context = yield* Supervisor.layerActivity.pipe(
        Layer.provideMerge(Supervisor.merge({ a: inner, c: Layer.fresh(toldBy(yield* Mailbox.make<Activity>())) })),
        Layer.provideMerge(OpenClaw.layer),
        Layer.provide(HealingConfig.layer()),
        Layer.build
      )
      const registry = Context.get(context, JobRegistry)
      yield* registry.add({ id: "inbox", openClaw: true })
      yield* registry.started("inbox")
      yield* settle
      const { jobs, unknown } = yield* Context.get(context, OpenClaw).running.get
      assert.deepStrictEqual(Array.from(HashMap.keys(jobs)), ["a:b:inbox"])
      assert.deepStrictEqual(
        unknown.map(({ name }) => name),
        ["c"]
      )
      const known = yield* Context.get(context, Supervisor).jobs
      assert.deepStrictEqual(
        known.map(({ id }) => id),
        ["a:b:inbox"]
      )
      yield* Context.get(context, Supervisor).evidence(jobNamed("a:b:inbox"), scope)
    })
  )

  it.scoped("hands on what an adapter gives that is no job and no event, for whoever reads it to refuse", () =>
    Effect.gen(function* () {
      // What nobody would write who has types.
      const odd = Layer.succeed(Supervisor, {
        jobs: Effect.succeed([null, { id: 7 }, jobNamed("inbox")] as unknown as ReadonlyArray<JobInfo>),
        activity: Stream.never,
        events: Stream.make(null, { job: 7 }, { job: "inbox" }) as unknown as Stream.Stream<never>,
        runs: Stream.never,
        evidence: () => new SupervisorError({ detail: "nobody asks" })
      })
      const context = yield* Layer.build(Supervisor.merge({ app: odd }))
      const { events, jobs } = Context.get(context, Supervisor)
      assert.deepStrictEqual<unknown>(yield* jobs, [null, { id: 7 }, jobNamed("app:inbox")])
      const told = yield* Stream.runCollect(Stream.take(events, 3))
      assert.deepStrictEqual<unknown>(Array.from(told), [null, { job: 7 }, { job: "app:inbox" }])
    })
  )

  it.effect("refuses a prefix that is none", () =>
    Effect.gen(function* () {
      const merged = Supervisor.merge({
        "a:b": JobRegistry.layer,
        "": Layer.fresh(JobRegistry.layer),
        ä: JobRegistry.layer
      })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(merged)))
      assert.deepStrictEqual(
        error.issues.map(({ key }) => key),
        ['"a:b"', '"ä"']
      )
      assert.include(error.message, 'expected a prefix of 1 to 32 letters, digits, "-" and "_", or "" for none')
    })
  )

  it.scoped("provides what its supervisors provide, and they are the same ones as elsewhere", () =>
    Effect.gen(function* () {
      const both = Layer.merge(Supervisor.merge({ app: JobRegistry.layer }), JobRegistry.layer)
      const HealingLive = Supervisor.layerActivity.pipe(
        Layer.provide(Supervisor.merge({ app: JobRegistry.layer })),
        Layer.provideMerge(JobRegistry.layer),
        Layer.provideMerge(Healing.layer())
      )
      yield* Effect.gen(function* () {
        const registry = yield* JobRegistry
        yield* registry.add({ id: "inbox", openClaw: true })
        yield* registry.started("inbox")
        yield* settle
        const { jobs } = yield* Effect.flatMap(OpenClaw, ({ running }) => running.get)
        assert.deepStrictEqual(Array.from(HashMap.keys(jobs)), ["app:inbox"])
      }).pipe(Effect.provide(HealingLive))
      yield* Layer.build(both)
    })
  )
})
