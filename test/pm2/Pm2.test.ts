import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { EvidenceScope, SupervisorError } from "effect-healing"
import * as Proc from "../../src/internal/Proc.js"
import * as FailureSignature from "../../src/scheduler/FailureSignature.js"
import { isFull } from "../support/property.js"
import { inTime, makeDaemon, neverFalselyIdle, planted, watch } from "./makeDaemon.js"

const flooded = (folder: string) => existsSync(join(folder, "flooded-cluster"))

const everything = EvidenceScope.Since({ since: 0, runId: null, limit: 200 })

describe("a daemon of PM2", () => {
  it.scopedLive("R16: that does not run is not started, and what it runs is unknown", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const { supervisor, unknown } = yield* watch({ home: daemon.home })
      yield* unknown
      const error = yield* Effect.flip(supervisor.jobs)
      assert.instanceOf(error, SupervisorError)
      assert.match(error.message, /^no PM2 runs in /)
      assert.isUndefined(yield* daemon.pid)
    })
  )

  it.scopedLive("is followed through starts, ends, crashes, stops, restarts and deletes", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const { events, known, running, supervisor, told } = yield* watch({ home: daemon.home, exclude: ["quiet"] })
      const watched = yield* neverFalselyIdle(supervisor, daemon.alive, (job) => job !== "web")
      yield* daemon.start(
        { name: "digest", env: { HEALING_POLICY: '{"minRuns":2}' } },
        { name: "web", autorestart: true, namespace: "default" },
        { name: "chat", autorestart: true, env: { HEALING_OPENCLAW: "while-up" } }
      )
      yield* running("chat", "digest")

      const jobs = yield* supervisor.jobs
      assert.deepStrictEqual(
        jobs.map(({ id, kind, openClaw, policy }) => [id, kind, openClaw, policy]),
        [
          ["digest", "fork", true, { minRuns: 2 }],
          ["web", "fork", false, {}],
          ["chat", "fork", true, {}]
        ]
      )

      // A clean exit.
      yield* daemon.make("digest", "exit 0")
      yield* running("chat")
      // A manual start of it, and a stop, which is none of its failures.
      yield* daemon.pm2("restart", "digest")
      yield* running("chat", "digest")
      yield* daemon.pm2("restart", "digest")
      yield* running("chat", "digest")
      yield* daemon.pm2("stop", "digest")
      yield* running("chat")
      // A crash that PM2 answers with a restart, and one that it does not.
      yield* daemon.make("web", "throw boom")
      yield* told(1)
      yield* daemon.pm2("restart", "digest")
      yield* running("chat", "digest")
      yield* daemon.make("digest", "exit 7")
      yield* running("chat")
      yield* told(2)
      yield* daemon.make("web", "kill SIGKILL")
      yield* told(3)

      // Between a crash and the restart it counts.
      for (const count of [4, 5, 6]) {
        yield* daemon.make("chat", "exit 2")
        yield* told(count)
        yield* supervisor.jobs
      }
      yield* running("chat")
      const first = known.findIndex((activity) => activity._tag === "Known" && activity.running.includes("chat"))
      for (const activity of known.slice(first)) {
        // A look in the middle of a start by hand cannot know.
        const isRight =
          activity._tag === "Known"
            ? activity.running.includes("chat")
            : activity.reason === "PM2 is starting a process"
        assert.isTrue(isRight, JSON.stringify(known))
      }

      const [digest] = jobs
      assert.isDefined(digest)
      const evidence = yield* supervisor.evidence(digest, everything)
      assert.match(evidence.command, /^\S*node \S*app\.cjs \S+ digest$/)
      assert.deepStrictEqual(
        evidence.runs.map(({ exitCode, outcome }) => [outcome, exitCode]),
        [
          ["failed", 7],
          ["stopped", 0],
          ["stopped", 0],
          ["succeeded", 0]
        ]
      )
      assert.deepStrictEqual(
        evidence.logs.map(({ name }) => name),
        ["stderr", "stdout"]
      )
      assert.deepStrictEqual(
        evidence.files.map(({ role }) => role),
        ["script"]
      )
      assert.notInclude(JSON.stringify([evidence, yield* supervisor.jobs, yield* events]), planted)
      const last = evidence.runs[0]
      const failed = EvidenceScope.Failure({ runId: last?.id ?? null, limit: 2 })
      assert.deepStrictEqual((yield* supervisor.evidence(digest, failed)).runs, evidence.runs.slice(0, 2))

      // Those of one that runs.
      yield* daemon.pm2("restart", "digest")
      yield* running("chat", "digest")
      yield* daemon.pm2("delete", "digest")
      yield* running("chat")
      const error = yield* Effect.flip(supervisor.evidence(digest, everything))
      assert.strictEqual(error.message, "PM2 has no process named digest")

      assert.deepStrictEqual(
        (yield* events).map(({ exitCode, job, lastError, trigger }) => [job, trigger, exitCode, lastError]),
        [
          ["web", "failure", 1, "boom"],
          ["digest", "failure", 7, undefined],
          ["web", "failure", 0, "ended by SIGKILL"],
          ...Array.from({ length: 3 }, () => ["chat", "failure", 2, undefined])
        ]
      )
      assert.strictEqual((yield* events)[1]?.runId, last?.id)
      yield* watched.assert
    })
  )

  it.scopedLive(
    "R16: that starts what waits to be ready does not look idle meanwhile; what cannot be spawned does not run",
    () =>
      Effect.gen(function* () {
        const daemon = yield* makeDaemon
        yield* daemon.pm2("ping")
        const { running, supervisor } = yield* watch({ home: daemon.home })
        yield* running()
        const watched = yield* neverFalselyIdle(supervisor, daemon.alive, () => true)
        const starting = yield* Effect.fork(daemon.start({ name: "slow", wait_ready: true, listen_timeout: 60_000 }))
        yield* running("slow")
        assert.isTrue(Option.isNone(yield* Fiber.poll(starting)))
        yield* daemon.make("slow", "exit 0")
        yield* running()
        const cwd = join(daemon.folder, "gone")
        mkdirSync(cwd)
        yield* daemon.start({ name: "homeless", cwd })
        yield* running("homeless")
        yield* daemon.pm2("stop", "homeless")
        rmdirSync(cwd)
        yield* daemon.pm2("restart", "homeless")
        assert.include(yield* daemon.pm2("jlist"), '"status":"online"')
        yield* running()
        yield* watched.assert
      })
  )

  it.scopedLive("that is killed leaves nothing known, and orphans count until they end", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const script = join(daemon.folder, "stay.sh")
      writeFileSync(script, ': > "$1/alive-$2-$$"; exec sleep 100000')
      yield* daemon.start({ name: "orphan", script, interpreter: "sh" })
      const { events, running, supervisor, unknown } = yield* watch({ home: daemon.home })
      yield* running("orphan")
      const watched = yield* neverFalselyIdle(supervisor, daemon.alive, () => true)
      const pid = yield* daemon.pid
      assert.isDefined(pid)
      process.kill(pid, "SIGKILL")
      yield* unknown
      yield* daemon.pm2("ping")
      yield* running("orphan")
      assert.deepStrictEqual(yield* supervisor.jobs, [])
      for (const { pid } of daemon.alive()) process.kill(pid, "SIGKILL")
      yield* running()
      assert.deepStrictEqual(yield* events, [])
      yield* watched.assert
    })
  )
})

