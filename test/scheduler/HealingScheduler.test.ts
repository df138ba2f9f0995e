/** Everything that it promises is held against a reference by generated schedules in `properties/scheduler.test.ts`. */
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Context, Deferred, Duration, Effect, Fiber, Layer, Mailbox, Option, Queue, Stream } from "effect"
import {
  Activity,
  Healing,
  HealingConfig,
  type HealingPolicyInput,
  HealingQueue,
  HealingStore,
  type JobEvent,
  type JobInfo,
  Reviewed,
  Reviewer,
  Supervisor,
  SupervisorError
} from "effect-healing"
import { aJob, at, failureOf, makeSchedulerWorld, noEvidence, settle } from "../support/schedulerWorld.js"

const daily = (time: string, fields: HealingPolicyInput = {}): HealingPolicyInput => ({
  schedule: { frequency: "daily", time, timeZone: "UTC" },
  ...fields
})

const hourly: HealingPolicyInput = { schedule: { frequency: "hourly" } }

const BEGIN = "its schedule counts from here on"

const END = "it has no schedule any more"

type World = Effect.Effect.Success<ReturnType<typeof makeSchedulerWorld>>

/** What has come of occurrences, as `job time request` or `job time..time request`, with a reason instead of a request. */
const seen = ({ occurrences }: World) =>
  Effect.map(
    occurrences,
    Arr.map(({ at, first, job, reason, request }) => {
      const when = [...new Set([first, at])].map((at) => new Date(at).toISOString().slice(0, 16))
      return `${job} ${when.join("..")} ${request ?? reason}`
    })
  )

const pendingIn = (life: Effect.Effect.Success<World["start"]>) =>
  Effect.map(
    life.queue.pending,
    Arr.map(({ job, state, triggers }) => `${job} ${state}: ${triggers.join(", ")}`)
  )

