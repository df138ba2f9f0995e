import * as NodeFs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, TestClock } from "effect"
import * as Arr from "effect/Array"
import { type Evidence, type HealingRequest, type JobInfo, type Suggestion, SupervisorError } from "effect-healing"
import * as SuggestionLife from "../../src/request/SuggestionLife.js"
import type { Dossier } from "../../src/review/Dossier.js"
import { suggestion as suggestionChange } from "../../src/store/Change.js"
import { hashOf } from "../../src/text/Excerpt.js"
import {
  aJob,
  aRun,
  type Case,
  dossierOf,
  exhibitOf,
  gathering,
  makeFolder,
  nothing,
  wanted
} from "../support/gatherEvidence.js"
import { secretSamples } from "../support/secretSamples.js"
import { aRequest, aSuggestion, ended } from "../support/storeSamples.js"

const DAY = 86_400_000
const NOW = 1_763_900_000_000

const at = (millis: number): string => new Date(millis).toISOString()

/** The ids of the runs that are shown. */
const runsIn = (dossier: Dossier): ReadonlyArray<string> => {
  const { text } = exhibitOf(dossier, "Runs, the newest first")
  return text === "none" ? [] : text.split("\n").map((line) => line.split(",")[0] ?? "")
}

const runsOf = (request: HealingRequest, how: Case) => Effect.map(dossierOf(request, how), runsIn)

const skipped = (request: HealingRequest, how: Case) =>
  Effect.map(gathering(request, how), ({ gathered }) =>
    gathered._tag === "Nothing" ? gathered.reason : assert.fail("there is something")
  )

const ids = (runs: Evidence["runs"]) => runs.map(({ id }) => id)

const atNow = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.zipRight(TestClock.setTime(NOW), test)

/** A run an hour, the newest first, each third of which has failed; the first of them just now. */
const hourly = (count: number) =>
  Arr.makeBy(count, (hour) =>
    aRun(`r${hour}`, NOW - hour * 3_600_000, { outcome: hour % 3 === 2 ? "failed" : "succeeded" })
  )

/** No order at all. */
const mixed = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  all.filter((_, i) => i % 2 === 1).concat(all.filter((_, i) => i % 2 === 0).reverse())

