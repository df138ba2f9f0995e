import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Fiber, Layer, Logger, Redacted, Scope } from "effect"
import {
  type Activity,
  EvidenceScope,
  HealingConfig,
  type JobEvent,
  type JobInfo,
  type RunEvent,
  Supervisor,
  SupervisorError
} from "effect-healing"
import { ProcClaw, type ProcClawOptions } from "effect-healing/procclaw"
import { heard } from "../support/heard.js"
import { isFull } from "../support/property.js"
import { type FakeProcClaw, makeProcClaw } from "./makeProcClaw.js"
import { recorded } from "./recordings.js"

const runs =
  (...names: ReadonlyArray<string>) =>
  (all: ReadonlyArray<Activity>) => {
    const last = all.at(-1)
    return last?._tag === "Known" && last.running.join() === names.join()
  }

const reasonOf = (activity: Activity | undefined): string => (activity?._tag === "Unknown" ? activity.reason : "")

const unknown = (why: RegExp) => (all: ReadonlyArray<Activity>) => why.test(reasonOf(all.at(-1)))

const scope = EvidenceScope.Since({ since: 0, runId: null, limit: 50 })

const jobNamed = (id: string): JobInfo => ({ id, kind: "", openClaw: true, policy: {} })

const adapter = (daemon: Pick<FakeProcClaw, "url">, options: ProcClawOptions = {}) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      ProcClaw.layer({ url: daemon.url, timeZone: "UTC", interval: "1 second", ...options })
    )
    const supervisor = Context.get(context, Supervisor)
    const activity = yield* heard(supervisor.activity)
    return { ...supervisor, activity }
  })

/** What was logged. */
const logged = () => {
  const lines: Array<string> = []
  const layer = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => lines.push(String(message)))
  )
  return { lines, layer }
}