describe("by the clock", () => {
  it.scoped("a job is reviewed when it is due, once", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T02:00"))
      world.state.jobs = [aJob("A", daily("03:00"))]
      const { scheduler } = yield* world.start
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-01T03:00") }])
      yield* world.goTo("2026-01-01T02:59")
      assert.deepStrictEqual(world.reviewed, [])
      yield* world.goTo("2026-01-01T03:00")
      assert.deepStrictEqual(
        world.reviewed.map(({ job, priority, triggers }) => [job, triggers, priority]),
        [["A", ["schedule"], -30]]
      )
      yield* world.goTo("2026-01-01T04:00")
      assert.lengthOf(world.reviewed, 1)
      assert.deepStrictEqual(yield* seen(world), [`A 2026-01-01T02:00 ${BEGIN}`, "A 2026-01-01T03:00 1"])
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-02T03:00") }])
    })
  )

  it.scoped("a job is reviewed with the priority and the cool-down of its policy, across restarts", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T00:30"))
      world.state.jobs = [aJob("A", { ...hourly, priority: -3, cooldown: "3 hours" })]
      const first = yield* world.start
      yield* world.goTo("2026-01-01T01:00")
      assert.deepStrictEqual(
        world.reviewed.map(({ priority }) => priority),
        [-3]
      )
      yield* first.stop
      const { queue, stop } = yield* world.start
      yield* world.goTo("2026-01-01T02:00")
      const [pending] = yield* queue.pending
      assert.strictEqual(pending?.notBefore, at("2026-01-01T04:00"))
      yield* stop
      const last = yield* world.start
      assert.deepStrictEqual(Arr.head(yield* last.queue.pending), Option.fromNullable(pending))
      yield* world.goTo("2026-01-01T04:00")
      assert.lengthOf(world.reviewed, 2)
    })
  )

  it.scoped(
    "D4: a thousand jobs that are due in the same minute are a thousand pending requests, while one is reviewed",
    () =>
      Effect.gen(function* () {
        const world = yield* makeSchedulerWorld({}, at("2026-01-01T02:59"))
        world.state.jobs = Arr.makeBy(1000, (index) => aJob(`job${index}`, daily("03:00")))
        world.state.isSlow = true
        const life = yield* world.start
        yield* world.goTo("2026-01-01T03:00")
        const pending = yield* pendingIn(life)
        assert.lengthOf(pending, 1000)
        assert.strictEqual(pending[0], "job0 running: schedule")
        assert.strictEqual(pending[999], "job999 pending: schedule")
      })
  )

  it.scoped(
    "D5, R17: one that is due while jobs run waits for them, and the schedule goes on from when it was due",
    () =>
      Effect.gen(function* () {
        const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T02:59"))
        world.state.jobs = [aJob("A", daily("03:00"))]
        world.state.running = ["other"]
        const life = yield* world.start
        for (const time of ["2026-01-01T03:00", "2026-01-01T09:00", "2026-01-02T02:59"]) {
          yield* world.goTo(time)
          assert.deepStrictEqual(world.reviewed, [])
        }
        assert.deepStrictEqual(yield* pendingIn(life), ["A pending: schedule"])
        yield* world.run()
        assert.lengthOf(world.reviewed, 1)
        yield* world.goTo("2026-01-02T03:00")
        assert.lengthOf(world.reviewed, 2)
        assert.deepStrictEqual(yield* seen(world), [
          `A 2026-01-01T02:59 ${BEGIN}`,
          "A 2026-01-01T03:00 1",
          "A 2026-01-02T03:00 2"
        ])
      })
  )

  it.scoped("D5: those that are due while one waits are one request with it", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T00:59"))
      world.state.jobs = [aJob("A", hourly)]
      world.state.running = ["other"]
      yield* world.start
      for (const time of ["01:00", "02:00", "03:00"]) yield* world.goTo(`2026-01-01T${time}`)
      yield* world.run()
      assert.lengthOf(world.reviewed, 1)
      assert.deepStrictEqual((yield* seen(world)).slice(1), [
        "A 2026-01-01T01:00 1",
        "A 2026-01-01T02:00 1",
        "A 2026-01-01T03:00 1"
      ])
    })
  )

  it.scoped("D16: weekly is on the day that it says, monthly has no month without it, and daily does not drift", () =>
    Effect.gen(function* () {
      // A Thursday.
      const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T12:00"))
      world.state.jobs = [
        aJob("weekly", { schedule: { frequency: "weekly", day: "sunday", time: "03:00", timeZone: "UTC" } }),
        aJob("monthly", { schedule: { frequency: "monthly", day: 31, time: "03:00", timeZone: "UTC" } }),
        aJob("daily", daily("03:00"))
      ]
      const { scheduler } = yield* world.start
      assert.deepStrictEqual(yield* scheduler.upcoming, [
        { job: "daily", at: at("2026-01-02T03:00") },
        { job: "weekly", at: at("2026-01-04T03:00") },
        { job: "monthly", at: at("2026-01-31T03:00") }
      ])
      // One that is late by a minute makes the next one none the later.
      for (let day = 2; day <= 31; day++) yield* world.goTo(`2026-01-${String(day).padStart(2, "0")}T03:01`)
      yield* world.goTo("2026-02-28T03:01")
      const reviewsOf = (job: string) => world.reviewed.filter((request) => request.job === job).length
      assert.deepStrictEqual(["weekly", "monthly", "daily"].map(reviewsOf), [5, 2, 31])
      assert.match((yield* seen(world)).join("\n"), /^monthly 2026-02-28T03:00 \d+$/m)
    })
  )

  for (const how of ["stop", "crash"] as const) {
    it.scoped(`D16: a restart (${how}) after it was done does not have it done again`, () =>
      Effect.gen(function* () {
        const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T02:59"))
        world.state.jobs = [aJob("A", daily("03:00"))]
        const life = yield* world.start
        yield* world.goTo("2026-01-01T03:00")
        assert.lengthOf(world.reviewed, 1)
        yield* life[how]
        yield* world.goTo("2026-01-01T03:30")
        const { scheduler } = yield* world.start
        yield* world.goTo("2026-01-01T05:00")
        assert.lengthOf(world.reviewed, 1)
        assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-02T03:00") }])
      })
    )
  }

  it.scoped("what was missed while the process was down is made up for once, and not for what is too old", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0, maxCatchUpAge: "2 days" }, at("2026-01-01T02:00"))
      world.state.jobs = [
        aJob("A", daily("03:00")),
        aJob("B", { schedule: { frequency: "weekly", day: "friday", time: "03:00", timeZone: "UTC" } })
      ]
      yield* (yield* world.start).stop
      yield* world.goTo("2026-01-05T12:00")
      yield* world.start
      yield* world.goTo("2026-01-05T12:01")
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A"]
      )
      assert.sameMembers((yield* seen(world)).slice(2), [
        "A 2026-01-01T03:00..2026-01-05T03:00 1",
        "B 2026-01-02T03:00 it was missed too long ago"
      ])
    })
  )

  it.scoped("what was missed is made up for one after the other, and what is due meanwhile comes on time", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T02:00"))
      world.state.jobs = [...Arr.makeBy(50, (index) => aJob(`job${index}`, daily("03:00"))), aJob("X", daily("06:00"))]
      yield* (yield* world.start).stop
      yield* world.goTo("2026-01-02T05:59")
      yield* world.start
      assert.lengthOf(world.reviewed, 1)
      yield* world.pass("6 seconds")
      assert.lengthOf(world.reviewed, 2)
      yield* world.goTo("2026-01-02T06:00")
      assert.strictEqual(world.reviewed.at(-1)?.job, "X")
      for (let before = world.reviewed.length; before < 51; before = world.reviewed.length) {
        yield* world.pass("6 seconds")
        assert.isAtMost(world.reviewed.length, before + 1)
      }
      assert.lengthOf(world.reviewed, 51)
    })
  )

  it.scoped("a policy that is changed counts from then on; a job that is gone and back goes on", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T02:00"))
      world.state.jobs = [aJob("A", daily("03:00")), aJob("B", daily("03:00"))]
      const { scheduler } = yield* world.start
      world.state.jobs = [aJob("A", daily("01:00"))]
      yield* scheduler.refresh
      yield* world.goTo("2026-01-01T03:01")
      assert.deepStrictEqual(world.reviewed, [])
      world.state.jobs = [aJob("A", { enabled: false }), aJob("B", daily("03:00"))]
      yield* scheduler.refresh
      yield* settle
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["B"]
      )
      yield* world.goTo("2026-01-02T01:01")
      world.state.jobs = [aJob("A", daily("01:00")), aJob("B", daily("03:00"))]
      yield* world.goTo("2026-01-02T01:02")
      assert.deepStrictEqual(yield* seen(world), [
        `A 2026-01-01T02:00 ${BEGIN}`,
        `B 2026-01-01T02:00 ${BEGIN}`,
        `A 2026-01-01T02:00 ${BEGIN}`,
        `A 2026-01-01T03:01 ${END}`,
        "B 2026-01-01T03:00 1",
        `A 2026-01-02T01:02 ${BEGIN}`
      ])
    })
  )

  it.scoped("a policy that is wrong is named with job and key, once, and the other jobs go on", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ jobs: { C: { triggers: ["manual"] } } }, at("2026-01-01T02:59"))
      world.state.jobs = [
        aJob("A", { schedule: { frequency: "daily", time: "24:00" } }),
        aJob("B", daily("03:00")),
        aJob("C"),
        aJob("B", hourly),
        aJob(""),
        aJob("Z", "weekly" as unknown as HealingPolicyInput)
      ]
      const { scheduler } = yield* world.start
      for (const time of ["03:00", "03:01", "03:02"]) yield* world.goTo(`2026-01-01T${time}`)
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["B"]
      )
      assert.deepStrictEqual(world.logged, [
        'The supervisor has two jobs named "B": the first one counts',
        "The supervisor has a job that does not fit JobInfo: it is left out",
        'The policy of "A" is wrong, so that only a person has it reviewed: schedule.time: expected a time of day from "00:00" to "23:59"',
        'The policy of "C" is wrong, so that only a person has it reviewed: triggers: expected a list of at most 16 names of events, such as failure, but not manual or schedule',
        'The policy of "Z" is wrong, so that only a person has it reviewed: expected a mapping of enabled, triggers, schedule, minRuns, cooldown, priority, scope, expectedEvery, maxDuration, minDuration, output'
      ])
      assert.deepStrictEqual(
        (yield* scheduler.problems).map(({ job, key }) => `${job} ${key}`),
        ["A schedule.time", "C triggers", "Z "]
      )
      world.state.jobs = [aJob("A", hourly)]
      yield* scheduler.refresh
      assert.deepStrictEqual(yield* scheduler.problems, [])
      yield* world.goTo("2026-01-01T04:00")
      assert.lengthOf(world.reviewed, 2)
    })
  )

  it.scoped("a supervisor that does not answer leaves things as they were, and is complained of once", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T02:00"))
      world.state.jobs = [aJob("A", daily("03:00"))]
      const { scheduler } = yield* world.start
      world.state.error = new SupervisorError({ detail: "nobody is there" })
      assert.strictEqual((yield* Effect.flip(scheduler.refresh)).detail, "nobody is there")
      for (const time of ["02:58", "02:59", "03:00"]) yield* world.goTo(`2026-01-01T${time}`)
      assert.lengthOf(world.reviewed, 1)
      assert.lengthOf(world.logged, 1)
      assert.include(world.logged[0], "nobody is there")
    })
  )

  it.scoped("what could not be written is asked for again", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T02:00"))
      world.state.jobs = [aJob("A", daily("03:00"))]
      yield* world.start
      world.disk.fail()
      yield* world.goTo("2026-01-01T03:00")
      world.disk.repair()
      assert.deepStrictEqual(yield* seen(world), [`A 2026-01-01T02:00 ${BEGIN}`])
      yield* world.goTo("2026-01-01T03:01")
      assert.deepStrictEqual((yield* seen(world)).slice(1), ["A 2026-01-01T03:00 2"])
    })
  )

  it.scoped("a queue that is full is a reason that is written", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ maxPending: 1 }, at("2026-01-01T02:00"))
      world.state.jobs = [aJob("A", daily("03:00")), aJob("B", daily("03:00"))]
      world.state.running = ["other"]
      yield* world.start
      yield* world.goTo("2026-01-01T03:00")
      assert.sameMembers((yield* seen(world)).slice(2), [
        "A 2026-01-01T03:00 1",
        'B 2026-01-01T03:00 The request for "B" was refused: as many requests are pending as maxPending allows (1). Allow more, or ask again when some have ended'
      ])
    })
  )

  it.scoped("nothing is reviewed by itself with enabled off, nor made up for afterwards", () =>
    Effect.gen(function* () {
      const off = yield* makeSchedulerWorld({ enabled: false }, at("2026-01-01T02:00"))
      off.state.jobs = [aJob("A", daily("03:00"))]
      const life = yield* off.start
      yield* off.goTo("2026-01-01T03:00")
      yield* off.tell(failureOf("A", "1"))
      assert.deepStrictEqual(yield* seen(off), [])
      assert.deepStrictEqual(yield* pendingIn(life), [])
    })
  )

  it.scoped("a clock that is set back has nothing happen twice, unless it was ahead by more than one period", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T02:00"))
      world.state.jobs = [aJob("A", daily("03:00"))]
      const { scheduler } = yield* world.start
      yield* world.goTo("2026-01-01T03:00")
      yield* world.setClock("2025-12-31T02:59")
      yield* world.pass("1 minute")
      assert.lengthOf(world.reviewed, 1)
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-02T03:00") }])
      yield* world.goTo("2099-01-01T12:00")
      assert.lengthOf(world.reviewed, 2)
      yield* world.setClock("2026-01-01T12:00")
      yield* world.pass("1 minute")
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-02T03:00") }])
    })
  )

  it.scoped("a clock that was ahead by days silences an hourly schedule for an hour at most, and that is said", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 }, at("2026-01-01T02:30"))
      world.state.jobs = [aJob("A", hourly), aJob("B", { schedule: { frequency: "weekly" } })]
      const life = yield* world.start
      yield* world.goTo("2026-01-04T02:30")
      assert.lengthOf(world.reviewed, 1)
      yield* life.stop
      yield* world.setClock("2026-01-01T02:40")
      const { scheduler } = yield* world.start
      yield* world.pass("1 minute")
      assert.deepStrictEqual(yield* scheduler.upcoming, [
        { job: "A", at: at("2026-01-01T03:00") },
        { job: "B", at: at("2026-01-05T03:00") }
      ])
      assert.deepStrictEqual(
        (yield* scheduler.problems).map(({ expected, job, key }) => `${job} ${key} ${expected}`.slice(0, 90)),
        ["A schedule was done last at 2026-01-04T02:00:00.000Z, which is still to come: the clock of"]
      )
      yield* world.pass("5 minutes")
      assert.deepStrictEqual(world.logged, [
        'The clock of the machine was ahead, and what was done last by the schedules of "A" is still to come: they count from now on'
      ])
      yield* world.goTo("2026-01-01T03:01")
      assert.lengthOf(world.reviewed, 2)
      assert.deepStrictEqual(yield* scheduler.problems, [])
    })
  )
})