describe("a failure", () => {
  it.effect("looks at the run that failed, with five before it", () =>
    Effect.gen(function* () {
      const request = wanted(["failure"], { runId: "r4" })
      const { gathered, scopes } = yield* gathering(request, { evidence: { runs: mixed(hourly(40)) } })
      assert.deepStrictEqual(scopes, [{ _tag: "Failure", runId: "r4", limit: 6 }])
      if (gathered._tag === "Nothing") return assert.fail(gathered.reason)
      assert.deepStrictEqual(runsIn(gathered.dossier), ["r4", "r5", "r6", "r7", "r8", "r9"])
      assert.match(gathered.dossier.question, /^Why did the job fail in the run in question\?/)
      assert.include(exhibitOf(gathered.dossier, "Job").text, "run in question: r4")
    }).pipe(atNow)
  )

  it.effect("of no run looks at the newest that failed", () =>
    Effect.gen(function* () {
      const { gathered, scopes } = yield* gathering(wanted(), { evidence: { runs: mixed(hourly(40)) } })
      assert.deepStrictEqual(scopes, [{ _tag: "Failure", runId: null, limit: 6 }])
      if (gathered._tag === "Nothing") return assert.fail(gathered.reason)
      assert.deepStrictEqual(runsIn(gathered.dossier), ["r2", "r3", "r4", "r5", "r6", "r7"])
      assert.match(gathered.dossier.question, /^Why did the job fail\?/)
      assert.notInclude(exhibitOf(gathered.dossier, "Job").text, "run in question")
    }).pipe(atNow)
  )

  it.effect("may be that of the oldest run, of one that has not begun, of an unknown one, or of none", () =>
    Effect.gen(function* () {
      const runs = hourly(8)
      const of = (runId: string, more: Evidence["runs"] = []) =>
        runsOf(wanted(["failure"], { runId }), { evidence: { runs: [...more, ...runs] } })
      assert.deepStrictEqual(yield* of("r7"), ["r7"])
      assert.deepStrictEqual(yield* of("unbegun", [aRun("unbegun", null, { outcome: "failed" })]), ["unbegun"])
      assert.deepStrictEqual(yield* of("gone"), ["r0", "r1", "r2", "r3", "r4", "r5"])
      assert.deepStrictEqual(yield* runsOf(wanted(), {}), [])
    }).pipe(atNow)
  )

  it.effect("is what a schedule is about if both want it", () =>
    Effect.gen(function* () {
      for (const triggers of [
        ["failure", "schedule"],
        ["schedule", "failure"]
      ] as const) {
        const { gathered, scopes } = yield* gathering(wanted([...triggers]), { evidence: { runs: hourly(3) } })
        assert.strictEqual(gathered._tag, "Dossier", "with fewer runs than minRuns")
        assert.deepStrictEqual(scopes, [{ _tag: "Failure", runId: null, limit: 6 }])
      }
    }).pipe(atNow)
  )

  it.effect("is not asked about by other triggers, with the run in question or the last week", () =>
    Effect.gen(function* () {
      for (const trigger of ["sla_breach", "own"]) {
        const ofRun = yield* gathering(wanted([trigger], { runId: "r1" }), { evidence: { runs: hourly(3) } })
        assert.deepStrictEqual(ofRun.scopes, [{ _tag: "Failure", runId: "r1", limit: 6 }])
        if (ofRun.gathered._tag === "Nothing") return assert.fail(ofRun.gathered.reason)
        assert.match(ofRun.gathered.dossier.question, /^What is wrong in the run in question\?/)
        assert.deepStrictEqual(runsIn(ofRun.gathered.dossier), ["r1", "r2"])

        const { gathered, scopes } = yield* gathering(wanted([trigger]), { evidence: { runs: hourly(3) } })
        assert.strictEqual(gathered._tag, "Dossier", "with fewer runs than minRuns")
        assert.deepStrictEqual(scopes, [{ _tag: "Since", since: NOW - 7 * DAY, runId: null, limit: 200 }])
      }
    }).pipe(atNow)
  )

  it.effect("says so if the run in question is not known", () =>
    Effect.gen(function* () {
      const remarksOf = (runId: string) =>
        Effect.map(gathering(wanted(["failure"], { runId }), { evidence: { runs: hourly(3) } }), ({ gathered }) =>
          gathered._tag === "Nothing"
            ? []
            : gathered.dossier.exhibits.find(({ title }) => title.startsWith("Runs"))?.remarks
        )
      assert.deepStrictEqual(yield* remarksOf("gone"), ["the run in question is not among them"])
      assert.deepStrictEqual(yield* remarksOf("r1"), [])
    }).pipe(atNow)
  )
})