describe("ProcClaw", () => {
  describe("what runs on this machine", () => {
    it.scopedLive("goes by the processes, whatever ProcClaw says of a stop, a pause or a removal", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a", type: "openclaw" })
        daemon.add({ id: "plain", type: "scheduled" })
        daemon.add({ id: "feed", type: "continuous" })
        const { activity } = yield* adapter(daemon, { home: daemon.home })
        yield* activity.until(runs())
        daemon.start("plain")
        daemon.start("feed")
        daemon.start("a")
        yield* activity.until(runs("a"))
        daemon.leaves("a", -15, "Manually stopped")
        daemon.remove("a")
        yield* Effect.promise(() => daemon.lose())
        yield* Effect.sleep("2 seconds")
        assert.isTrue(runs("a")(yield* activity.all), "the agent works on, without a daemon, too")
        daemon.kill("a")
        yield* activity.until(runs())
        assert.isFalse((yield* activity.all).some((one) => JSON.stringify(one).includes("plain")))
      })
    )

    it.scopedLive("counts jobs that call OpenClaw by their name, and one that is always up for none", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "backup", type: "scheduled" })
        daemon.add({ id: "chat", type: "continuous" })
        const { activity, jobs } = yield* adapter(daemon, {
          home: daemon.home,
          openClaw: ["backup", "chat"],
          exclude: ["backup"]
        })
        yield* activity.until(runs())
        daemon.start("chat")
        daemon.start("backup")
        yield* activity.until(runs("backup"))
        assert.deepStrictEqual(yield* jobs, [
          {
            id: "chat",
            kind: "continuous",
            openClaw: true,
            alwaysUp: true,
            canRestart: true,
            policy: { triggers: ["failure"] }
          }
        ])
      })
    )

    it.scopedLive("is seen while the daemon does not answer, and a restart takes its time", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a", type: "openclaw" })
        daemon.add({ id: "feed", type: "continuous" })
        const { activity, restart } = yield* adapter(daemon, { home: daemon.home })
        yield* activity.until(runs())
        daemon.start("feed")
        daemon.state.answer = () => true
        const restarting = yield* Effect.fork(Effect.ignore(restart?.(jobNamed("feed")) ?? Effect.void))
        daemon.start("a")
        yield* activity.until(runs("a"))
        daemon.kill("a")
        yield* activity.until(runs())
        yield* Fiber.interrupt(restarting)
      })
    )

    it.scopedLive("goes by its word as well, when the daemon is no more seen to be here", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a", type: "openclaw" })
        daemon.add({ id: "b", type: "openclaw" })
        const { activity } = yield* adapter(daemon, { home: daemon.home })
        yield* activity.until(runs())
        // It was started anew by another user, whose processes cannot be seen.
        writeFileSync(join(daemon.home, "procclaw.pid"), "1")
        daemon.runs.unshift({ id: 77, job: "b", startedAt: 1 })
        yield* activity.until(runs("b"))
        daemon.start("a")
        yield* activity.until(runs("a", "b"))
      })
    )

    it.scopedLive("is looked at when the audit log grows, and not only in its time", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a", type: "openclaw" })
        const { activity } = yield* adapter(daemon, { home: daemon.home, interval: "1 hour" })
        yield* activity.until(runs())
        daemon.start("a")
        yield* activity.until(runs("a"))
        yield* Effect.promise(() => daemon.ends("a", 0))
        yield* activity.until(runs())
        // A line may be looked at before the machine shows what it tells of, and the next look is an hour away here.
      }).pipe(Effect.scoped, Effect.timeout("1 minute"), Effect.retry({ times: 3 }))
    )
  })

  describe("what runs elsewhere", () => {
    it.scopedLive.runIf(isFull)("goes on for a while after a stop, and what runs by its word alone is named", () =>
      Effect.gen(function* () {
        const { layer, lines } = logged()
        yield* Effect.gen(function* () {
          const daemon = yield* makeProcClaw
          daemon.add({ id: "a", type: "openclaw" })
          daemon.add({ id: "stale", type: "openclaw" })
          const { activity } = yield* adapter(daemon, { suspectAfter: "1 second" })
          yield* activity.until(runs())
          daemon.start("a")
          yield* activity.until(runs("a"))
          daemon.leaves("a", -15, "Manually stopped")
          yield* activity.until(runs())
          // Killed together with the daemon, which says for ever that it runs.
          const body = recorded["jobs-stale-running-after-kill9-restart"]
          daemon.state.answer = (request, response) => {
            if (request.url !== "/api/v1/jobs") return false
            response.end(JSON.stringify(body))
            return true
          }
          yield* activity.until(runs("oc-a"))
          while (!lines.some((line) => line.includes("oc-a"))) yield* Effect.sleep("50 millis")
          yield* Effect.sleep("2 seconds")
        }).pipe(Effect.provide(layer))
        const said = lines.filter((line) => line.includes("oc-a"))
        assert.lengthOf(said, 1)
        assert.include(said[0], "start it once more and let it end: procclaw start oc-a")
      })
    )
  })

  describe("failures and breaches", () => {
    /** One life of the healing process. */
    const life = <A>(
      daemon: FakeProcClaw,
      during: (told: {
        readonly events: Effect.Effect<ReadonlyArray<JobEvent>>
        readonly runs: Effect.Effect<ReadonlyArray<RunEvent>>
      }) => Effect.Effect<A>
    ) =>
      Effect.scoped(
        Effect.gen(function* () {
          const supervisor = yield* adapter(daemon, { home: daemon.home })
          const events = yield* heard(supervisor.events)
          const runs = yield* heard(supervisor.runs)
          yield* supervisor.activity.until((all) => all.at(-1)?._tag === "Known")
          return yield* during({ events: events.all, runs: runs.all })
        })
      )

    const settled = Effect.sleep("2500 millis")

    it.scopedLive.runIf(isFull)("are told once, over the restarts of either side and of the database", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a", type: "openclaw", sla: true })
        daemon.add({ id: "b", type: "scheduled" })
        const fail = (job: string, exitCode: number) =>
          Effect.promise(async () => {
            daemon.start(job)
            await daemon.ends(job, exitCode)
          })
        yield* fail("a", 1)
        const told = (events: ReadonlyArray<JobEvent>) =>
          events.map(({ exitCode, job, lastError, trigger }) => [job, trigger, exitCode ?? lastError])
        const first = yield* life(daemon, ({ events }) =>
          Effect.zipRight(Effect.zipRight(fail("a", 2), settled), events)
        )
        assert.deepStrictEqual(told(first), [["a", "failure", 2]], "what had failed before is no news")
        // While this process is down: a failure, a stop, and one that took too long.
        yield* fail("b", 3)
        daemon.start("a")
        yield* Effect.promise(() => daemon.stops("a"))
        yield* fail("a", 0)
        const [late] = daemon.runs
        daemon.breaches.push(
          {
            run_id: late?.id,
            job_id: "a",
            started_at: "2026-11-26T03:00:00",
            sla_status: "partial",
            success_check: true,
            on_time_check: null,
            duration_check: false,
            duration_seconds: 99.6
          },
          {
            run_id: 2,
            job_id: "a",
            started_at: "2026-11-26T02:00:00",
            sla_status: "partial",
            success_check: false,
            on_time_check: null,
            duration_check: true
          },
          {
            run_id: 3,
            job_id: "b",
            started_at: "2026-11-26T02:00:00",
            sla_status: "fail",
            success_check: true,
            on_time_check: false,
            duration_check: true
          }
        )
        const second = yield* life(daemon, ({ events, runs }) => Effect.zipRight(settled, Effect.all({ events, runs })))
        assert.deepStrictEqual(told(second.events), [
          ["b", "failure", 3],
          ["a", "sla_breach", "it took too long: 100 s"]
        ])
        assert.deepStrictEqual(
          second.runs.map((run) => (run._tag === "Started" ? `${run.job} started` : `${run.job} ${run.outcome}`)),
          ["b started", "b failed", "a started", "a stopped", "a started", "a succeeded"]
        )
        assert.deepStrictEqual(
          told(yield* life(daemon, ({ events }) => Effect.zipRight(settled, events))),
          [],
          "and not again"
        )
        // The daemon begins anew with an empty database, in which the numbers begin at 1.
        daemon.runs.splice(0)
        daemon.breaches.splice(0)
        const third = yield* life(daemon, ({ events }) =>
          Effect.zipRight(Effect.zipRight(fail("a", 4), settled), events)
        )
        assert.deepStrictEqual(told(third), [["a", "failure", 4]])
      })
    )

    it.scopedLive.runIf(isFull)("are found where a run goes on while a hundred others begin and end", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "long", type: "openclaw" })
        const supervisor = yield* adapter(daemon, { home: daemon.home })
        const told = yield* heard(supervisor.runs)
        daemon.start("long")
        yield* told.until((all) => all.length === 1)
        const now = yield* Clock.currentTimeMillis
        for (let id = 1000; id < 1150; id++) {
          daemon.runs.unshift({ id, job: "other", startedAt: now, endedAt: now, exitCode: 0 })
        }
        yield* told.until((all) => all.length >= 200)
        yield* Effect.promise(() => daemon.ends("long", 7))
        const all = yield* told.until((all) => all.some((run) => run._tag === "Ended" && run.job === "long"))
        assert.deepStrictEqual(
          all.flatMap((run) => (run.job === "long" ? [run._tag === "Ended" ? run.outcome : "started"] : [])),
          ["started", "failed"]
        )
      })
    )

    it.scopedLive.runIf(isFull)(
      "that are old are no news when they are listed for another reason, and what was deleted has ended",
      () =>
        Effect.gen(function* () {
          const daemon = yield* makeProcClaw
          daemon.add({ id: "feed", type: "continuous", sla: true })
          const now = yield* Clock.currentTimeMillis
          const past = (id: number, job: string, exitCode: number) => ({
            id,
            job,
            startedAt: now - 2000 + id,
            endedAt: now - 1000 + id,
            exitCode
          })
          daemon.runs.unshift(
            ...Array.from({ length: 600 }, (_, index) =>
              past(600 - index, index > 550 ? "feed" : "other", index > 550 ? 3 : 0)
            )
          )
          daemon.breaches.push({
            run_id: 3,
            job_id: "feed",
            started_at: "2026-11-26T02:00:00",
            sla_status: "fail",
            success_check: true,
            on_time_check: false
          })
          let fails = true
          daemon.state.answer = (request, response) => {
            if (!fails || request.url?.includes("/sla/") !== true) return false
            response.writeHead(500).end()
            return true
          }
          const supervisor = yield* adapter(daemon, { home: daemon.home })
          const told = yield* heard(supervisor.runs)
          const events = yield* heard(supervisor.events)
          yield* supervisor.activity.until(runs())
          daemon.start("feed")
          yield* told.until((all) => all.length === 1)
          fails = false
          daemon.runs.unshift(...Array.from({ length: 120 }, (_, index) => past(9120 - index, "other", 0)))
          yield* told.until((all) => all.length >= 200)
          yield* Effect.sleep("2500 millis")
          assert.deepStrictEqual(
            yield* events.all,
            [],
            "what had failed before its first look, and a breach of that time"
          )
          assert.lengthOf(
            (yield* told.all).filter(({ job }) => job === "feed"),
            1
          )
          daemon.runs.splice(
            daemon.runs.findIndex(({ job }) => job === "feed"),
            1
          )
          const ended = yield* told.until((all) => all.some((run) => run.job === "feed" && run._tag === "Ended"))
          assert.deepInclude(ended.at(-1), { job: "feed", outcome: "stopped" })
        })
    )

    it.scopedLive.runIf(isFull)("are told although the daemon ends itself when a job has used up its retries", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "oc-crash", type: "openclaw" })
        const { activity, events } = yield* adapter(daemon, { home: daemon.home })
        const told = yield* heard(events)
        yield* activity.until(runs())
        daemon.start("oc-crash")
        yield* activity.until(runs("oc-crash"))
        yield* Effect.promise(() => daemon.lose())
        // As it was recorded.
        yield* Effect.promise(() => daemon.ends("oc-crash", 3))
        daemon.audit("oc-crash: output_error - Pattern: error, Line: 2")
        daemon.audit("oc-crash: max_retries - Job disabled")
        yield* activity.until(runs())
        yield* Effect.promise(() => daemon.find())
        const all = yield* told.until((all) => all.length > 0)
        assert.deepStrictEqual(
          all.map(({ exitCode, job }) => [job, exitCode]),
          [["oc-crash", 3]]
        )
      })
    )
  })

  describe("evidence", () => {
    it.scopedLive("is asked for within limits, and never for what has secrets in it", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a/b c", type: "openclaw" })
        daemon.add({ id: "script", type: "scheduled" })
        const { evidence, jobs } = yield* adapter(daemon, { home: daemon.home })
        const prompt = { success: true, path: "/home/user/.procclaw/prompts/digest.md", content: "# Digest" }
        daemon.state.answer = (request, response) => {
          if (request.url?.endsWith("/prompt") !== true) return false
          response.end(JSON.stringify(prompt))
          return true
        }
        const elsewhere = yield* adapter(daemon, {})
        const remote = yield* elsewhere.evidence(jobNamed("a/b c"), scope)
        assert.deepStrictEqual(remote, {
          command: 'openclaw agent --message "a/b c"',
          runs: [],
          slaBreaches: [],
          logs: [
            { name: "stderr", text: "one line\nand another" },
            { name: "stdout", text: "one line\nand another" },
            { name: "prompt", text: "# Digest" }
          ],
          files: []
        })
        yield* jobs
        writeFileSync(join(daemon.home, "logs", "script.error.log"), "Error: no space\n")
        const here = yield* evidence(jobNamed("script"), scope)
        assert.deepStrictEqual(here.logs[0], { name: "stderr", path: join(daemon.home, "logs", "script.error.log") })
        assert.instanceOf(yield* Effect.flip(evidence(jobNamed("nobody"), scope)), SupervisorError)
        for (const question of daemon.asked) {
          assert.notMatch(question, /config/)
          assert.match(question, /^GET \/api\/v1\/(?:jobs$|jobs\/|runs\?|sla\/breaches\?)/)
          assert.isAtMost(Number(/(?:lines|limit)=(\d+)/.exec(question)?.[1] ?? 0), 500)
        }
        assert.include(daemon.asked.join("\n"), "/api/v1/jobs/a%2Fb%20c/logs?lines=400&error=true")
      })
    )

    it.scopedLive("takes no scope and no day of the month from a file of a job but these", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({
          id: "a",
          type: "openclaw",
          selfHealing: {
            mode: "proactive",
            review_schedule: { frequency: "monthly", time: "03:00", day: 1, min_runs: 5 }
          }
        })
        writeFileSync(
          join(daemon.home, "jobs", "a.yaml"),
          "env: { TOKEN: hunter2 }\nself_healing:\n  enabled: true\n  review_schedule: { day_of_month: 15 }\n  review_scope: { analyze_logs: false }\n"
        )
        const { jobs } = yield* adapter(daemon, { home: daemon.home })
        const [job] = yield* jobs
        assert.deepStrictEqual(job?.policy, {
          min_runs: 5,
          scope: ["runs", "sla", "script", "prompt", "config", "reviews"],
          triggers: [],
          schedule: { frequency: "monthly", day: 15, time: "03:00", time_zone: "UTC" }
        })
      })
    )
  })

  describe("a restart", () => {
    it.scopedLive("is checked, and what has come of it is said", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "feed", type: "continuous" })
        daemon.add({ id: "a", type: "openclaw" })
        const { restart } = yield* adapter(daemon, { home: daemon.home })
        if (restart === undefined) return assert.fail("it cannot restart")
        const ask = (id: string) => Effect.map(Effect.flip(restart(jobNamed(id))), ({ detail }) => detail)
        daemon.start("feed")
        yield* restart(jobNamed("feed"))
        daemon.state.restart = "fails"
        assert.include(
          yield* ask("feed"),
          "ProcClaw has not restarted feed, which runs on as it was: ProcClaw answers with 500"
        )
        daemon.state.restart = "stops"
        assert.include(
          yield* ask("feed"),
          "ProcClaw has stopped feed and has not started it: it starts no job twice within 60 seconds"
        )
        assert.include(yield* ask("a"), "does not always keep a up")
        assert.include(yield* ask("nobody"), "no job named nobody")
      })
    )
  })

  describe("what can go wrong", () => {
    const json = (status: number, body: string) => (response: ServerResponse) => {
      response.writeHead(status, { "content-type": "application/json" })
      response.end(body)
    }

    const cases: ReadonlyArray<readonly [what: string, why: RegExp, answer: (response: ServerResponse) => void]> = [
      ["401", /refuses the token \(401\)/, json(401, '{"detail":"Invalid token"}')],
      ["500 as JSON", /answers with 500/, json(500, '{"detail":"no"}')],
      [
        "500 as text",
        /answers with 500/,
        (response) => {
          response.writeHead(500, { "content-type": "text/plain" })
          response.end("Internal Server Error")
        }
      ],
      ["JSON that was cut", /what is no JSON/, json(200, '{"jobs":[{"id":"a"')],
      ["something else", /cannot be understood/, json(200, '{"detail":"hello"}')],
      ["an entry that is no job", /1 entries that are no jobs/, json(200, '{"jobs":[{"id":7}],"runs":[]}')],
      [
        "a redirect",
        /answers with 302|does not answer/,
        (response) => {
          response.writeHead(302, { location: "http://127.0.0.1:1/elsewhere" })
          response.end()
        }
      ],
      ["no answer", /does not answer within 3s/, () => {}],
      [
        "half of an answer",
        /does not answer within 3s/,
        (response) => {
          response.writeHead(200, { "content-type": "application/json" })
          response.write('{"jobs":[')
        }
      ],
      [
        "an end in the middle",
        /broken off|does not answer/,
        (response) => {
          response.writeHead(200, { "content-type": "application/json", "content-length": "1000" })
          response.write('{"jobs":[')
          setTimeout(() => response.destroy(), 20)
        }
      ],
      ["too much", /more than 4 MiB/, json(200, JSON.stringify({ jobs: [], more: "x".repeat(5 * 1024 * 1024) }))]
    ]

    describe.runIf(isFull).concurrent("of an answer", () => {
      for (const [what, why, answer] of cases) {
        it.scopedLive(`${what} is unknown, and known when it is well again`, () =>
          Effect.gen(function* () {
            const daemon = yield* makeProcClaw
            daemon.state.answer = (_, response) => {
              answer(response)
              return true
            }
            const { activity, jobs } = yield* adapter(daemon, { token: Redacted.make("token-of-procclaw") })
            const all = yield* activity.until(unknown(why))
            assert.isFalse(all.some(({ _tag }) => _tag === "Known"))
            if (!what.includes("no job")) {
              const error = yield* Effect.flip(jobs)
              assert.match(error.detail, why)
              assert.notInclude(JSON.stringify([error, yield* activity.all]), "token-of-procclaw")
            }
            daemon.state.answer = undefined
            yield* activity.until(runs())
          })
        )
      }
    })

    it.scopedLive.runIf(isFull)("sends its token, asks one thing at a time, and needs no daemon to begin with", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.state.token = "token-of-procclaw"
        yield* Effect.promise(() => daemon.lose())
        const { activity, evidence, jobs } = yield* adapter(daemon, { token: Redacted.make("token-of-procclaw") })
        yield* activity.until(unknown(/does not answer at 127\.0\.0\.1/))
        daemon.add({ id: "a", type: "openclaw" })
        let open = 0
        let most = 0
        daemon.state.answer = (_, response) => {
          most = Math.max(most, ++open)
          response.on("close", () => open--)
          return false
        }
        yield* Effect.promise(() => daemon.find())
        yield* activity.until(runs())
        yield* Effect.all([jobs, evidence(jobNamed("a"), scope), jobs, evidence(jobNamed("a"), scope)], {
          concurrency: "unbounded"
        })
        assert.strictEqual(most, 1)
      })
    )

    it.scopedLive.runIf(isFull)("says once that ProcClaw heals the same jobs itself, and how to turn that off", () =>
      Effect.gen(function* () {
        const { layer, lines } = logged()
        yield* Effect.gen(function* () {
          const daemon = yield* makeProcClaw
          daemon.add({ id: "twice", type: "openclaw", selfHealing: { enabled: true } })
          daemon.add({ id: "excluded", type: "openclaw", selfHealing: { enabled: true } })
          daemon.add({ id: "once", type: "openclaw" })
          const { activity } = yield* adapter(daemon, { exclude: ["excluded"] })
          yield* activity.until(runs())
          yield* Effect.sleep("2500 millis")
        }).pipe(Effect.provide(layer))
        assert.lengthOf(lines, 1)
        assert.match(
          lines[0] ?? "",
          /self-healing is on for twice, which are reviewed here as well: set self_healing\.enabled to false/
        )
      })
    )

    it.scopedLive.runIf(isFull)("ends with its layer, and fails then at once", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        const layer = yield* Scope.make()
        const { activity, jobs } = yield* Scope.extend(adapter(daemon, { home: daemon.home }), layer)
        yield* activity.until(runs())
        daemon.state.answer = () => true
        const asking = yield* Effect.fork(Effect.flip(jobs))
        yield* Scope.close(layer, Exit.void)
        assert.include((yield* Effect.flip(jobs)).detail, "is closed")
        yield* Fiber.interrupt(asking)
        const asked = daemon.asked.length
        yield* Effect.sleep("1500 millis")
        assert.strictEqual(daemon.asked.length, asked)
      })
    )

    it.effect("refuses options that do not fit, and does not show them", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          Effect.scoped(
            Layer.build(
              ProcClaw.layer({
                url: "ftp://hunter2",
                home: "relative",
                timeZone: "Mars/Olympus",
                interval: "1 millis",
                openClaw: [""],
                suspectAfter: "infinity" as never
              })
            )
          )
        )
        assert.sameMembers(
          error.issues.map(({ key }) => key.split(".")[0]),
          ["url", "home", "timeZone", "interval", "openClaw", "suspectAfter"]
        )
        assert.notInclude(error.message, "hunter2")
      })
    )

    it.scopedLive("writes nothing but what it has told, into a folder that is there", () =>
      Effect.gen(function* () {
        const daemon = yield* makeProcClaw
        daemon.add({ id: "a", type: "openclaw" })
        const before = readdirSync(daemon.home)
        const { activity } = yield* adapter(daemon, { home: daemon.home })
        yield* activity.until(runs())
        yield* Effect.promise(async () => {
          daemon.start("a")
          await daemon.ends("a", 3)
        })
        const file = () => readdirSync(daemon.home).find((name) => name.endsWith(".json") && !before.includes(name))
        while (file() === undefined) yield* Effect.sleep("20 millis")
        const name = file() ?? ""
        assert.match(name, /^effect-healing-[\da-f]{8}\.json$/)
        const content = JSON.parse(readFileSync(join(daemon.home, name), "utf8"))
        assert.sameMembers(Object.keys(content), ["version", "told", "open"])
        const missing = join(daemon.folder, "nowhere")
        const { layer, lines } = logged()
        yield* Effect.gen(function* () {
          const other = yield* adapter(daemon, { home: missing })
          yield* other.activity.until(runs())
          while (lines.length === 0) yield* Effect.sleep("20 millis")
        }).pipe(Effect.provide(layer))
        assert.isFalse(existsSync(missing))
        assert.match(lines[0] ?? "", /cannot be written to/)
      })
    )
  })

  it.scoped("leaves its procclaw.yaml to be read by HealingConfig, with healing in it", () =>
    Effect.gen(function* () {
      const daemon = yield* makeProcClaw
      const yaml = join(daemon.folder, "procclaw.yaml")
      mkdirSync(daemon.folder, { recursive: true })
      writeFileSync(
        yaml,
        [
          "daemon: { host: 127.0.0.1, port: 19876, log_level: INFO, file_log_mode: keep }",
          "api: { auth: { enabled: false } }",
          "defaults: { retry: { enabled: true, max_attempts: 3, preset: exponential } }",
          "openclaw: { enabled: true, memory_logging: true, alerts_channels: [whatsapp] }",
          "healing: { queue: openclaw, priority: -20, max_concurrent: 2 }"
        ].join("\n")
      )
      const { maxConcurrent, priority, queue } = yield* HealingConfig
      assert.deepStrictEqual({ maxConcurrent, priority, queue }, { maxConcurrent: 1, priority: -10, queue: "openclaw" })
      const read = yield* Effect.provide(HealingConfig, HealingConfig.layerLoad({ yaml }))
      assert.deepStrictEqual([read.queue, read.priority, read.maxConcurrent], ["openclaw", -20, 2])
    }).pipe(Effect.provide(Layer.merge(HealingConfig.layer(), NodeContext.layer)))
  )
})