describe("what an adapter tells", () => {
  it.scoped("of jobs that do not fit, or are there twice, is left out, and said once", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T02:59"))
      // As one that is written in JavaScript may.
      const garbage = [null, { id: 7 }, { ...aJob("odd"), kind: 3 }] as unknown as ReadonlyArray<JobInfo>
      world.state.jobs = [...garbage, aJob("A", daily("03:00")), aJob("A", daily("05:00")), aJob("B", daily("03:00"))]
      const { scheduler } = yield* world.start
      yield* scheduler.refresh
      yield* world.goTo("2026-01-01T03:00")
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A", "B"]
      )
      assert.deepStrictEqual(world.logged, [
        "The supervisor has a job that does not fit JobInfo: it is left out",
        'The supervisor has a job that does not fit JobInfo, "odd": it is left out',
        'The supervisor has two jobs named "A": the first one counts'
      ])
    })
  )

  it.scoped("later than what it was asked for afterwards is forgotten", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T00:00"))
      const { scheduler } = yield* world.start
      const late = yield* Deferred.make<ReadonlyArray<JobInfo>>()
      world.state.answers = [Deferred.await(late)]
      const refresh = yield* Effect.fork(scheduler.refresh)
      yield* settle
      world.state.jobs = [aJob("A", daily("05:00"))]
      yield* scheduler.refresh
      yield* Deferred.succeed(late, [aJob("A", daily("04:00"))])
      yield* Fiber.join(refresh)
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-01T05:00") }])
    })
  )

  it.scoped("as its jobs is no list: things stay as they were", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({}, at("2026-01-01T02:50"))
      world.state.jobs = [aJob("A", daily("03:00"))]
      const { scheduler } = yield* world.start
      world.state.jobs = null as unknown as ReadonlyArray<JobInfo>
      const error = yield* Effect.flip(scheduler.refresh)
      assert.strictEqual(error.message, "its adapter gave no list of jobs")
      yield* world.goTo("2026-01-01T03:00")
      assert.lengthOf(world.reviewed, 1)
    })
  )
})

