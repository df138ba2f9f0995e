import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { EvidenceScope, type Run } from "effect-healing"
import * as Payload from "../../src/pm2/daemon/Payload.js"
import * as Runs from "../../src/pm2/Runs.js"
import { exception, exit, line, listed, runId } from "./recorded.js"

type Changes = Parameters<typeof listed>[0]

const all = EvidenceScope.Since({ since: 0, runId: null, limit: 1000 })

const makeRuns = () => {
  const runs = Runs.make()
  return {
    ...runs,
    end: (changes: Changes = {}) => runs.ended(Option.getOrThrow(Payload.exitOf(exit(changes)))),
    list: (isFirst: boolean, ...processes: ReadonlyArray<Changes>) =>
      runs.listed(Option.getOrThrow(Payload.processesOf(processes.map(listed), "X")).processes, isFirst),
    outcomes: (scope: EvidenceScope = all) => runs.of("digest", scope).map(({ id, outcome }) => [id, outcome])
  }
}

const lineOf = (data: string) => Option.getOrThrow(Payload.lineOf(line(data)))

const failure = { job: "digest", trigger: "failure", runId, exitCode: 1 }

describe("the end of a run", () => {
  it.each<[string, Changes, object | undefined, string]>([
    ["with exit code 1", {}, failure, "failed"],
    ["with exit code 0", { exit_code: 0 }, undefined, "succeeded"],
    ["of a stop", { status: "stopping", exit_code: 130 }, undefined, "stopped"],
    ["with one of the stop_exit_codes", { stop_exit_codes: [1] }, undefined, "succeeded"],
    [
      "after which PM2 gives up",
      { status: "errored", exit_code: 0 },
      { ...failure, exitCode: 0, lastError: "PM2 has given up: too many unstable restarts" },
      "failed"
    ]
  ])("%s", (_, changes, expected, outcome) => {
    const runs = makeRuns()
    assert.deepStrictEqual(runs.end(changes), expected)
    assert.deepStrictEqual(runs.outcomes(), [[runId, outcome]])
  })

  it("counts once, however often it is told", () => {
    const runs = makeRuns()
    assert.isUndefined(runs.end({ status: "stopping", exit_code: 1 }))
    assert.isUndefined(runs.end({ status: "stopped", exit_code: 1 }))
    assert.deepStrictEqual(runs.outcomes(), [[runId, "stopped"]])
    assert.isDefined(runs.end({ pm_uptime: 1795477020000 }))
    assert.isUndefined(runs.end({ pm_uptime: 1795477020000 }))
  })

  it("of a run that began while this process was down is told with the first list, unless its event was", () => {
    const ended = { status: "stopped", pid: 0, exit_code: 1 }
    const at = Number(runId.split("-")[1])
    for (const [lookedAt, isTold, expected] of [
      [at - 1, false, [failure]],
      [at - 1, true, []],
      [at + 1, false, []]
    ] as const) {
      const runs = makeRuns()
      runs.resume({ at: lookedAt, processes: [] })
      if (isTold) assert.deepStrictEqual(runs.end(), failure)
      assert.deepStrictEqual<unknown>(runs.list(true, ended), expected)
      assert.deepStrictEqual(runs.list(true, ended), [])
    }
  })

  it("is told by its event, also if a list was quicker", () => {
    const runs = makeRuns()
    runs.list(true, {})
    assert.deepStrictEqual(runs.list(false, { status: "stopped", pid: 0, exit_code: 1 }), [])
    assert.deepStrictEqual(runs.outcomes(), [[runId, "failed"]])
    assert.deepStrictEqual(runs.end(), failure)
  })

  it("carries the exception that has brought it about, and no older one", () => {
    const excepted = Option.getOrThrow(Payload.exceptionOf(exception))
    const runs = makeRuns()
    runs.excepted(excepted)
    assert.deepStrictEqual(runs.end(), { ...failure, lastError: "boom" })
    assert.isUndefined(runs.end({ pm_uptime: 1795477020000 })?.lastError)
    runs.excepted(excepted)
    assert.isUndefined(runs.end({ pm_uptime: 1795477030000, at: 1795477040000 })?.lastError)
  })

  it("by an exception that nobody has caught is a failure also where PM2 says that it has ended well", () => {
    const excepted = Option.getOrThrow(Payload.exceptionOf(exception))
    for (const [mode, expected] of [
      ["cluster_mode", { ...failure, exitCode: 0, lastError: "boom" }],
      // It may have been caught, and told of.
      ["fork_mode", undefined]
    ] as const) {
      const runs = makeRuns()
      runs.excepted(excepted)
      assert.deepStrictEqual(runs.end({ exec_mode: mode, exit_code: 0 }), expected)
    }
  })

  it("that somebody has wanted is no failure, whatever PM2 makes of it", () => {
    const runs = makeRuns()
    runs.read(lineOf("Stopping app:digest id:0"))
    assert.isUndefined(runs.end({ status: "errored", exit_code: 1 }))
    assert.deepStrictEqual(runs.outcomes(), [[runId, "stopped"]])
    // And the next one is another.
    assert.isDefined(runs.end({ pm_uptime: 1795477020000 }))
    runs.read(lineOf("Stopping app:digest id:0"))
    runs.read(lineOf("App [digest:0] starting in -fork mode-"))
    assert.isDefined(runs.end({ pm_uptime: 1795477030000 }))
  })

  it("before anybody looked is no news when the wait for its restart is stopped", () => {
    const runs = makeRuns()
    runs.list(true, { status: "waiting restart", exit_code: 1 })
    runs.read(lineOf("Stopping app:digest id:0"))
    assert.isUndefined(runs.end({ status: "stopped", exit_code: 1 }))
    assert.deepStrictEqual(runs.outcomes(), [[runId, "failed"]])
  })

  it("has no signal of an earlier one", () => {
    const runs = makeRuns()
    runs.read(lineOf("App [digest:0] exited with code [0] via signal [SIGKILL]"))
    runs.read(lineOf("App [digest:0] exited with code [0] via signal [SIGINT]"))
    assert.isUndefined(runs.end({ exit_code: 0 }))
  })

  it.each<[string, Run["outcome"]]>([
    ["SIGKILL", "failed"],
    ["SIGSEGV", "failed"],
    ["SIGTERM", "stopped"],
    ["SIGHUP", "stopped"]
  ])("by %s from outside of PM2: %s", (signal, outcome) => {
    const runs = makeRuns()
    runs.read(lineOf(`App [digest:0] exited with code [0] via signal [${signal}]`))
    const event = runs.end({ exit_code: 0 })
    assert.strictEqual(event?.lastError, outcome === "failed" ? `ended by ${signal}` : undefined)
    assert.deepInclude(runs.of("digest", all)[0], { outcome, signal })
  })
})

