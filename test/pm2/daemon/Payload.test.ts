import { assert, describe, it } from "@effect/vitest"
import { Either, Option } from "effect"
import * as Payload from "../../../src/pm2/daemon/Payload.js"
import { isUp, roleOf } from "../../../src/pm2/OpenClawRules.js"
import { decodePolicy } from "../../../src/policy/HealingPolicy.js"
import { exception, exit, line, listed, planted, runId } from "../recorded.js"

const processOf = (changes: Parameters<typeof listed>[0] = {}) => {
  const [process] = Option.getOrThrow(Payload.processesOf([listed(changes)], "HEALING_OPENCLAW")).processes
  assert.isDefined(process)
  return process
}

describe("a list", () => {
  it("gives named fields, and of the environment no more than two entries", () => {
    assert.deepStrictEqual(processOf({ env: { HEALING_OPENCLAW: "while-up" } }), {
      job: "digest",
      slot: "0",
      namespace: "openclaw",
      isModule: false,
      pid: 4_194_300,
      status: "online",
      autorestart: false,
      isCron: false,
      runId,
      startedAt: 1795477010656,
      exitCode: null,
      stopExitCodes: [],
      restarts: 0,
      uniqueId: "b858ee58-0dd5-46dd-8a5c-9a032eeaaa28",
      mode: "fork",
      command: 'node /srv/digest/app.js --deep "two words"',
      script: "/srv/digest/app.js",
      errorLog: "/home/ann/.pm2/logs/digest-error.log",
      outputLog: "/home/ann/.pm2/logs/digest-out.log",
      mark: "while-up",
      policy: { minRuns: 1 }
    })
    assert.include(JSON.stringify(listed()), planted)
    assert.notInclude(JSON.stringify(processOf()), planted)
  })

  it.each([
    ["a name that is a number", { name: 12 }, { job: "12" }],
    ["a name that is too long", { name: "n".repeat(300) }, { job: "n".repeat(256) }],
    ["half a character", { name: "a\ud800" }, { job: "a\ufffd" }],
    ["no pid", { pid: undefined }, { pid: 4_194_300 }],
    ["pid 0", { pid: 0 }, { pid: null }],
    ["autorestart in words", { autorestart: "false" }, { autorestart: false }],
    ["no autorestart", { autorestart: undefined }, { autorestart: true }],
    ["a cron pattern", { cron_restart: "* * * * *" }, { isCron: true }],
    ["the cron pattern 0", { cron_restart: "0" }, { isCron: false }],
    ["a module", { pmx_module: true }, { isModule: true }],
    ["stop_exit_codes in words", { stop_exit_codes: ["3", 4] }, { stopExitCodes: [3, 4] }],
    ["one stop_exit_code", { stop_exit_codes: 3 }, { stopExitCodes: [3] }],
    ["no namespace", { namespace: undefined }, { namespace: "default" }],
    ["a start that is no instant", { pm_uptime: "soon" }, { startedAt: null, runId: null }],
    ["an exit code that is none", { exit_code: "x" }, { exitCode: null }],
    ["no environment", { env: undefined }, { mark: undefined }],
    ["arguments in one", { args: "-a -b" }, { command: "node /srv/digest/app.js -a -b" }],
    ["no interpreter", { exec_interpreter: "none", args: [] }, { command: "/srv/digest/app.js" }],
    ["no policy", { env: { HEALING_POLICY: "" } }, { policy: {} }]
  ])("may hold %s", (_, changes, expected) => {
    assert.deepInclude(processOf(changes), expected)
  })

  it.each([
    ["half a mapping", "{"],
    ["a list", "[]"],
    ["a number", "7"],
    ["nothing", "null"],
    ["too long", `{"a":${"[".repeat(20_000)}`]
  ])("makes a policy that is %s one that is wrong", (_, policy) => {
    const decoded = decodePolicy("digest", processOf({ env: { HEALING_POLICY: policy } }).policy, {})
    assert.match(Either.getOrThrow(Either.flip(decoded))[0].expected, /^expected a mapping of enabled, /)
  })

  it.each([
    ["no list", {}],
    ["a list of others", [{ pid: 1 }, null]],
    ["nothing", undefined]
  ])("that is %s cannot be understood", (_, list) => {
    assert.isTrue(Option.isNone(Payload.processesOf(list, "X")))
  })

  it("is understood as far as it goes, with whatever is missing in one of its entries or is something else there", () => {
    const whole = listed({ name: "whole", pm_id: 9 })
    const odd = [undefined, null, 7, true, "x", [], {}]
    const fields = ["pid", "name", "pm2_env", ...Object.keys(whole.pm2_env)]
    for (const field of fields) {
      for (const value of odd) {
        const one = listed()
        if (field in one) one[field] = value
        if (one.pm2_env === value || field === "pid" || field === "name") Object.assign(one, { [field]: value })
        else one.pm2_env = { ...one.pm2_env, [field]: value }
        const { odd: count, processes } = Option.getOrThrow(Payload.processesOf([one, whole], "X"))
        assert.deepStrictEqual(processes.at(-1), processOf({ name: "whole", pm_id: 9 }), `${field} is ${value}`)
        assert.strictEqual(processes.length + count, 2)
        const [first] = processes
        const rules = { namespace: "openclaw", isNamed: () => false }
        const isNotOpenClaw = field === "namespace" || (field === "pmx_module" && value === true)
        if (count === 0 && first !== undefined && !isNotOpenClaw && field !== "autorestart") {
          // Without a pid or with another status it does not run; what is odd of it does not make it idle.
          const isDown = (field === "pid" && (value === undefined || value === null)) || field === "status"
          assert.isTrue(isDown || isUp(first), `${field} is ${value}`)
          assert.strictEqual(roleOf(first, rules), "counts", `${field} is ${value}`)
        }
      }
    }
  })
})