describe("by events", () => {
  const crash = (runId: string, fields?: Partial<JobEvent>) => failureOf("A", runId, fields)

  it.scoped("D17: a failure is reviewed unless the policy says otherwise, with its run, however few there were", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A", daily("03:00", { minRuns: 100 })), aJob("B", { triggers: ["sla_breach"] })]
      yield* world.start
      yield* world.tell(crash("7"), failureOf("B", "8"), failureOf("B", "9", { trigger: "sla_breach" }))
      assert.sameMembers(
        world.reviewed.map(({ job, priority, runId, triggers }) => [job, ...triggers, runId, priority].join()),
        ["A,failure,7,-20", "B,sla_breach,9,-20"]
      )
    })
  )

  it.scoped("D18: one failure is one review, however often it is told of", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 })
      world.state.jobs = [aJob("A")]
      const life = yield* world.start
      yield* world.tell(crash("7"), crash("7"))
      yield* world.tell(crash("7"))
      assert.lengthOf(world.reviewed, 1)
      yield* life.stop
      yield* world.start
      yield* world.tell(crash("7"))
      assert.lengthOf(world.reviewed, 1)
    })
  )

  it.scoped("a crash loop is one review, and one wish behind it that waits out the cool-down", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A")]
      world.state.isSlow = true
      const life = yield* world.start
      for (let run = 0; run < 100; run++)
        yield* world.tell(crash(String(run), { lastError: `Error: no ${"x".repeat(run)}` }))
      assert.deepStrictEqual(yield* pendingIn(life), ["A running: failure", "A pending: failure"])
      yield* world.end("A")
      for (let run = 100; run < 110; run++) yield* world.tell(crash(String(run), { lastError: "Error: yet another" }))
      const pending = yield* life.queue.pending
      assert.lengthOf(pending, 1)
      assert.strictEqual(pending[0]?.runId, "109")
      assert.strictEqual(pending[0]?.notBefore, world.reviewed[0]?.submittedAt && at("2026-01-01T00:10"))
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(
        world.reviewed.map(({ runId }) => runId),
        ["0", "109"]
      )
    })
  )

  it.scoped("a wish behind a review that explains its failure comes to no other review", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A")]
      world.state.isSlow = true
      const { queue } = yield* world.start
      yield* world.tell(crash("1"))
      yield* world.tell(crash("2"))
      yield* world.end("A")
      assert.lengthOf(yield* queue.pending, 1)
      yield* world.pass("10 minutes")
      assert.lengthOf(world.reviewed, 1)
      const [last] = yield* queue.history()
      assert.strictEqual(last?.state, "skipped")
      assert.match(last?.reason ?? "", /^a completed review has explained this failure/)
    })
  )

  it.scoped("a wish behind a review that explains one failure and not another is reviewed, and explains both", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A")]
      world.state.isSlow = true
      const { queue } = yield* world.start
      const noise = (runId: string) => crash(runId, { lastError: "Error: noise" })
      yield* world.tell(noise("1"))
      yield* world.tell(crash("2"), noise("3"))
      yield* world.end("A")
      yield* world.pass("10 minutes")
      assert.lengthOf(world.reviewed, 2)
      yield* world.end("A")
      yield* world.tell(crash("4"), noise("5"))
      assert.deepStrictEqual(yield* queue.pending, [])
      // What an app has asked for by itself cannot be told from others.
      yield* queue.submit({ job: "A", trigger: "failure", runId: "6" })
      yield* world.pass("10 minutes")
      assert.lengthOf(world.reviewed, 3)
    })
  )

  it.scoped("a policy that is switched off holds back what nobody has asked for by hand", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A"), aJob("B")]
      world.state.running = ["other"]
      const { queue, scheduler } = yield* world.start
      yield* world.tell(crash("1"), failureOf("B", "1"))
      yield* queue.submit({ job: "B" })
      world.state.jobs = [aJob("A", { enabled: false }), aJob("B", { enabled: false })]
      yield* scheduler.refresh
      yield* world.run()
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["B"]
      )
      const [last] = yield* queue.history({ job: "A" })
      assert.strictEqual(last?.reason, "its policy was switched off")
    })
  )

  it.scoped("is not lost to a supervisor that does not answer, nor to an adapter that breaks", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.error = new SupervisorError({ detail: "nobody is there" })
      yield* world.start
      world.state.jobs = [aJob("A")]
      yield* world.tell(crash("1"))
      assert.deepStrictEqual(world.reviewed, [])
      world.state.error = undefined
      yield* world.pass("30 seconds")
      assert.lengthOf(world.reviewed, 1)
      Object.defineProperty(world.state, "evidence", {
        get: () => {
          throw new Error("broken")
        }
      })
      yield* world.tell(crash("2"))
      yield* world.pass("10 minutes")
      assert.lengthOf(world.reviewed, 2)
    })
  )

  it.scoped(
    "a failure that a review has explained is not reviewed again, until its command or a file is another, or a person asks",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const script = `${yield* fs.makeTempDirectoryScoped()}/job.js`
        yield* fs.writeFileString(script, "process.exit(1)")
        const world = yield* makeSchedulerWorld({ cooldown: 0 })
        world.state.jobs = [aJob("A")]
        world.state.evidence = { ...noEvidence, files: [{ path: script, role: "script" }] }
        const first = yield* world.start
        const reviews = (event: JobEvent) =>
          Effect.gen(function* () {
            const before = world.reviewed.length
            const { length } = world.debugged
            yield* world.tell(event)
            // Files are read in their own time.
            while (world.reviewed.length === before && world.debugged.length === length) yield* settle
            return world.reviewed.length - before
          })
        assert.strictEqual(yield* reviews(crash("1", { lastError: "12:30:01 Error: 429 after 31 ms in 4711" })), 1)
        const explained = yield* Effect.forkScoped(
          Stream.runCollect(Stream.filter(first.queue.events, ({ _tag }) => _tag === "Explained"))
        )
        yield* Effect.yieldNow()
        assert.strictEqual(yield* reviews(crash("2", { lastError: "12:31:59 Error: 429 after 7 ms in 4712" })), 0)
        assert.strictEqual(yield* reviews(crash("2", { lastError: "12:32:59 Error: 429 after 8 ms in 4713" })), 0)
        yield* first.stop
        // It is told once.
        assert.deepStrictEqual(
          Array.from(yield* Fiber.join(explained), (event) => "job" in event && event.job),
          ["A"]
        )
        const { queue } = yield* world.start
        assert.strictEqual(yield* reviews(crash("3", { lastError: "12:40:00 Error: 429 after 1 ms in 9999" })), 0)
        assert.strictEqual(yield* reviews(crash("4", { lastError: "12:30:01 Error: 500 after 31 ms in 4711" })), 1)
        assert.strictEqual(yield* reviews(crash("5", { exitCode: 2 })), 1)
        assert.strictEqual(yield* reviews(crash("6", { exitCode: 2 })), 0)
        yield* fs.writeFileString(script, "process.exit(2)")
        assert.strictEqual(yield* reviews(crash("7", { exitCode: 2 })), 1)
        assert.strictEqual(yield* reviews(crash("8", { exitCode: 2 })), 0)
        world.state.evidence = { ...world.state.evidence, command: "node --verbose job.js" }
        assert.strictEqual(yield* reviews(crash("9", { exitCode: 2 })), 1)
        yield* queue.submit({ job: "A" })
        yield* settle
        assert.deepStrictEqual(world.reviewed.at(-1)?.triggers, ["manual"])
      }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("a failure without a word about it is reviewed each time", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 })
      world.state.jobs = [aJob("A")]
      yield* world.start
      for (const runId of ["1", "2"]) yield* world.tell(crash(runId, { exitCode: null, lastError: null }))
      assert.lengthOf(world.reviewed, 2)
    })
  )

  it.scoped("two failures with the last words of the same program or server are two", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 })
      world.state.jobs = [aJob("A")]
      yield* world.start
      const fail = (runId: string, text: string) =>
        Effect.suspend(() => {
          world.state.evidence = { ...noEvidence, logs: [{ name: "stderr", text }] }
          return world.tell(crash(runId, { lastError: null }))
        })
      const panic = (cause: string) =>
        `panic: ${cause}\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:19 +0xe5\nexit status 2\n`
      const gunicorn = (cause: string) =>
        `${cause}\n[2026-01-01 10:00:00 +0000] [1] [ERROR] Worker (pid:7) exited with code 3\n[2026-01-01 10:00:00 +0000] [1] [ERROR] Reason: Worker failed to boot.\n`
      const causes = ["dial tcp 127.0.0.1:9010: connection refused", "ModuleNotFoundError: No module named 'shop'"]
      const logs = [panic, gunicorn].flatMap((print) => causes.map(print))
      for (const [index, log] of logs.entries()) yield* fail(String(index), log)
      assert.lengthOf(world.reviewed, 4)
      for (const [index, log] of logs.entries()) yield* fail(String(index + 4), log)
      assert.lengthOf(world.reviewed, 4)
    })
  )

  it.scoped("the last line about the error is found in the logs", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld({ cooldown: 0 })
      world.state.jobs = [aJob("A")]
      yield* world.start
      const fail = (text: string) =>
        Effect.suspend(() => {
          world.state.evidence = { ...noEvidence, logs: [{ name: "stderr", text }] }
          return world.tell(crash("1", { lastError: null }))
        })
      yield* fail("ok\nTypeError: x is not a function\n    at job.js:3\n\nNode.js v20\n")
      yield* fail("much more\nTypeError: x is not a function\n    at job.js:3\n\nNode.js v22\n")
      assert.lengthOf(world.reviewed, 1)
      yield* fail("TypeError: y is not a function\n    at job.js:3\n\nNode.js v20\n")
      assert.lengthOf(world.reviewed, 2)
    })
  )

  it.scoped("a job that has just come is known, and one that there is not is warned of", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      yield* world.start
      world.state.jobs = [aJob("A")]
      yield* world.tell(crash("1"), failureOf("unknown", "1"))
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A"]
      )
      yield* world.pass("1 second")
      assert.deepStrictEqual(world.logged, ['Something happened to "unknown", which the supervisor does not have'])
    })
  )

  it.scoped("a job that there was not a moment ago is asked for again, and one that there never is once a minute", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      yield* world.start
      yield* world.tell(failureOf("A", "1"))
      yield* world.pass("2 seconds")
      world.state.jobs = [aJob("A")]
      yield* world.tell(failureOf("A", "2"))
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A"]
      )
      world.state.jobs = [aJob("B")]
      const { asked } = world.state
      for (let i = 0; i < 50; i++) {
        yield* world.tell(failureOf("never", `${i}`))
        yield* world.pass("1 second")
      }
      assert.isAtMost(world.state.asked - asked, 8)
    })
  )

  it.scoped("thousands of jobs that there are not cost a question and a warning a second", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      yield* world.start
      yield* world.pass("1 second")
      const before = world.state.asked
      world.state.jobs = [aJob("A")]
      const events = Array.from({ length: 5000 }, (_, i) => failureOf(`no job ${i}`, "1"))
      yield* world.tell(...events, crash("1"), ...events.map((event) => ({ ...event, runId: "2" })))
      for (let i = 0; i < 5; i++) yield* world.pass("1 second")
      assert.isAtMost(world.state.asked - before, 3)
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A"]
      )
      // At most one a second.
      assert.isAtMost(world.logged.length, 5)
      const counts = world.logged.map((line) => {
        const [, others = ""] = /^Something happened to "no job \d+", .* and (\d+) other jobs, which/.exec(line) ?? []
        return 5 + Number(others)
      })
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count, 0),
        5000
      )
    })
  )

  it.scoped("of a stream that breaks are heard again when it works", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A")]
      yield* world.start
      for (let i = 0; i < 3; i++) {
        yield* world.breakEvents
        yield* world.pass("1 second")
      }
      yield* world.pass("4 seconds")
      assert.deepStrictEqual(world.logged, [
        "The stream of the supervisor's events broke: it is listened to anew, and what happened meanwhile is not reviewed"
      ])
      yield* world.tell(crash("1"))
      assert.lengthOf(world.reviewed, 1)
    })
  )

  it.scoped("of a supervisor that ignores its interruption do not block the end", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A")]
      world.state.isStubborn = true
      const life = yield* world.start
      const stopped = yield* Effect.fork(life.stopByClock)
      yield* settle
      assert.isNull(stopped.unsafePoll())
      yield* world.pass("10 seconds")
      yield* world.pass("10 seconds")
      yield* Fiber.join(stopped)
      assert.deepStrictEqual(world.logged, [
        "The events of the supervisor: the interruption is ignored, for 10s by now (shutdown_timeout), and nobody waits any longer",
        "The activity of the supervisor: the interruption is ignored, for 10s by now (shutdown_timeout), and nobody waits any longer"
      ])
    })
  )

  it.scoped("what does not fit is left out, and warned of once", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A")]
      yield* world.start
      yield* world.tell(crash(""), crash("1", { trigger: "manual" }), crash("2"))
      assert.deepStrictEqual(
        world.reviewed.map(({ runId }) => runId),
        ["2"]
      )
      assert.lengthOf(world.logged, 1)
    })
  )

  it.scoped("is not lost to a disk that fails, nor to a restart", () =>
    Effect.gen(function* () {
      const world = yield* makeSchedulerWorld()
      world.state.jobs = [aJob("A"), aJob("B")]
      const life = yield* world.start
      world.disk.fail()
      yield* world.tell(crash("1"))
      world.disk.repair()
      yield* world.pass("30 seconds")
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A"]
      )
      world.disk.fail()
      yield* world.tell(failureOf("B", "2"))
      world.disk.repair()
      yield* life.stop
      yield* world.start
      assert.deepStrictEqual(
        world.reviewed.map(({ job }) => job),
        ["A", "B"]
      )
    })
  )
})