describe("what has failed without a connection", () => {
  const died = { status: "stopped", pid: 0, exit_code: 1 }
  const restarted = { pm_uptime: 1795477020000, restart_time: 1, exit_code: 1 }
  it.each<[string, Changes, Changes, ReadonlyArray<object>]>([
    ["it has ended", {}, died, [failure]],
    ["it was restarted", {}, restarted, [failure]],
    ["it was restarted twice", {}, { ...restarted, restart_time: 2 }, [{ ...failure, runId: null }]],
    ["it waits to be restarted", {}, { ...died, status: "waiting restart", pid: 7, autorestart: true }, [failure]],
    [
      "PM2 has given up",
      {},
      { ...died, status: "errored" },
      [{ ...failure, lastError: "PM2 has given up: too many unstable restarts" }]
    ],
    ["it has run once more, and failed", died, { ...restarted, ...died }, [{ ...failure, runId: "0-1795477020000" }]],
    ["it goes on", {}, {}, []],
    ["it had ended before", died, died, []],
    ["it has ended well", {}, { ...died, exit_code: 0 }, []],
    ["it was stopped", { autorestart: true }, { ...died, autorestart: true }, []],
    ["it was restarted by hand", {}, { ...restarted, exit_code: 0 }, []],
    ["it is listed as it ended before", { ...died, pm_uptime: 1795477000000 }, { ...died, exit_code: 0 }, []],
    ["it is of another daemon", {}, { ...restarted, unique_id: "another" }, []]
  ])("is found once: %s", (_, before, now, expected) => {
    const runs = makeRuns()
    assert.deepStrictEqual(runs.list(true, before), [])
    assert.deepStrictEqual(runs.list(true, now), expected)
    assert.deepStrictEqual(runs.list(true, now), [])
  })

  it("is told once, by the event or by the list", () => {
    const byList = makeRuns()
    byList.list(true, {})
    assert.lengthOf(byList.list(true, restarted), 1)
    assert.isUndefined(byList.end())
    assert.deepStrictEqual(byList.outcomes(), [
      ["0-1795477020000", "running"],
      [runId, "failed"]
    ])
    const byEvent = makeRuns()
    byEvent.list(true, {})
    assert.isDefined(byEvent.end())
    assert.deepStrictEqual(byEvent.list(true, died), [])
    assert.deepStrictEqual(byEvent.list(true, restarted), [])
  })
})

describe("runs", () => {
  it("are kept, the last 200 of a job, for the last 1,000 jobs", () => {
    const runs = makeRuns()
    for (let index = 0; index < 300; index++) runs.end({ pm_uptime: 1000 + index })
    assert.lengthOf(runs.outcomes(), 200)
    assert.deepStrictEqual(runs.outcomes()[0], ["0-1299", "failed"])
    for (let index = 0; index < 1000; index++) runs.end({ name: `job-${index}` })
    assert.deepStrictEqual(runs.outcomes(), [])
  })

  it("are given as the scope says", () => {
    const runs = makeRuns()
    for (let index = 1; index <= 5; index++) runs.end({ pm_uptime: index, exit_code: index % 2 })
    const ids = (scope: EvidenceScope) => runs.outcomes(scope).map(([id]) => id)
    assert.deepStrictEqual(ids(EvidenceScope.Since({ since: 4, runId: null, limit: 10 })), ["0-5", "0-4"])
    assert.deepStrictEqual(ids(EvidenceScope.Since({ since: 4, runId: "0-1", limit: 10 })), ["0-5", "0-4", "0-1"])
    assert.deepStrictEqual(ids(EvidenceScope.Failure({ runId: "0-4", limit: 2 })), ["0-4", "0-3"])
    runs.end({ pm_uptime: 6, exit_code: 0 })
    assert.deepStrictEqual(ids(EvidenceScope.Failure({ runId: null, limit: 1 })), ["0-5"])
  })

  it("of a process that is gone have ended", () => {
    const runs = makeRuns()
    runs.list(true, {})
    assert.deepStrictEqual(runs.outcomes(), [[runId, "running"]])
    runs.list(false)
    assert.deepStrictEqual(runs.outcomes(), [[runId, "stopped"]])
  })

  it("from before anybody looked are no news", () => {
    const runs = makeRuns()
    assert.deepStrictEqual(runs.list(true, { status: "stopped", pid: 0, exit_code: 1 }), [])
    assert.deepStrictEqual(runs.outcomes(), [[runId, "failed"]])
  })
})