/** A shell that stays, by itself or with a child that does the work. */
const shell = (folder: string, name: string, text: string) => {
  const script = join(folder, name)
  writeFileSync(script, text)
  return { script, interpreter: "sh" }
}

describe("a process that is down while PM2 goes on", () => {
  it.scopedLive.runIf(isFull)(
    "knows the jobs that have outlived their daemon, and their children, when it is up again",
    () =>
      Effect.gen(function* () {
        const daemon = yield* makeDaemon
        const { home } = daemon
        yield* daemon.start(
          { name: "alone", ...shell(daemon.folder, "alone.sh", ': > "$1/alive-$2-$$"; exec sleep 100000') },
          { name: "parent", ...shell(daemon.folder, "parent.sh", 'sleep 100000 & : > "$1/alive-$2-$!"; wait') },
          { name: "up", autorestart: true }
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { running } = yield* watch({ home })
            yield* running("alone", "parent")
          })
        )
        const pid = yield* daemon.pid
        assert.isDefined(pid)
        process.kill(pid, "SIGKILL")
        yield* daemon.pm2("ping")
        const again = yield* watch({ home })
        yield* again.running("alone", "parent")
        assert.deepStrictEqual(yield* again.supervisor.jobs, [])
        for (const one of daemon.alive()) if (one.job === "alone") process.kill(one.pid, "SIGKILL")
        yield* again.running("parent")
        // The shell ends, and its child goes on.
        const [child] = daemon.alive().filter(({ job }) => job === "parent")
        assert.isDefined(child)
        const shellPid = Number(readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1])
        process.kill(shellPid, "SIGKILL")
        while (Proc.startOf(shellPid) !== undefined) yield* Effect.sleep("10 millis")
        yield* again.supervisor.jobs
        yield* again.running("parent")
        process.kill(child.pid, "SIGKILL")
        yield* again.running()
      })
  )

  it.scopedLive.runIf(isFull)("knows them without its file, by their environments", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      yield* daemon.start({
        name: "alone",
        ...shell(daemon.folder, "alone.sh", ': > "$1/alive-$2-$$"; exec sleep 100000')
      })
      while (daemon.alive().length === 0) yield* Effect.sleep("10 millis")
      const pid = yield* daemon.pid
      assert.isDefined(pid)
      process.kill(pid, "SIGKILL")
      yield* daemon.pm2("ping")
      const { running } = yield* watch({ home: daemon.home })
      yield* running("alone")
      for (const { pid } of daemon.alive()) process.kill(pid, "SIGKILL")
      yield* running()
    })
  )

  it.scopedLive("tells what has failed meanwhile, once", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const { home } = daemon
      yield* daemon.start({ name: "old", first: "exit 4" }, { name: "stay" }, { name: "fine" })
      while (!(yield* daemon.pm2("jlist")).includes('"exit_code":4')) yield* Effect.sleep("10 millis")
      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const { events, running } = yield* watch({ home })
          yield* running("fine", "stay")
          return yield* events
        })
      )
      // It had failed before anybody looked.
      assert.deepStrictEqual(first, [])
      yield* daemon.make("stay", "exit 3")
      yield* daemon.make("fine", "exit 0")
      yield* daemon.start({ name: "new", first: "exit 5" })
      while (daemon.alive().length > 0) yield* Effect.sleep("10 millis")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { events, supervisor, told } = yield* watch({ home })
          yield* told(2)
          yield* supervisor.jobs
          const all = (yield* events).map(({ exitCode, job }) => [job, exitCode])
          assert.sameDeepMembers(all, [
            ["stay", 3],
            ["new", 5]
          ])
        })
      )
      const { events, supervisor } = yield* watch({ home })
      yield* supervisor.jobs
      yield* supervisor.jobs
      assert.deepStrictEqual(yield* events, [])
    })
  )
})