describe("an event", () => {
  it("of an end gives named fields, and nothing of the environment", () => {
    const ended = Option.getOrThrow(Payload.exitOf(exit()))
    assert.deepStrictEqual(ended, {
      job: "digest",
      slot: "0",
      isModule: false,
      status: "stopped",
      mode: "fork",
      runId,
      startedAt: 1795477010656,
      autorestart: false,
      exitCode: 1,
      stopExitCodes: [],
      at: 1795477011613
    })
    assert.notInclude(JSON.stringify(ended), planted)
  })

  it("of a process that was replaced is one of its place", () => {
    assert.strictEqual(Option.getOrThrow(Payload.exitOf(exit({ pm_id: "_old_0" }))).runId, runId)
  })

  it("of anything else is no end", () => {
    for (const payload of [{ ...exit(), event: "online" }, undefined, "exit", { event: "exit" }, []]) {
      assert.isTrue(Option.isNone(Payload.exitOf(payload)))
    }
  })

  it("of an exception tells its message, not more than 1,000 characters of it", () => {
    assert.deepStrictEqual(Option.getOrThrow(Payload.exceptionOf(exception)), {
      slot: "0",
      message: "boom",
      at: 1795477011606
    })
    const long = { ...exception, data: { message: "x".repeat(5000) } }
    assert.lengthOf(Option.getOrThrow(Payload.exceptionOf(long)).message, 1000)
  })
})

describe("a line of the daemon", () => {
  it.each([
    ["App [digest:0] exited with code [1] via signal [SIGINT]\n", { _tag: "Ended", slot: "0", signal: undefined }],
    ["App [digest:0] exited with code [0] via signal [SIGKILL]\n", { _tag: "Ended", slot: "0", signal: "SIGKILL" }],
    ["App [a] b:12] exited with code [0] via signal [SIGSEGV]\n", { _tag: "Ended", slot: "12", signal: "SIGSEGV" }],
    ["App [a:_old_3] exited with code [0] via signal [SIGABRT]\n", { _tag: "Ended", slot: "3", signal: "SIGABRT" }],
    ["App [digest:0] starting in -fork mode-\n", { _tag: "Starting", slot: "0" }],
    ["App [digest:4] starting in -cluster mode-\n", { _tag: "Starting", slot: "4" }],
    ["Stopping app:my digest id:7\n", { _tag: "Stopping", slot: "7" }],
    ["Stopping app:digest id:_old_2\n", { _tag: "Stopping", slot: "2" }],
    ["App [digest:0] online\n", { _tag: "Other" }]
  ] as const)("is about a process: %s", (data, expected) => {
    assert.deepStrictEqual({ ...Option.getOrThrow(Payload.lineOf(line(data))) }, expected)
  })

  it("is about something else", () => {
    assert.isTrue(Option.isNone(Payload.lineOf(line("Error caught while calling pidusage"))))
  })
})
