/**
 * The contract of the port `Supervisor`, which an adapter's author runs against the adapter.
 *
 * @since 0.1.0
 */
import { strict as assert } from "node:assert"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { SupervisorError } from "../HealingError.js"
import type { HealingPolicyInput } from "../policy/HealingPolicy.js"
import { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import { type Activity, JobEvent, JobInfo, RunEvent, type Supervisor } from "../supervisor/Supervisor.js"

const { Failure, Since } = EvidenceScope

/**
 * An adapter, and what its supervisor is made to do. Each of the effects ends when it has been done; the adapter may take
 * its time to tell of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SupervisorControls {
  readonly supervisor: Context.Tag.Service<Supervisor>
  /** Adds a job, which does not run yet, and answers with its id. */
  readonly addJob: (job: { readonly openClaw: boolean; readonly policy?: HealingPolicyInput }) => Effect.Effect<string>
  readonly remove: (id: string) => Effect.Effect<void>
  readonly start: (id: string) => Effect.Effect<void>
  /** The running job ends by itself, with the exit code 0. */
  readonly exitCleanly: (id: string) => Effect.Effect<void>
  /** The running job ends by itself, and is not started anew. */
  readonly crash: (id: string, exitCode: number) => Effect.Effect<void>
  /** The running job is ended on purpose. */
  readonly stop: (id: string) => Effect.Effect<void>
  /** Adds a job that never ends by itself, which does not run yet: for an adapter that can restart. `start` and `stop` are for it as well. */
  readonly addService?: Effect.Effect<string>
  /** The adapter loses sight of its supervisor, and finds it again: for one that can. */
  readonly lose?: Effect.Effect<void>
  readonly find?: Effect.Effect<void>
  /** What stands in the environment of each job. */
  readonly secret?: string
}

/** How it stands last: these run, and nothing else. */
const runOnly =
  (...names: ReadonlyArray<string>) =>
  (all: ReadonlyArray<Activity>): boolean => {
    const last = all.at(-1)
    return last?._tag === "Known" && String([...last.running].sort()) === String([...names].sort())
  }

const isUnknown = (all: ReadonlyArray<Activity>): boolean => all.at(-1)?._tag === "Unknown"

/**
 * One thing that an adapter is held to. `test` succeeds, or dies of an `AssertionError` that says what it was and what it should
 * have been.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContractTest<E> {
  readonly name: string
  readonly test: Effect.Effect<void, E>
}

/**
 * What every adapter of the port `Supervisor` is held to, for any test runner. The tests need the real clock, and each of them
 * some seconds with a supervisor of other processes.
 *
 * - `make`: makes an adapter of its own for each test, over a supervisor without a job.
 * - `patience` (60,000): how many milliseconds the adapter may take to tell something; nothing waits that long unless it fails.
 *
 * @example
 * ```ts
 * import { it } from "node:test"
 * import { Effect, type Scope } from "effect"
 * import { type SupervisorControls, supervisorContract } from "effect-healing/testing"
 *
 * declare const make: Effect.Effect<SupervisorControls, never, Scope.Scope>
 *
 * for (const { name, test } of supervisorContract(make)) it(name, () => Effect.runPromise(test))
 * ```
 *
 * Longer than a screen, since it is a list.
 *
 * @since 0.1.0
 * @category contracts
 */