describe("a job that is killed", () => {
  it.scopedLive("counts for as long as its children live, unless it has ended by itself", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const child = 'sleep 100000 & : > "$1/alive-$2-$!"; : > "$1/pid-$2-$$"; '
      yield* daemon.start(
        { name: "killed", ...shell(daemon.folder, "killed.sh", `${child} wait`) },
        { name: "ended", ...shell(daemon.folder, "ended.sh", `${child} while ! test -e "$1/end"; do sleep 0.05; done`) }
      )
      const { running, supervisor } = yield* watch({ home: daemon.home })
      yield* running("ended", "killed")
      const shellOf = (job: string) =>
        Number(
          readdirSync(daemon.folder)
            .find((name) => name.startsWith(`pid-${job}-`))
            ?.split("-")
            .at(-1)
        )
      writeFileSync(join(daemon.folder, "end"), "")
      yield* running("killed")
      process.kill(shellOf("killed"), "SIGKILL")
      while (Proc.startOf(shellOf("killed")) !== undefined) yield* Effect.sleep("10 millis")
      while (!(yield* daemon.pm2("jlist")).includes('"status":"stopped"')) yield* Effect.sleep("10 millis")
      yield* supervisor.jobs
      yield* running("killed")
      for (const { pid } of daemon.alive()) process.kill(pid, "SIGKILL")
      yield* running()
    })
  )
})

