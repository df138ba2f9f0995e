import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Scope, Stream, TestClock } from "effect"
import { Activity, EvidenceScope, Supervisor } from "effect-healing"
import { Pm2 } from "effect-healing/pm2"
import * as Amp from "../../src/pm2/daemon/Amp.js"
import { makeFake } from "./fake.js"
import { inTime, watch } from "./makeDaemon.js"
import { exception, exit, line, listed, planted, runId } from "./recorded.js"

const { Known, Unknown } = Activity

const makeWorld = (options: Parameters<typeof watch>[0] = {}) =>
  Effect.gen(function* () {
    const fake = yield* makeFake
    yield* fake.open
    return { fake, ...(yield* watch({ home: fake.home, ...options })) }
  })

const up = listed()

const down = listed({ status: "stopped", pid: 0, exit_code: 1 })

describe("an answer that is older than what has happened since", () => {
  it.scopedLive("is dropped", () =>
    Effect.gen(function* () {
      const { fake, known, running, told } = yield* makeWorld()
      const late = yield* fake.asked
      yield* fake.publish("process:event", exit({ name: "other", pm_id: 9 }))
      yield* told(1)
      yield* late({ args: [[down]] })
      yield* fake.list(up)
      yield* running("digest")
      assert.deepStrictEqual(
        known.filter(({ _tag }) => _tag === "Known"),
        [Known({ running: ["digest"] })]
      )
      assert.notInclude(JSON.stringify(known), "faster")
    })
  )

  it.scopedLive("leaves unknown what runs if there are only such", () =>
    Effect.gen(function* () {
      const { fake, supervisor, told } = yield* makeWorld()
      let count = 0
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.gen(function* () {
            const late = yield* fake.asked
            yield* fake.publish("process:event", exit({ name: "other", pm_id: 9, pm_uptime: ++count }))
            yield* told(count)
            yield* late({ args: [[down]] })
          })
        )
      )
      yield* inTime(
        Stream.runHead(
          Stream.filter(
            supervisor.activity,
            (activity) => activity._tag === "Unknown" && activity.reason === "PM2 changes faster than it lists"
          )
        )
      )
      assert.lengthOf(yield* supervisor.jobs, 1)
    })
  )
})

describe("a connection", () => {
  it.scopedLive("that is lost leaves nothing known; what has failed meanwhile is told once", () =>
    Effect.gen(function* () {
      const { events, fake, known, running, supervisor, unknown } = yield* makeWorld()
      yield* fake.list(up)
      yield* running("digest")
      yield* fake.hangUp
      yield* unknown
      const restarted = listed({ pm_uptime: 1795477020000, restart_time: 1, exit_code: 1 })
      yield* fake.list(restarted)
      yield* running("digest")
      yield* fake.publish("process:event", exit())
      yield* fake.publish("process:event", exit({ pm_uptime: 1795477020000, exit_code: 2 }))
      // The events lead to questions.
      const jobs = yield* Effect.fork(supervisor.jobs)
      yield* Effect.forkScoped(Effect.forever(fake.list(restarted)))
      yield* Fiber.join(jobs)
      const failure = { job: "digest", trigger: "failure" }
      assert.deepStrictEqual(yield* events, [
        { ...failure, runId, exitCode: 1 },
        { ...failure, runId: "0-1795477020000", exitCode: 2 }
      ])
      assert.deepStrictEqual(known.slice(-3), [
        Known({ running: ["digest"] }),
        Unknown({ reason: "PM2 has closed the connection" }),
        Known({ running: ["digest"] })
      ])
    })
  )

  it.scopedLive("is made as soon as there is a daemon", () =>
    Effect.gen(function* () {
      const fake = yield* makeFake
      const { running, supervisor } = yield* watch({ home: fake.home })
      assert.match((yield* Effect.flip(supervisor.jobs)).message, /^no PM2 runs in /)
      yield* fake.open
      yield* fake.list(up)
      yield* running("digest")
    })
  )

  it.scopedLive.each([
    ["what is no list", { args: [{}] }, "PM2 lists what cannot be understood"],
    ["a list of others", { args: [[{ secret: planted }]] }, "PM2 lists what cannot be understood"],
    ["an error", { error: planted, stack: planted }, "PM2 has failed to list its processes"],
    ["nothing", null, "PM2 has failed to list its processes"]
  ])("that answers %s leaves unknown what runs, and is made anew", ([, content, reason]) =>
    Effect.gen(function* () {
      const { fake, running, supervisor } = yield* makeWorld()
      const error = yield* Effect.zipRight(Effect.forkScoped(fake.answer(content)), Effect.flip(supervisor.jobs))
      assert.strictEqual(error.message, reason)
      yield* fake.list(up)
      yield* running("digest")
    })
  )

  it.scoped("that does not answer is given up after 10 seconds, and asked again after 30 at most", () =>
    Effect.gen(function* () {
      const { fake, running, supervisor } = yield* makeWorld()
      const late = yield* fake.asked
      const error = yield* Effect.fork(Effect.flip(supervisor.jobs))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(error)).message, "PM2 does not list its processes")
      yield* late({ args: [[]] })
      yield* TestClock.adjust("1 second")
      yield* fake.list(up)
      yield* running("digest")
      yield* TestClock.adjust("30 seconds")
      yield* fake.list()
      yield* running()
    })
  )

  it.scopedLive("ends with the layer, and so does whoever asks", () =>
    Effect.gen(function* () {
      const fake = yield* makeFake
      yield* fake.open
      const scope = yield* Scope.make()
      const supervisor = yield* Effect.provide(
        Supervisor,
        yield* Layer.buildWithScope(Pm2.layer({ home: fake.home }), scope)
      )
      yield* fake.asked
      const waiting = yield* Effect.fork(Effect.flip(supervisor.jobs))
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      const closed = "the adapter of PM2 is closed"
      assert.strictEqual((yield* Fiber.join(waiting)).message, closed)
      assert.strictEqual((yield* Effect.flip(supervisor.jobs)).message, closed)
      const activity = yield* Stream.runHead(supervisor.activity)
      assert.deepStrictEqual(activity._tag === "Some" && activity.value, Unknown({ reason: closed }))
      yield* fake.gone
      yield* fake.gone
      assert.strictEqual(yield* fake.connections, 0)
    })
  )
})