export const supervisorContract = <E>(
  make: Effect.Effect<SupervisorControls, E, Scope.Scope>,
  patience = 60_000
): ReadonlyArray<ContractTest<E>> => {
  const tests: Array<ContractTest<E>> = []

  /** All that a stream has told since, and a way to wait until that is enough. */
  const listen = <A>(stream: Stream.Stream<A>) =>
    Effect.gen(function* () {
      const heard = yield* SubscriptionRef.make<ReadonlyArray<A>>([])
      const fiber = yield* Effect.forkScoped(
        Stream.runForEach(stream, (element) => SubscriptionRef.update(heard, (all) => [...all, element]))
      )
      const until = (isEnough: (all: ReadonlyArray<A>) => boolean) =>
        heard.changes.pipe(
          Stream.filter(isEnough),
          Stream.runHead,
          Effect.timeoutOption(patience),
          Effect.zipRight(heard.get),
          Effect.tap((all) => assert.ok(isEnough(all), `heard only ${JSON.stringify(all)}`))
        )
      return { fiber, heard: heard.get, until }
    })

  const prepare = Effect.gen(function* () {
    const controls = yield* make
    const { supervisor } = controls
    const activity = yield* listen(supervisor.activity)

    /** A whole run of an OpenClaw job, while no other runs. */
    const run = (id: string, end: Effect.Effect<void>) =>
      Effect.gen(function* () {
        yield* controls.start(id)
        yield* activity.until(runOnly(id))
        yield* end
        yield* activity.until(runOnly())
      })

    let exitCode = 100

    /** Listens to the events, of which it is not to be seen when that has begun. */
    const hear = Effect.gen(function* () {
      const events = yield* listen(supervisor.events)
      const canary = yield* controls.addJob({ openClaw: true })
      const crash = Effect.suspend(() => run(canary, controls.crash(canary, ++exitCode)))
      yield* Effect.repeat(crash, { until: () => Effect.map(events.heard, (all) => all.length > 0) }).pipe(
        Effect.timeout(patience * 3)
      )
      return {
        /** What it has told of a job, once it tells of something that happens now. */
        of: (job: string) =>
          Effect.gen(function* () {
            yield* crash
            const all = yield* events.until((all) =>
              all.some((event) => event.job === canary && event.exitCode === exitCode)
            )
            return all.filter((event) => event.job === job)
          })
      }
    })

    const infoOf = (id: string) =>
      Effect.map(supervisor.jobs, (jobs) => jobs.find((job) => job.id === id) ?? assert.fail(`there is no ${id}`))

    const evidence = (id: string, scope: EvidenceScope) =>
      Effect.flatMap(infoOf(id), (job) => supervisor.evidence(job, scope))

    const runsOf = (id: string, scope: EvidenceScope = Since({ since: 0, runId: null, limit: 50 })) =>
      Effect.map(evidence(id, scope), ({ runs }) => runs)

    return { ...controls, activity, evidence, hear, infoOf, run, runsOf }
  })

  const ids = (all: ReadonlyArray<{ readonly id: string }>) => all.map(({ id }) => id)

  /** What the port calls a failure, as far as every adapter knows it. */
  const failures = (events: ReadonlyArray<JobEvent>) =>
    events.map(({ exitCode, trigger }) => ({ trigger, exitCode: exitCode ?? null }))

  const failure = (exitCode: number) => ({ trigger: "failure", exitCode })

  /** What is checked of the part of the port that is under way. */
  let part = ""

  const describe = (name: string, holdAll: () => void) => {
    part = `${name} `
    holdAll()
    part = ""
  }

  const holds = <F>(
    what: string,
    test: (adapter: Effect.Effect.Success<typeof prepare>) => Effect.Effect<void, F, Scope.Scope>
  ) => {
    tests.push({
      name: `${part}${what}`,
      test: Effect.scoped(Effect.flatMap(prepare, (adapter) => Effect.orDie(test(adapter))))
    })
  }

  describe("jobs", () => {
    holds("are those that there are, each with a name of its own", ({ addJob, infoOf, remove, supervisor }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* supervisor.jobs, [])
        const policy: HealingPolicyInput = { triggers: ["failure"], minRuns: 7, cooldown: "2 hours" }
        const first = yield* addJob({ openClaw: true, policy })
        const second = yield* addJob({ openClaw: false })
        const jobs = yield* supervisor.jobs
        assert.deepStrictEqual(ids(jobs).toSorted(), [first, second].toSorted())
        assert.notStrictEqual(first, second)
        assert.ok(Schema.is(Schema.Array(JobInfo))(jobs), JSON.stringify(jobs))
        const { openClaw, policy: found } = yield* infoOf(first)
        assert.deepStrictEqual({ openClaw, found }, { openClaw: true, found: policy })
        const other = yield* infoOf(second)
        assert.deepStrictEqual({ openClaw: other.openClaw, found: other.policy }, { openClaw: false, found: {} })
        yield* remove(first)
        assert.deepStrictEqual(ids(yield* supervisor.jobs), [second])
      })
    )

    holds("stay when they end, however that is", ({ addJob, crash, exitCleanly, run, stop, supervisor }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        for (const end of [exitCleanly(job), crash(job, 3), stop(job)]) {
          yield* run(job, end)
          assert.deepStrictEqual(ids(yield* supervisor.jobs), [job])
        }
      })
    )
  })

  describe("activity", () => {
    holds("changes when an OpenClaw job starts and ends, however it ends", (adapter) =>
      Effect.gen(function* () {
        const { activity, addJob, crash, exitCleanly, remove, run, stop } = adapter
        yield* activity.until(runOnly())
        const job = yield* addJob({ openClaw: true })
        for (const end of [exitCleanly(job), crash(job, 3), stop(job), remove(job)]) yield* run(job, end)
      })
    )

    holds("names all OpenClaw jobs that run, and no others", ({ activity, addJob, exitCleanly, start, stop }) =>
      Effect.gen(function* () {
        const plain = yield* addJob({ openClaw: false })
        const idle = yield* addJob({ openClaw: true })
        const [a, b] = [yield* addJob({ openClaw: true }), yield* addJob({ openClaw: true })]
        yield* start(plain)
        yield* start(a)
        yield* activity.until(runOnly(a))
        yield* start(b)
        yield* activity.until(runOnly(a, b))
        yield* stop(plain)
        yield* exitCleanly(a)
        const all = yield* activity.until(runOnly(b))
        const named = all.flatMap((element) => (element._tag === "Known" ? element.running : []))
        assert.ok(!named.includes(plain))
        assert.ok(!named.includes(idle))
      })
    )

    holds("tells each who listens first how it stands", ({ activity, addJob, exitCleanly, start, supervisor }) =>
      Effect.gen(function* () {
        const first = Effect.map(Stream.runHead(supervisor.activity), (element) =>
          element._tag === "Some" ? [element.value] : []
        ).pipe(Effect.timeout(patience))
        const job = yield* addJob({ openClaw: true })
        // It may not have asked its supervisor yet.
        yield* activity.until(runOnly())
        assert.ok(runOnly()(yield* first))
        yield* start(job)
        yield* activity.until(runOnly(job))
        assert.ok(runOnly(job)(yield* first), "in the middle of a run")
        assert.ok(runOnly(job)(yield* first), "and again")
        yield* exitCleanly(job)
        yield* activity.until(runOnly())
        assert.ok(runOnly()(yield* first), "after it")
      })
    )

    holds("tells everybody who listens, whoever else stops", ({ activity, addJob, exitCleanly, start, supervisor }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        const leaver = yield* listen(supervisor.activity)
        yield* leaver.until(runOnly())
        yield* start(job)
        yield* leaver.until(runOnly(job))
        yield* activity.until(runOnly(job))
        yield* Fiber.interrupt(leaver.fiber)
        yield* exitCleanly(job)
        yield* activity.until(runOnly())
        const newcomer = yield* listen(supervisor.activity)
        yield* newcomer.until(runOnly())
        yield* start(job)
        yield* newcomer.until(runOnly(job))
        yield* activity.until(runOnly(job))
        assert.ok(runOnly(job)(yield* activity.heard))
        assert.ok(!runOnly()(yield* leaver.heard))
      })
    )

    holds("is unknown while it cannot be said, and known anew afterwards", (adapter) =>
      Effect.gen(function* () {
        const { activity, addJob, find, lose, secret, supervisor } = adapter
        if (lose === undefined || find === undefined) return
        yield* addJob({ openClaw: true })
        yield* activity.until(runOnly())
        yield* lose
        const all = yield* activity.until(isUnknown)
        if (secret !== undefined) assert.ok(!JSON.stringify(all).includes(secret))
        const newcomer = yield* listen(supervisor.activity)
        yield* newcomer.until(isUnknown)
        assert.ok((yield* Effect.flip(supervisor.jobs)) instanceof SupervisorError)
        yield* find
        for (const listener of [activity, newcomer]) yield* listener.until((all) => all.at(-1)?._tag === "Known")
        assert.strictEqual((yield* supervisor.jobs).length, 1)
      })
    )
  })

  describe("events", () => {
    holds("tell of a crash once, with a run that the evidence knows", ({ addJob, crash, hear, run, runsOf }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        const [one, other] = [yield* hear, yield* hear]
        yield* run(job, crash(job, 3))
        yield* run(job, crash(job, 4))
        const events = yield* one.of(job)
        assert.deepStrictEqual(failures(events), [failure(3), failure(4)])
        assert.deepStrictEqual(yield* other.of(job), events)
        assert.deepStrictEqual(yield* one.of(job), events, "and not again")
        assert.strictEqual(new Set(events.map(({ runId }) => runId)).size, 2)
        for (const { exitCode, runId } of events) {
          assert.notStrictEqual(runId, null)
          const [failed] = yield* runsOf(job, Failure({ runId, limit: 5 }))
          assert.deepStrictEqual(
            { id: failed?.id, outcome: failed?.outcome, exitCode: failed?.exitCode },
            { id: runId, outcome: "failed", exitCode }
          )
        }
      })
    )

    holds("tell of no failure where none is", ({ addJob, crash, exitCleanly, hear, remove, run, start, stop }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        const plain = yield* addJob({ openClaw: false })
        const events = yield* hear
        yield* run(job, exitCleanly(job))
        yield* run(job, stop(job))
        yield* run(job, crash(job, 5))
        yield* run(job, remove(job))
        assert.deepStrictEqual(failures(yield* events.of(job)), [failure(5)])
        yield* start(plain)
        yield* exitCleanly(plain)
        yield* start(plain)
        yield* crash(plain, 6)
        assert.deepStrictEqual(failures(yield* events.of(plain)), [failure(6)], "and of other jobs as well")
      })
    )

    holds("are those from now on, and fit", ({ addJob, crash, hear, run }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        const early = yield* hear
        yield* run(job, crash(job, 3))
        assert.deepStrictEqual(failures(yield* early.of(job)), [failure(3)])
        const late = yield* hear
        yield* run(job, crash(job, 4))
        assert.deepStrictEqual(failures(yield* late.of(job)), [failure(4)])
        const all = yield* early.of(job)
        assert.deepStrictEqual(failures(all), [failure(3), failure(4)])
        assert.ok(Schema.is(Schema.Array(JobEvent))(all), JSON.stringify(all))
      })
    )
  })

  /** What the port calls a run, as far as every adapter knows it. */
  const runsInWords = (all: ReadonlyArray<RunEvent>, job: string) =>
    all
      .filter((event) => event.job === job)
      .map((event) => (event._tag === "Started" ? "started" : `${event.outcome} ${event.exitCode ?? ""}`.trim()))

  describe("runs", () => {
    holds("tell each start and each end, good ones too, once, as the evidence does", (adapter) =>
      Effect.gen(function* () {
        const { addJob, crash, exitCleanly, run, runsOf, stop, supervisor } = adapter
        const job = yield* addJob({ openClaw: true })
        const [one, other] = [yield* listen(supervisor.runs), yield* listen(supervisor.runs)]
        yield* run(job, exitCleanly(job))
        yield* run(job, crash(job, 3))
        yield* run(job, stop(job))
        yield* run(job, crash(job, 4))
        const isAll = (all: ReadonlyArray<RunEvent>) => runsInWords(all, job).length >= 8
        const told = yield* one.until(isAll)
        const [first, second, third, fourth, fifth, sixth, ...last] = runsInWords(told, job)
        assert.deepStrictEqual([first, second, third, fourth], ["started", "succeeded 0", "started", "failed 3"])
        // With which exit code it was stopped differs.
        assert.deepStrictEqual([fifth, sixth?.split(" ")[0], ...last], ["started", "stopped", "started", "failed 4"])
        assert.ok(Schema.is(Schema.Array(RunEvent))(told), JSON.stringify(told))
        assert.deepStrictEqual(yield* other.until(isAll), told)
        const ofJob = told.filter((event) => event.job === job)
        const started = ofJob.flatMap((event) => (event._tag === "Started" ? [event.runId] : []))
        const ended = ofJob.flatMap((event) => (event._tag === "Ended" ? [event.runId] : []))
        assert.deepStrictEqual(started, ended)
        assert.deepStrictEqual(ids(yield* runsOf(job)).toSorted(), ended.toSorted())
        for (const event of ofJob) {
          if (event._tag === "Started") assert.ok(!event.alwaysUp && event.at !== null)
          else assert.ok((event.at ?? 0) >= (event.startedAt ?? assert.fail("an end without its start")))
        }
      })
    )

    holds("tell each who listens first what runs now", ({ activity, addJob, exitCleanly, start, supervisor }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        const witness = yield* listen(supervisor.runs)
        yield* start(job)
        yield* witness.until((all) => runsInWords(all, job).length === 1)
        yield* activity.until(runOnly(job))
        const newcomer = yield* listen(supervisor.runs)
        yield* newcomer.until((all) => runsInWords(all, job).length === 1)
        yield* exitCleanly(job)
        const told = yield* newcomer.until((all) => runsInWords(all, job).length >= 2)
        assert.deepStrictEqual(runsInWords(told, job), ["started", "succeeded 0"])
        assert.deepStrictEqual(told, yield* witness.until((all) => all.length >= told.length))
      })
    )
  })

  describe("restart", () => {
    holds("starts a job anew that is always up, and no other one can be", (adapter) =>
      Effect.gen(function* () {
        const { addJob, addService, infoOf, start, stop, supervisor } = adapter
        const job = yield* infoOf(yield* addJob({ openClaw: false }))
        assert.notStrictEqual(job.canRestart, true)
        if (supervisor.restart === undefined) return
        assert.ok((yield* Effect.flip(supervisor.restart(job))) instanceof SupervisorError)
        if (addService === undefined) return
        const service = yield* addService
        const runs = yield* listen(supervisor.runs)
        yield* start(service)
        const ofService = (all: ReadonlyArray<RunEvent>) => all.filter((event) => event.job === service)
        const [first] = ofService(yield* runs.until((all) => ofService(all).length === 1))
        assert.deepStrictEqual(first?._tag === "Started" && first.alwaysUp, true)
        const info = yield* infoOf(service)
        assert.strictEqual(info.canRestart, true)
        yield* supervisor.restart(info)
        const told = ofService(yield* runs.until((all) => ofService(all).length >= 3))
        assert.deepStrictEqual(
          told.map(({ _tag }) => _tag),
          ["Started", "Ended", "Started"]
        )
        const [old, ended, again] = told
        assert.strictEqual(ended?.runId, old?.runId)
        assert.notStrictEqual(again?.runId, old?.runId)
        assert.strictEqual(ended?._tag === "Ended" && ended.outcome, "stopped")
        yield* stop(service)
      })
    )
  })

  describe("evidence", () => {
    holds("tells how each run went, the newest first, up to the limit", (adapter) =>
      Effect.gen(function* () {
        const { activity, addJob, crash, evidence, exitCleanly, run, runsOf, start, stop } = adapter
        const job = yield* addJob({ openClaw: true })
        assert.deepStrictEqual(yield* runsOf(job), [])
        for (const end of [exitCleanly(job), crash(job, 3), stop(job)]) yield* run(job, end)
        yield* start(job)
        yield* activity.until(runOnly(job))
        const found = yield* evidence(job, Since({ since: 0, runId: null, limit: 50 }))
        assert.ok(Schema.is(Evidence)(found), JSON.stringify(found))
        assert.deepStrictEqual(
          found.runs.map(({ outcome }) => outcome),
          ["running", "stopped", "failed", "succeeded"]
        )
        assert.strictEqual(new Set(ids(found.runs)).size, 4)
        const begun = found.runs.map(({ startedAt }) => startedAt ?? 0)
        assert.deepStrictEqual(
          begun,
          [...begun].sort((a, b) => b - a)
        )
        for (const { endedAt, outcome, startedAt } of found.runs) {
          if (outcome === "running") assert.strictEqual(endedAt, null)
          else assert.ok((endedAt ?? assert.fail("an end without a time")) >= (startedAt ?? 0))
        }
        const [failed] = (yield* runsOf(job)).filter(({ outcome }) => outcome === "failed")
        assert.strictEqual(failed?.exitCode, 3)
        for (const limit of [1, 2, 4]) {
          const limited = yield* runsOf(job, Since({ since: 0, runId: null, limit }))
          assert.deepStrictEqual(ids(limited), ids(found.runs).slice(0, limit))
        }
      })
    )

    holds("is about the failure, or the time, that was asked for", ({ addJob, crash, exitCleanly, run, runsOf }) =>
      Effect.gen(function* () {
        const job = yield* addJob({ openClaw: true })
        for (const exitCode of [3, 4]) yield* run(job, crash(job, exitCode))
        yield* run(job, exitCleanly(job))
        const [clean = "", second = "", first = ""] = ids(yield* runsOf(job))
        const asked = (scope: EvidenceScope) => Effect.map(runsOf(job, scope), ids)
        assert.deepStrictEqual(yield* asked(Failure({ runId: null, limit: 6 })), [second, first])
        assert.deepStrictEqual(yield* asked(Failure({ runId: second, limit: 1 })), [second])
        assert.deepStrictEqual(yield* asked(Failure({ runId: first, limit: 6 })), [first])
        assert.deepStrictEqual(yield* asked(Failure({ runId: clean, limit: 6 })), [clean, second, first])
        const later = 8e15
        assert.deepStrictEqual(yield* asked(Since({ since: later, runId: null, limit: 6 })), [])
        assert.deepStrictEqual(yield* asked(Since({ since: later, runId: first, limit: 6 })), [first])
      })
    )

    holds("of a job that there is not is a SupervisorError", ({ addJob, infoOf, remove, supervisor }) =>
      Effect.gen(function* () {
        const scope = Failure({ runId: null, limit: 6 })
        const job = yield* infoOf(yield* addJob({ openClaw: true }))
        yield* supervisor.evidence(job, scope)
        const other = { ...job, id: "nobody goes by this name" }
        assert.ok((yield* Effect.flip(supervisor.evidence(other, scope))) instanceof SupervisorError)
        yield* remove(job.id)
        assert.ok((yield* Effect.flip(supervisor.evidence(job, scope))) instanceof SupervisorError)
      })
    )
  })

  holds("nothing tells what stands in the environments of jobs", (adapter) =>
    Effect.gen(function* () {
      const { activity, addJob, crash, evidence, hear, run, secret, supervisor } = adapter
      if (secret === undefined) return
      const job = yield* addJob({ openClaw: true })
      const events = yield* hear
      yield* run(job, crash(job, 3))
      const told = [
        yield* events.of(job),
        yield* supervisor.jobs,
        yield* activity.heard,
        yield* evidence(job, Failure({ runId: null, limit: 6 })),
        yield* evidence(job, Since({ since: 0, runId: null, limit: 50 }))
      ]
      assert.ok(!JSON.stringify(told).includes(secret))
    })
  )
  return tests
}