describe.runIf(isFull)("two failures of the same program", () => {
  it.scopedLive("are two if their causes are, whatever PM2 puts before each line of the log", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const script = join(daemon.folder, "connect.cjs")
      writeFileSync(
        script,
        'require("node:net").connect(Number(process.argv[2]), "127.0.0.1").on("error", (error) => { console.error(error); process.exit(1) })'
      )
      const { supervisor } = yield* watch({ home: daemon.home })
      const formats = [["--time"], ["--log-date-format", "MMM D HH:mm:ss A "], []]
      for (const [index, format] of formats.entries()) {
        const signatures = yield* Effect.forEach(
          ["1", "2", "1"],
          Effect.fnUntraced(function* (port, run) {
            const name = `connect-${index}-${run}`
            yield* daemon.pm2("start", script, "--name", name, "--no-autorestart", ...format, "--", port)
            const jobs = yield* Effect.repeat(supervisor.jobs, { until: (all) => all.some(({ id }) => id === name) })
            const job = jobs.find(({ id }) => id === name)
            assert.isDefined(job)
            const evidence = yield* Effect.repeat(supervisor.evidence(job, everything), {
              until: ({ runs }) => runs[0]?.outcome === "failed"
            })
            const event = { job: "a", trigger: "failure", runId: null, exitCode: 1, lastError: null } as const
            return yield* FailureSignature.make(event, { ...evidence, command: "node connect.cjs" })
          })
        )
        assert.isNotNull(signatures[0])
        assert.notStrictEqual(signatures[0], signatures[1], format.join())
        assert.strictEqual(signatures[0], signatures[2], format.join())
      }
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

describe.runIf(isFull)("a job that takes too much memory", () => {
  it.scopedLive("has failed each time that PM2 ends it for that", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const script = join(daemon.folder, "greedy.cjs")
      writeFileSync(script, "const all = []; setInterval(() => all.push(Buffer.alloc(30e6, 1)), 300)")
      const { events, supervisor, told } = yield* watch({ home: daemon.home })
      yield* daemon.pm2With(
        { PM2_WORKER_INTERVAL: "1000" },
        ...["start", script, "--name", "greedy", "--max-memory-restart", "100M"]
      )
      yield* told(2)
      yield* daemon.pm2("stop", "greedy")
      const [job] = yield* supervisor.jobs
      assert.isDefined(job)
      for (const { lastError } of yield* events) {
        assert.match(
          lastError ?? "",
          /^PM2 has ended it: it took \d+ MB of memory, and max_memory_restart allows 100 MB$/
        )
      }
      const { runs } = yield* supervisor.evidence(job, everything)
      assert.strictEqual(runs.filter(({ outcome }) => outcome === "failed").length, (yield* events).length)
      assert.strictEqual(runs[0]?.outcome, "stopped")
    })
  )
})

describe.runIf(isFull)("at length, a daemon of PM2", () => {
  it.scopedLive("is followed through back-offs and crash loops", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const { events, running, supervisor, told } = yield* watch({ home: daemon.home, name: /^loop/ })
      yield* daemon.start({ name: "stay" })
      yield* running("stay")
      const watched = yield* neverFalselyIdle(supervisor, daemon.alive, (job) => job === "stay")
      yield* daemon.start({
        name: "back-off",
        autorestart: true,
        exp_backoff_restart_delay: 100,
        env: { HEALING_OPENCLAW: "while-up" },
        first: "exit 3"
      })
      yield* told(4)
      yield* running("stay")
      yield* daemon.pm2("delete", "back-off")
      const before = (yield* events).length

      yield* daemon.start({
        name: "loop",
        namespace: "default",
        autorestart: true,
        max_restarts: 4,
        min_uptime: 60_000,
        cron_restart: "0 0 1 1 *",
        first: "exit 5"
      })
      yield* told(before + 4)
      yield* running("stay")
      const [loop] = (yield* supervisor.jobs).filter(({ id }) => id === "loop")
      assert.isDefined(loop)
      assert.deepStrictEqual([loop.kind, loop.openClaw], ["cron", true])
      const all = yield* events
      assert.deepStrictEqual(
        all.slice(before).map(({ exitCode, job, lastError }) => [job, exitCode, lastError]),
        [
          ...Array.from({ length: 3 }, () => ["loop", 5, undefined]),
          ["loop", 5, "PM2 has given up: too many unstable restarts"]
        ]
      )
      assert.strictEqual(new Set(all.map(({ runId }) => runId)).size, all.length)
      const { runs } = yield* supervisor.evidence(loop, everything)
      assert.deepStrictEqual(
        runs.map(({ outcome }) => outcome),
        ["failed", "failed", "failed", "failed"]
      )
      yield* watched.assert
    })
  )

  it.scopedLive("is followed through reloads, scaling, and a flood of log lines", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const { events, running, supervisor, told } = yield* watch({ home: daemon.home })
      const watched = yield* neverFalselyIdle(supervisor, daemon.alive, () => true)
      yield* daemon.start({ name: "cluster", exec_mode: "cluster", instances: 1 })
      yield* running("cluster")
      yield* daemon.pm2("scale", "cluster", "2")
      yield* running("cluster", "cluster")
      yield* daemon.pm2("reload", "cluster")
      yield* running("cluster", "cluster")
      assert.lengthOf(yield* supervisor.jobs, 1)
      yield* daemon.pm2("scale", "cluster", "1")
      yield* running("cluster")

      global.gc?.()
      const { heapUsed } = process.memoryUsage()
      yield* daemon.make("cluster", "flood 100000")
      yield* inTime(Effect.repeat(supervisor.jobs, { until: () => flooded(daemon.folder) }), "the flood")
      assert.isBelow(process.memoryUsage().heapUsed - heapUsed, 64 * 1024 * 1024)
      yield* daemon.make("cluster", "exit 9")
      yield* running()
      yield* told(1)
      assert.deepStrictEqual(
        (yield* events).map(({ exitCode }) => exitCode),
        [9]
      )
      yield* watched.assert
    })
  )

  it.scopedLive("that is restarted with all that it runs is known again", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      yield* daemon.start({ name: "saved" })
      const { events, running, supervisor } = yield* watch({ home: daemon.home })
      yield* running("saved")
      const watched = yield* neverFalselyIdle(supervisor, daemon.alive, () => true)
      yield* daemon.pm2("save")
      yield* daemon.pm2("kill")
      const activity = yield* Stream.runHead(supervisor.activity)
      assert.strictEqual(activity._tag === "Some" && activity.value._tag, "Unknown")
      yield* daemon.pm2("resurrect")
      yield* running("saved")
      assert.deepStrictEqual(yield* events, [])
      yield* watched.assert
    })
  )
})