describe("of what PM2 sends", () => {
  it.scopedLive("a failure is put together, and nothing of an environment is told or logged", () => {
    const logged: Array<string> = []
    const log = Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ message }) => {
        logged.push(JSON.stringify(message))
      })
    )
    return Effect.gen(function* () {
      const { events, fake, known, running, supervisor } = yield* makeWorld({ exclude: ["quiet"] })
      const always = listed({ name: "chat", pm_id: 1, autorestart: true })
      const module = listed({ name: "pm2-logrotate", pm_id: 2, pmx_module: true })
      const quiet = listed({ name: "quiet", pm_id: 3, namespace: "default" })
      const twin = listed({ pm_id: 4, pm_err_log_path: "/var/log/twin.log" })
      const all = [up, always, module, quiet, twin]
      yield* fake.list(...all)
      yield* running("digest", "digest")
      yield* fake.publish("log:err", { data: planted, process: {} })
      yield* fake.publish("process:exception", exception)
      yield* fake.publish("log:PM2", line())
      yield* fake.publish("process:event", exit({ name: "quiet", pm_id: 3 }))
      yield* fake.publish("process:event", exit())
      yield* fake.publish("process:event", exit({ name: "pm2-logrotate", pmx_module: true }))
      yield* fake.publish("process:event", "what nobody expects")
      yield* Effect.forkScoped(Effect.forever(fake.list(...all)))
      const jobs = yield* supervisor.jobs
      assert.deepStrictEqual(
        jobs.map(({ id, kind, openClaw }) => [id, kind, openClaw]),
        [
          ["digest", "fork", true],
          ["chat", "fork", true]
        ]
      )
      const [digest] = jobs
      assert.isDefined(digest)
      const evidence = yield* supervisor.evidence(digest, EvidenceScope.Failure({ runId, limit: 1 }))
      assert.deepStrictEqual(evidence, {
        command: 'node /srv/digest/app.js --deep "two words"',
        runs: [
          {
            id: runId,
            outcome: "failed",
            startedAt: 1795477010656,
            endedAt: 1795477011613,
            exitCode: 1
          }
        ],
        slaBreaches: [],
        logs: [
          { name: "stderr", path: "/home/ann/.pm2/logs/digest-error.log" },
          { name: "stdout", path: "/home/ann/.pm2/logs/digest-out.log" },
          { name: "stderr", path: "/var/log/twin.log" }
        ],
        files: [{ path: "/srv/digest/app.js", role: "script" }]
      })
      assert.deepStrictEqual(yield* events, [
        { job: "digest", trigger: "failure", runId, exitCode: 1, lastError: "boom" }
      ])
      assert.deepStrictEqual(logged, [
        '["The OpenClaw job chat is always up, and does not hold reviews up: set HEALING_OPENCLAW=while-up in its environment if it is to, or autorestart: false if it ends by itself"]'
      ])
      assert.notInclude(JSON.stringify([jobs, evidence, yield* events, known, logged]), planted)
    }).pipe(Effect.provide(log))
  })

  it("a message may come in pieces, and not be longer than its limit", () => {
    const message = Amp.encode(["log:out", { data: "x".repeat(1000) }])
    const topics: Array<string> = []
    const read = Amp.makeReader((message) => topics.push(Amp.topicOf(message)), 2000)
    for (const byte of message) assert.isTrue(read(Buffer.of(byte)))
    for (let index = 0; index < 10; index++) assert.isTrue(read(message))
    assert.deepStrictEqual(new Set(topics), new Set(["log:out"]))
    assert.lengthOf(topics, 11)
    const long = Buffer.from([0x11, 0x7f, 0xff, 0xff, 0xff])
    assert.isTrue(read(long))
    assert.isTrue(read(Buffer.alloc(1500)))
    assert.isFalse(read(Buffer.alloc(1500)))
  })
})