describe("a scheduled review", () => {
  const scheduled = wanted(["schedule"])

  it.effect("looks at all runs, if there was no other", () =>
    Effect.gen(function* () {
      const runs = [...hourly(6), aRun("first", NOW - 70 * DAY), aRun("?", null)]
      const { gathered, scopes } = yield* gathering(scheduled, { evidence: { runs: mixed(runs) } })
      assert.deepStrictEqual(scopes, [{ _tag: "Since", since: 0, runId: null, limit: 200 }])
      if (gathered._tag === "Nothing") return assert.fail(gathered.reason)
      // One without a time may have been then.
      assert.deepStrictEqual(runsIn(gathered.dossier), [...ids(hourly(6)), "first", "?"])
      assert.match(gathered.dossier.question, /^How does the job do, and/)
    }).pipe(atNow)
  )

  it.effect("looks at the runs since the last completed one has begun, for the last time", () =>
    Effect.gen(function* () {
      const began = NOW - 10 * DAY
      const history = [
        ended(1, NOW - 30 * DAY, { starts: [NOW - 31 * DAY] }),
        ended(2, NOW - 9 * DAY, { starts: [NOW - 11 * DAY, began] }),
        // None of these has seen any run.
        ...(["failed", "skipped", "cancelled", "coalesced"] as const).map((state, index) =>
          ended(3 + index, NOW - DAY, { state, starts: [NOW - 2 * DAY], report: null })
        ),
        ended(9, NOW - DAY, { job: "B", starts: [NOW - 2 * DAY] }),
        aRequest(10, { state: "pending", starts: [NOW - DAY] })
      ]
      // What ran during the last review was not seen by it.
      const runs = [...hourly(4), aRun("meanwhile", NOW - 9.5 * DAY), aRun("first", began), aRun("seen", began - 1)]
      const { gathered, scopes } = yield* gathering(scheduled, { evidence: { runs }, history })
      assert.deepStrictEqual(scopes, [{ _tag: "Since", since: began, runId: null, limit: 200 }])
      if (gathered._tag === "Nothing") return assert.fail(gathered.reason)
      assert.deepStrictEqual(runsIn(gathered.dossier), [...ids(hourly(4)), "meanwhile", "first"])
    }).pipe(atNow)
  )

  it.effect("is skipped with a reason below minRuns, counted within its scope", () =>
    Effect.gen(function* () {
      const began = NOW - 7 * DAY
      const history = [ended(1, began + 1, { job: aJob.id, starts: [began] })]
      const old = Arr.makeBy(20, (index) => aRun(`old${index}`, began - 1 - index))
      const reason = yield* skipped(scheduled, { history, evidence: { runs: [...old, ...hourly(4)] } })
      assert.strictEqual(reason, `4 runs since ${at(began)}, fewer than minRuns (5)`)
      assert.lengthOf(yield* runsOf(scheduled, { history, evidence: { runs: [...old, ...hourly(5)] } }), 5)
      assert.strictEqual(yield* skipped(scheduled, { evidence: { runs: hourly(4) } }), "4 runs, fewer than minRuns (5)")
    }).pipe(atNow)
  )

  it.effect("needs as many runs as the policy of the job says", () =>
    Effect.gen(function* () {
      const jobs = (minRuns: number) =>
        Effect.succeed([
          { ...aJob, id: "B" },
          { ...aJob, policy: { minRuns } }
        ])
      assert.deepStrictEqual(yield* runsOf(scheduled, { jobs: jobs(0) }), [])
      assert.match(yield* skipped(scheduled, { jobs: jobs(1) }), /^0 runs, .* \(1\)$/)
      assert.lengthOf(yield* runsOf(scheduled, { jobs: jobs(1), evidence: { runs: hourly(1) } }), 1)
    }).pipe(atNow)
  )
})

describe("a review by hand", () => {
  it.effect("looks at 30 days, and at the run it was wanted for, whoever else wants it", () =>
    Effect.gen(function* () {
      const since = NOW - 30 * DAY
      const runs = [aRun("old", since - 2), aRun("named", since - 1), aRun("first", since), ...hourly(2)]
      const history = [ended(1, NOW - DAY, { starts: [NOW - DAY] })]
      for (const triggers of [["manual"], ["schedule", "manual"], ["failure", "manual"]] as const) {
        const request = wanted([...triggers], { runId: "named" })
        const { gathered, scopes } = yield* gathering(request, { evidence: { runs }, history })
        assert.deepStrictEqual(scopes, [{ _tag: "Since", since, runId: "named", limit: 200 }])
        if (gathered._tag === "Nothing") return assert.fail(gathered.reason)
        assert.deepStrictEqual(runsIn(gathered.dossier), ["r0", "r1", "first", "named"])
        assert.include(gathered.dossier.question, at(since))
      }
    }).pipe(atNow)
  )

  it.effect("needs no runs", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* runsOf(wanted(["manual", "schedule"]), {}), [])
    }).pipe(atNow)
  )
})

