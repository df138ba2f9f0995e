import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Payload from "../../src/pm2/daemon/Payload.js"
import { isUp, matcher, roleOf } from "../../src/pm2/OpenClawRules.js"
import { listed } from "./recorded.js"

describe("whether a process is up", () => {
  it.each([
    ["online", 1, true, true],
    ["launching", 1, true, true],
    // It could not be spawned.
    ["online", null, true, false],
    ["stopping", 1, false, true],
    // Between a crash and an immediate restart.
    ["stopped", 1, true, true],
    ["stopped", 1, false, false],
    ["stopped", null, true, false],
    ["errored", null, true, false],
    // Its pid is that of a process that has ended.
    ["waiting restart", 1, true, false],
    ["one-launch-status", 1, true, true],
    ["something new", 1, false, true],
    ["something new", null, false, false]
  ])("%s, pid %s, autorestart %s: %s", (status, pid, autorestart, expected) => {
    assert.strictEqual(isUp({ status, pid, autorestart }), expected)
  })
})

describe("what a process is to the running state", () => {
  it.each([
    [{}, "counts"],
    [{ namespace: "default" }, "none"],
    [{ namespace: "default", name: "agent-1" }, "counts"],
    [{ namespace: "default", env: { HEALING_OPENCLAW: "true" } }, "counts"],
    [{ namespace: "default", env: { HEALING_OPENCLAW: 1 } }, "counts"],
    [{ env: { HEALING_OPENCLAW: "False" } }, "none"],
    [{ autorestart: true }, "always"],
    [{ autorestart: true, cron_restart: "0 3 * * *" }, "always"],
    [{ autorestart: false, cron_restart: "0 3 * * *" }, "counts"],
    [{ autorestart: true, env: { HEALING_OPENCLAW: " While-Up " } }, "counts"],
    [{ autorestart: true, namespace: "default", env: { HEALING_OPENCLAW: "yes" } }, "always"],
    [{ pmx_module: true, env: { HEALING_OPENCLAW: "while-up" } }, "none"]
  ])("%j: %s", (changes, expected) => {
    const [process] = Option.getOrThrow(Payload.processesOf([listed(changes)], "HEALING_OPENCLAW")).processes
    assert.isDefined(process)
    const isNamed = matcher(/^agent-/g)
    for (const _ of [1, 2]) assert.strictEqual(roleOf(process, { namespace: "openclaw", isNamed }), expected)
  })

  it("is told by a whole name, or by a pattern", () => {
    assert.deepStrictEqual(["a", "ab"].map(matcher("a")), [true, false])
    assert.deepStrictEqual(["ab", "ba"].map(matcher(/^a/y)), [true, false])
  })
})