describe("Healing.layerSupervised", () => {
  it.scopedLive("R16: gives nothing of the last process a turn before its supervisor has told what runs", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* fs.makeTempDirectoryScoped()}/healing.db`
      const reviewed = yield* Queue.unbounded<string>()

      /** One that needs the store and the settings itself. */
      const ReviewerLive = Layer.effect(
        Reviewer,
        Effect.gen(function* () {
          const store = yield* HealingStore
          const { cooldown } = yield* HealingConfig
          return {
            review: ({ job }) =>
              Effect.gen(function* () {
                yield* Queue.offer(reviewed, `${job}, number ${yield* Effect.orDie(store.lastNumber)}`)
                const summary = `again after ${Duration.format(cooldown)}`
                return Reviewed.Completed({ report: { summary } })
              })
          }
        })
      )

      const live = Effect.gen(function* () {
        const activity = yield* Mailbox.make<Activity>()
        const SupervisorLive = Layer.succeed(Supervisor, {
          jobs: Effect.succeed([aJob("A")]),
          activity: Mailbox.toStream(activity),
          events: Stream.never,
          runs: Stream.never,
          evidence: () => Effect.succeed(noEvidence)
        })
        const settings = { quietPeriod: 0, cooldown: "1 minute" } as const
        const context = yield* Layer.build(
          Healing.layerSupervised({ filename: file, settings, reviewer: ReviewerLive }).pipe(
            Layer.provide([SupervisorLive, NodeContext.layer])
          )
        )
        return { activity, queue: Context.get(context, HealingQueue) }
      })

      yield* Effect.scoped(
        Effect.gen(function* () {
          const { activity, queue } = yield* live
          yield* activity.offer(Activity.Known({ running: ["other"] }))
          yield* queue.submit({ job: "A" })
        })
      )
      const { activity, queue } = yield* live
      for (const known of [undefined, Activity.Known({ running: ["other"] })]) {
        if (known !== undefined) yield* activity.offer(known)
        yield* settle
        assert.lengthOf(yield* queue.pending, 1)
      }
      yield* activity.offer(Activity.Known({ running: [] }))
      assert.strictEqual(yield* Queue.take(reviewed), "A, number 1")
      while ((yield* queue.history()).length === 0) yield* settle
      const [request] = yield* queue.history()
      assert.strictEqual(request?.report?.summary, "again after 1m")
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