describe("an adapter", () => {
  it.effect("that does not know the job leaves nothing to review", () =>
    Effect.gen(function* () {
      for (const jobs of [[], [{ ...aJob, id: "B" }]]) {
        const { gathered, scopes } = yield* gathering(wanted(), { jobs: Effect.succeed(jobs) })
        assert.deepStrictEqual(gathered, {
          _tag: "Nothing",
          reason: "the supervisor has no job named A",
          lacksJob: true
        })
        assert.isEmpty(scopes)
      }
    })
  )

  it.effect("that gives too many runs is shown the newest 200 of, and that is said", () =>
    Effect.gen(function* () {
      const runs = Arr.makeBy(300, (index) => aRun(`r${index}`, 2_000_000 - index, { endedAt: null, exitCode: null }))
      const many = yield* dossierOf(wanted(["manual"]), { evidence: { runs: runs.slice().reverse() } })
      assert.include(exhibitOf(many, "Runs").remarks, "200 at most")
      // Short lines, of which all fit in.
      const short = runs.map((run) => ({ ...run, outcome: "running" as const, startedAt: null }))
      yield* TestClock.setTime(0)
      const all = exhibitOf(yield* dossierOf(wanted(["manual"]), { evidence: { runs: short } }), "Runs")
      assert.deepStrictEqual(all.remarks, ["200 at most"])
      assert.lengthOf(all.text.split("\n"), 200)
      const fewer = yield* dossierOf(wanted(["manual"]), { evidence: { runs: short.slice(0, 199) } })
      assert.deepStrictEqual(exhibitOf(fewer, "Runs").remarks, [])
    })
  )

  const wrong: Readonly<Record<string, readonly [evidence: object, where: string]>> = {
    "a time that is none": [{ runs: [aRun("hunter2", Number.NaN)] }, "runs.0.startedAt"],
    "a time without an end": [{ runs: [aRun("hunter2", Number.POSITIVE_INFINITY)] }, "runs.0.startedAt"],
    "a negative time": [{ runs: [aRun("a", 1), aRun("hunter2", 1, { endedAt: -1 })] }, "runs.1.endedAt"],
    "a time that no date can be": [{ slaBreaches: [{ at: 8.64e15 + 1, what: "hunter2" }] }, "slaBreaches.0.at"],
    "half an exit code": [{ runs: [aRun("hunter2", 1, { exitCode: 0.5 })] }, "runs.0.exitCode"],
    "an outcome of its own": [{ runs: [{ ...aRun("x", 1), outcome: "hunter2" }] }, "runs.0.outcome"],
    "no runs": [{ runs: null }, "runs"],
    "a command that is none": [{ command: { hunter2: 1 } }, "command"],
    "a log without anything in it": [{ logs: [{ name: "hunter2" }] }, "logs.0"],
    "a file that is a name": [{ files: ["hunter2"] }, "files.0"],
    "a file of another role": [{ files: [{ path: "/a", role: "hunter2" }] }, "files.0.role"]
  }
  for (const [name, [evidence, where]] of Object.entries(wrong)) {
    it.effect(`that gives ${name} is told where, and not what`, () =>
      Effect.gen(function* () {
        // What the compiler would not let through comes from those that have none.
        const given = { ...nothing, ...evidence } as Evidence
        const error = yield* Effect.flip(gathering(wanted(), { evidence: () => Effect.succeed(given) }))
        assert.instanceOf(error, SupervisorError)
        assert.include(error.message, where)
        assert.notInclude(error.message, "hunter2")
      })
    )
  }

  it.effect("may give a job a wrong policy, for which the defaults are taken", () =>
    Effect.gen(function* () {
      for (const policy of [{ minRuns: -1 }, { minRuns: Number.NaN, scope: [] }, { minRun: 0 }]) {
        const jobs = Effect.succeed([{ ...aJob, policy }])
        const { gathered } = yield* gathering(wanted(["schedule"]), { jobs })
        assert.include(gathered._tag === "Nothing" ? gathered.reason : "", "fewer than minRuns (5)")
      }
    })
  )

  it.effect("that gives a job that does not fit is told so", () =>
    Effect.gen(function* () {
      const jobs = Effect.succeed([{ ...aJob, kind: null } as unknown as JobInfo])
      const error = yield* Effect.flip(gathering(wanted(), { jobs }))
      assert.include(error.message, "kind")
    })
  )

  it.effect("may tell the same time twice, an end before its start, and parts of milliseconds", () =>
    Effect.gen(function* () {
      const runs = [aRun("back", 1000.5, { endedAt: 999, signal: "SIGTERM", trigger: "cron" }), aRun("b", 1000.5)]
      const { text } = exhibitOf(yield* dossierOf(wanted(), { evidence: { runs } }), "Runs")
      assert.deepStrictEqual(text.split("\n"), [
        `back, succeeded, started ${at(1000)}, ended ${at(999)}, took 0, exit code 0, signal SIGTERM, trigger cron`,
        `b, succeeded, started ${at(1000)}, ended ${at(1000)}, took 0, exit code 0`
      ])
    })
  )

  it.effect("that says little is taken at its word", () =>
    Effect.gen(function* () {
      const runs = [aRun("x", null, { outcome: "running", endedAt: null, exitCode: null, signal: null, trigger: null })]
      const { text } = exhibitOf(yield* dossierOf(wanted(), { evidence: { runs } }), "Runs")
      assert.strictEqual(text, "x, running, start unknown")
      const { exhibits } = yield* dossierOf(wanted(), {})
      assert.deepStrictEqual(
        exhibits.map(({ text, title }) => `${title}: ${text}`),
        [
          "Job: id: A\nkind: cron, calls OpenClaw\nreviewed because of: failure",
          "Command line: node digest.js",
          "Runs, the newest first: none"
        ]
      )
    })
  )

  it.effect("that fails has its error passed on, and one that dies has died", () =>
    Effect.gen(function* () {
      const error = new SupervisorError({ detail: "it does not answer" })
      assert.strictEqual(yield* Effect.flip(gathering(wanted(), { jobs: Effect.fail(error) })), error)
      assert.strictEqual(yield* Effect.flip(gathering(wanted(), { evidence: () => Effect.fail(error) })), error)
      for (const how of [
        { jobs: Effect.die("bug") },
        { evidence: () => Effect.die("bug") },
        {
          evidence: () => {
            throw "bug"
          }
        }
      ]) {
        const exit = yield* Effect.exit(gathering(wanted(), how))
        assert.deepStrictEqual(Exit.isFailure(exit) && Arr.fromIterable(Cause.defects(exit.cause)), ["bug"])
      }
    })
  )
})

describe("each part has its limit, and says what is beyond it", () => {
  /** Letters, of which each is one character and no secret. */
  const long = (length: number) => "so long ".repeat(Math.ceil(length / 8)).slice(0, length)
  const JOB = "id: A\nkind: cron\nreviewed because of: failure\nnote: "

  const parts: Readonly<
    Record<string, readonly [title: string, limit: number, of: (text: string) => Case, request?: boolean]>
  > = {
    "the command line": ["Command line", 4000, (command) => ({ evidence: { command } })],
    "the breaches": ["SLA", 4000 - 25, (what) => ({ evidence: { slaBreaches: [{ at: 0, what }] } })],
    "a log": ["Log", 12_000, (text) => ({ evidence: { logs: [{ name: "out", text }] } })]
  }
  for (const [name, [title, limit, of]] of Object.entries(parts)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const fits = exhibitOf(yield* dossierOf(wanted(), of(long(limit))), title)
        assert.isTrue(fits.text.endsWith(long(limit)))
        assert.deepStrictEqual(fits.remarks, [])
        const { remarks, text } = exhibitOf(yield* dossierOf(wanted(), of(`${long(limit)}!`)), title)
        assert.strictEqual(text.length, fits.text.length)
        assert.match(remarks.join(), /^cut: 1 characters at the (?:end|beginning)$/)
      })
    )
  }

  it.effect("what the job is", () =>
    Effect.gen(function* () {
      const jobs = Effect.succeed([{ ...aJob, openClaw: false }])
      const limit = 4000 - JOB.length
      const noted = (length: number) => dossierOf(wanted(["failure"], { note: long(length) }), { jobs })
      assert.deepStrictEqual(exhibitOf(yield* noted(limit), "Job"), {
        title: "Job",
        text: `${JOB}${long(limit)}`,
        remarks: []
      })
      assert.deepStrictEqual(exhibitOf(yield* noted(limit + 2), "Job").remarks, ["cut: 2 characters at the end"])
    })
  )

  it.effect("a run, and all runs", () =>
    Effect.gen(function* () {
      const run = (id: string) => aRun(id, null, { outcome: "running", endedAt: null, exitCode: null })
      const rest = ", running, start unknown"
      const shown = (ids: ReadonlyArray<string>) =>
        Effect.map(dossierOf(wanted(["manual"]), { evidence: { runs: ids.map(run) } }), (dossier) =>
          exhibitOf(dossier, "Runs")
        )
      const fits = long(300 - rest.length)
      assert.strictEqual((yield* shown([fits])).text, `${fits}${rest}`)
      assert.deepStrictEqual((yield* shown(["PASSWORD=hunter2"])).remarks, ["secrets replaced"])
      assert.strictEqual((yield* shown([`${fits}!`])).text, `${`${fits}!${rest}`.slice(0, 300)} [cut]`)
      const all = yield* shown(Arr.makeBy(40, () => long(299 - rest.length)))
      assert.strictEqual(all.text.length, 11_999)
      assert.deepStrictEqual(all.remarks, [])
      assert.deepStrictEqual((yield* shown(Arr.makeBy(41, () => long(299 - rest.length)))).remarks, [
        "cut: 299 characters at the end"
      ])
    })
  )

  it.effect("the name of a log", () =>
    Effect.gen(function* () {
      const named = (name: string) =>
        Effect.map(dossierOf(wanted(), { evidence: { logs: [{ name, text: "fine" }] } }), (dossier) =>
          exhibitOf(dossier, "Log")
        )
      const fits = { title: `Log ${long(496)}`, text: "fine", remarks: [] }
      assert.deepStrictEqual(yield* named(long(496)), fits)
      assert.deepStrictEqual((yield* named(`${long(496)}!`)).remarks, ["its name: cut: 1 characters at the end"])
      assert.strictEqual((yield* named("a\n\u0085\u2028\u001b b\tc")).title, "Log a b c")
    })
  )

  it.effect("four logs", () =>
    Effect.gen(function* () {
      const logs = (count: number) => Arr.makeBy(count, (index) => ({ name: `l${index}`, text: "" }))
      const titles = (count: number) =>
        Effect.map(dossierOf(wanted(), { evidence: { logs: logs(count) } }), ({ exhibits }) =>
          exhibits.slice(3).map(({ remarks, title }) => [title, ...remarks].join(": "))
        )
      assert.deepStrictEqual(yield* titles(4), ["Log l0", "Log l1", "Log l2", "Log l3"])
      assert.deepStrictEqual((yield* titles(6)).slice(3), ["Log l3", "More logs: left out: 2 logs"])
    })
  )

  it.scoped("five files, 80,000 characters in all", () =>
    Effect.gen(function* () {
      const inFolder = yield* makeFolder
      const files = Arr.makeBy(7, (index) => ({
        path: inFolder(`f${index}`, long(15_999 + index)),
        role: "config" as const
      }))
      const dossier = yield* dossierOf(wanted(), { evidence: { files } })
      assert.deepStrictEqual(
        dossier.exhibits.slice(3).map(({ remarks, title }) => [title.replace(/.*\//, ""), ...remarks].join(": ")),
        [
          "f0: config",
          "f1: config",
          "f2: config",
          "f3: config",
          "f4: config: cut: 5 characters at the end",
          "More files: left out: 2 files"
        ]
      )
      assert.deepStrictEqual(
        Array.from(dossier.files.values(), ({ isWhole }) => isWhole),
        [true, true, true, true, false]
      )
    })
  )

  it.effect("five earlier reviews, each of them 2,500 characters, of which half are its summary", () =>
    Effect.gen(function* () {
      const summary = long(1250)
      const suggestions = [suggestion({ title: long(200) }), suggestion({ targetFile: long(1100) })]
      const history = (count: number) =>
        Arr.makeBy(count, (index) =>
          ended(index + 1, index, { report: index === 0 ? { summary: `${summary}!`, suggestions } : { summary } })
        )
      const earlier = (count: number) =>
        Effect.map(dossierOf(wanted(), { history: history(count) }), ({ exhibits }) => exhibits.slice(3))
      const five = yield* earlier(5)
      assert.deepStrictEqual(
        five.map(({ title }) => title),
        [4, 3, 2, 1, 0].map((millis) => `Earlier review, of ${at(millis)}`)
      )
      assert.deepStrictEqual(five[0], { title: `Earlier review, of ${at(4)}`, text: summary, remarks: [] })
      assert.isTrue(five[4]?.text.startsWith(`${summary} [cut]\n- suggested (high): so long`))
      assert.lengthOf(five[4]?.text ?? "", 2500)
      assert.match(five[4]?.remarks.join() ?? "", /^cut: \d+ characters at the end$/)
      assert.deepStrictEqual((yield* earlier(6)).slice(5), [
        { title: "More earlier reviews", text: "", remarks: ["left out: the older ones"] }
      ])
    })
  )
})

const suggestion = (fields: Partial<Suggestion> = {}): Suggestion => ({ ...aSuggestion, ...fields })

describe("files and logs", () => {
  it.scoped("are read in the turn, with what they are for", () =>
    Effect.gen(function* () {
      const inFolder = yield* makeFolder
      const script = inFolder("digest.js", "run()\n")
      const config = inFolder("digest.yaml", "password: hunter2-Xq9\n")
      const log = inFolder("out.log", "10%\r100%\n")
      const dossier = yield* dossierOf(wanted(), {
        evidence: {
          logs: [
            { name: "stdout", path: log },
            { name: "stderr", path: inFolder("none.log") },
            { name: "audit", text: "\u001b[1mok\u001b[0m" }
          ],
          files: [
            { path: script, role: "script" },
            { path: config, role: "config" },
            { path: inFolder("gone.md"), role: "prompt" }
          ]
        }
      })
      assert.deepStrictEqual(dossier.exhibits.slice(3), [
        { title: "Log stdout", text: "10%\n100%\n", remarks: [] },
        { title: "Log stderr", text: "", remarks: ["left out: no such file"] },
        { title: "Log audit", text: "ok", remarks: [] },
        { title: `File ${script}`, text: "run()\n", remarks: ["script"] },
        { title: `File ${config}`, text: "password: [secret]\n", remarks: ["config", "secrets replaced"] },
        { title: `File ${inFolder("gone.md")}`, text: "", remarks: ["prompt", "left out: no such file"] }
      ])
      assert.deepStrictEqual(Array.from(dossier.files.keys()), [script, config, inFolder("gone.md")])
      assert.strictEqual(dossier.files.get(config)?.hash, hashOf("password: hunter2-Xq9\n"))
    })
  )

  it.scoped("that are environments are not read", () =>
    Effect.gen(function* () {
      const inFolder = yield* makeFolder
      const names = [".env", ".env.production", ".envrc", "prod.env", "PROD.ENV"]
      const files = names.map((name) => ({ path: inFolder(name, "GREETING=hello"), role: "config" as const }))
      const dossier = yield* dossierOf(wanted(), { evidence: { files } })
      for (const { path } of files) {
        const { remarks, text } = exhibitOf(dossier, `File ${path}`)
        assert.deepStrictEqual({ text, remarks }, { text: "", remarks: ["config", "left out: an environment"] })
        assert.deepInclude(dossier.files.get(path), { hash: null, isWhole: false })
      }
      const others = ["environment.ts", "env", "a.env.ts", "x.environment"].map((name) => ({
        path: inFolder(name, "GREETING=hello"),
        role: "script" as const
      }))
      const { exhibits } = yield* dossierOf(wanted(), { evidence: { files: others } })
      assert.deepStrictEqual(
        exhibits.slice(3).map(({ text }) => text),
        others.map(() => "GREETING=hello")
      )
    })
  )

  it.scoped("with a path that cannot be told are left out, and counted", () =>
    Effect.gen(function* () {
      const inFolder = yield* makeFolder
      const fits = inFolder("x".repeat(396 - inFolder("").length).concat(".js"))
      const paths = [
        `${fits}x`,
        `/${"x".repeat(5000)}`,
        `/srv/${secretSamples["a token of GitHub"]?.text}/digest.js`,
        inFolder("two\nlines", "x"),
        inFolder("two\u2028lines", "x"),
        inFolder("bell\u0007", "x"),
        "/half \ud83d"
      ]
      const whole = inFolder('with `signs` and $(more) "日本"', "x")
      const files = [...paths, whole, fits].map((path) => ({ path, role: "script" as const }))
      const dossier = yield* dossierOf(wanted(), { evidence: { files } })
      assert.deepStrictEqual(Array.from(dossier.files.keys()), [whole, fits])
      assert.deepStrictEqual(exhibitOf(dossier, "More files").remarks, [`left out: ${paths.length} files`])
      assert.strictEqual(exhibitOf(dossier, `File ${whole}`).text, "x")
    })
  )
})

describe("earlier reviews", () => {
  it.scoped("are shown with what became of their suggestions", () =>
    Effect.gen(function* () {
      const inFolder = yield* makeFolder
      const proposed = inFolder("proposed", "new\n")
      const unchanged = inFolder("unchanged", "old\n")
      const changed = inFolder("changed", "other\n")
      const shown = inFolder("shown", "new\n")
      const env = inFolder(".env", "new\n")
      NodeFs.mkdirSync(inFolder("folder"))
      const of = (targetFile: string, fileHash: string | null = hashOf("old\n")) =>
        suggestion({ title: "T", targetFile, proposedContent: "new\n", fileHash })
      const suggestions = [
        suggestion({ title: "Nowhere", severity: "low" }),
        of(proposed),
        of(unchanged),
        of(changed),
        of(inFolder("gone")),
        of(inFolder("folder")),
        of(shown),
        of(env),
        of(changed, null),
        { ...of(proposed), proposedContent: null }
      ]
      const dossier = yield* dossierOf(wanted(), {
        history: [
          ended(1, NOW, { report: { summary: "Logs are never removed.", rootCause: "x", suggestions } }),
          ended(2, NOW + 1, { report: null }),
          ended(3, NOW + 2, { job: "B" }),
          ended(4, NOW + 3, { state: "failed", report: null })
        ],
        evidence: {
          files: [
            { path: shown, role: "prompt" },
            { path: env, role: "config" }
          ]
        }
      })
      const earlier = dossier.exhibits.filter(({ title }) => title.startsWith("Earlier"))
      assert.deepStrictEqual(
        earlier.map(({ title }) => title),
        [`Earlier review, of ${at(NOW + 1)}`, `Earlier review, of ${at(NOW)}`]
      )
      assert.deepStrictEqual(earlier[1]?.text.split("\n"), [
        "Logs are never removed.",
        "- suggested (low): Nowhere",
        `- suggested (high): T, in ${proposed}: which is now as it was proposed`,
        `- suggested (high): T, in ${unchanged}: which has not changed since`,
        `- suggested (high): T, in ${changed}: which was changed since, but not as proposed`,
        `- suggested (high): T, in ${inFolder("gone")}: which cannot be read now`,
        `- suggested (high): T, in ${inFolder("folder")}: which cannot be read now`,
        `- suggested (high): T, in ${shown}: which is now as it was proposed`,
        `- suggested (high): T, in ${env}: which cannot be read now`,
        `- suggested (high): T, in ${changed}: which was changed since, but not as proposed`,
        `- suggested (high): T, in ${proposed}: which was changed since, but not as proposed`
      ])
    })
  )

  it.scoped("are shown with what people and later runs have made of their suggestions", () =>
    Effect.gen(function* () {
      const DAY = 86_400_000
      const by = { who: "anna", door: "code" }
      const review = ended(1, NOW, {
        report: { summary: "fine", suggestions: [suggestion({}), suggestion({}), suggestion({})] }
      })
      const [first, second, third] = SuggestionLife.propose(review, NOW, DAY)
      assert(first !== undefined && second !== undefined && third !== undefined)
      const relapsed = SuggestionLife.judge(second, "relapsed", NOW, "the run 7 has failed")
      const rejected = SuggestionLife.reject(first, {
        at: NOW,
        by,
        reason: "no, since\nTOKEN=sk-proj-abcdefghijklmnopqrstuvwxyz012345"
      })
      const dossier = yield* dossierOf(wanted(), {
        history: [review],
        changes: [rejected, relapsed, third].map((one) => suggestionChange(null, one))
      })
      const { text } = exhibitOf(dossier, "Earlier review")
      assert.include(text, "; it was rejected (no, since TOKEN=[secret])")
      assert.include(
        text,
        "; it was applied, and has not helped: the job has failed again for the same cause (the run 7 has failed)"
      )
      assert.include(text, "; nobody has decided on it")
    })
  )

  it.scoped("leave room for a file of 64 KiB, which is whole", () =>
    Effect.gen(function* () {
      const inFolder = yield* makeFolder
      const long = "x".repeat(64 * 1024 - 1)
      const paths = [inFolder("a", long), inFolder("b", `${long}y!`), inFolder("c", "c")]
      const dossier = yield* dossierOf(wanted(), {
        evidence: { files: paths.map((path) => ({ path, role: "script" })) }
      })
      const seen = paths.map((path) => dossier.files.get(path))
      assert.deepStrictEqual(
        seen.map((file) => file?.isWhole),
        [true, false, false]
      )
      assert.strictEqual(seen[0]?.text.length, long.length)
      assert.strictEqual(
        seen.reduce((sum, file) => sum + (file?.text.length ?? 0), 0),
        80_000
      )
    })
  )
})
