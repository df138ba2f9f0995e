import { chmodSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, TestContext } from "effect"
import * as Doctor from "../../src/doctor/Doctor.js"
import { Finding } from "../../src/doctor/Finding.js"
import * as MachineCheck from "../../src/doctor/MachineCheck.js"
import * as OpenClawCheck from "../../src/doctor/OpenClawCheck.js"
import * as Pm2Check from "../../src/doctor/Pm2Check.js"
import * as StoreCheck from "../../src/doctor/StoreCheck.js"
import { cli } from "../cli/startCli.js"
import { makeFake } from "../openclaw/makeFake.js"
import { makeDaemon } from "../pm2/makeDaemon.js"
import { makeHttpWorld } from "../support/httpWorld.js"
import { isFull } from "../support/property.js"
import { privateFolder } from "../support/suggestionWorld.js"

const outcomes = (findings: ReadonlyArray<Finding>) => findings.map(({ check, outcome }) => `${check} ${outcome}`)

/** What is not well is said with what to do. */
const assertHelpful = (findings: ReadonlyArray<Finding>): void => {
  for (const { message, outcome, todo } of findings) {
    assert.isAbove(message.length, 3)
    assert.strictEqual(todo === null, outcome === "ok", message)
  }
}

describe("the doctor", () => {
  it("sees a Node that is too old, and a time zone that is none", () => {
    assert.strictEqual(MachineCheck.node("20.20.2").outcome, "fail")
    assert.strictEqual(MachineCheck.node("22.0.0").outcome, "ok")
    assert.strictEqual(MachineCheck.node("26.1.0").outcome, "ok")
    assert.strictEqual(MachineCheck.timeZone("Europe/Berlin").outcome, "ok")
    assert.strictEqual(MachineCheck.timeZone(undefined).outcome, "ok")
    assert.strictEqual(MachineCheck.timeZone("Europe/Brelin").outcome, "warn")
    assertHelpful([MachineCheck.node("20.20.2"), MachineCheck.timeZone("Europe/Brelin")])
  })

  it.scopedLive("sees what is wrong with the file and its folders", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      yield* world.queue.heal({ job: "digest" })
      const { database, folder } = world
      chmodSync(folder, 0o700)
      chmodSync(database, 0o644)
      const well = yield* StoreCheck.all(database, true)
      assertHelpful(well)
      assert.notInclude(JSON.stringify(outcomes(well)), "fail")
      assert.includeMembers(outcomes(well), ["database ok", "owner ok", "clock ok", "permissions ok"])
      chmodSync(folder, 0o755)
      const open = yield* StoreCheck.all(database, true)
      assert.lengthOf(
        open.filter(({ check, outcome }) => check === "permissions" && outcome === "warn"),
        2
      )
      assertHelpful(open)
      // What ended last did so after now.
      const early = yield* Effect.provide(StoreCheck.all(database, true), TestContext.TestContext)
      assert.include(outcomes(early), "clock warn")
      assertHelpful(early)
      const missing = yield* StoreCheck.all(join(folder, "other.db"), false)
      assert.deepStrictEqual(outcomes(missing), ["database fail"])
      writeFileSync(join(folder, "broken.db"), "no database ".repeat(1000))
      const broken = yield* StoreCheck.all(join(folder, "broken.db"), false)
      assert.includeMembers(outcomes(broken), ["database fail", "owner warn"])
      assertHelpful([...missing, ...broken])
      const { bavail, bsize } = statfsSync(folder)
      const megabytes = Math.floor((bavail * bsize) / 1024 / 1024)
      const [disk] = StoreCheck.disk(folder)
      assert.strictEqual(disk?.outcome, megabytes < 100 ? "fail" : megabytes < 1024 ? "warn" : "ok")
    })
  )

  it.scopedLive("sees an OpenClaw that is not there, is too old, or whose model is unknown", () =>
    Effect.gen(function* () {
      const inspect = (options: Parameters<typeof OpenClawCheck.all>[0]) =>
        Effect.provide(OpenClawCheck.all(options), NodeContext.layer)
      const missing = yield* inspect({ command: "/nowhere/openclaw" })
      assert.deepStrictEqual(outcomes(missing), ["openclaw fail"])
      const fake = yield* makeFake({ generation: "exec" })
      const well = yield* inspect({ command: fake.command, model: "mock/mock-1" })
      assert.deepStrictEqual(outcomes(well), ["openclaw ok", "openclaw ok"])
      assert.include(well[0]?.message, "2026.")
      const unknown = yield* inspect({ command: fake.command })
      assert.deepStrictEqual(outcomes(unknown), ["openclaw fail"])
      const old = yield* makeFake({ generation: "message-file" })
      const tooOld = yield* inspect({ command: old.command, model: "mock/mock-1" })
      assert.deepStrictEqual(outcomes(tooOld), ["openclaw fail"])
      assertHelpful([...missing, ...well, ...unknown, ...tooOld])
      assert.lengthOf(yield* fake.turnCalls, 0)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("says what the service says of itself, as text and as JSON, and ends as bad as it is", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const at = ["--database", world.database]
      const alone = yield* cli(["doctor", ...at])
      assert.strictEqual(alone.code, 2)
      assert.match(alone.stdout, /^fail {2}service +Nothing answers on the socket of the API$/m)
      yield* world.serve
      yield* world.registry.add({ id: "odd", policy: { schedule: "sometimes" } as never })
      const { code, stderr, stdout } = yield* cli(["doctor", ...at])
      assert.strictEqual(stderr, "")
      assert.match(stdout, /^ok {4}service +The service answers, and says that all is well$/m)
      assert.match(stdout, /^ok {4}channels +There is no channel, so that nobody is told of anything/m)
      assert.match(stdout, /^ +→ /m)
      assert.strictEqual(code, 2)
      const json = yield* cli(["doctor", "--json", ...at])
      const findings = yield* Schema.decode(Schema.parseJson(Schema.Array(Finding)))(json.stdout)
      assert.include(outcomes(findings), "openclaw fail")
      assertHelpful(findings)
      const unhealthy = yield* Effect.provide(
        Doctor.examine({
          database: world.database,
          home: undefined,
          running: {
            problems: [{ job: "odd", key: "schedule", expected: "expected a schedule" }],
            unhealthy: ["Nothing can be written"],
            trials: [
              { channel: "slack", problem: null },
              { channel: "mail", problem: "it answers 403" }
            ]
          }
        }),
        NodeContext.layer
      )
      assert.includeMembers(outcomes(unhealthy), ["service fail", "policies warn", "channels ok", "channels fail"])
      assertHelpful(unhealthy)
    })
  )

  it.scopedLive("sees that no PM2 runs", () =>
    Effect.gen(function* () {
      const home = yield* privateFolder
      const findings = yield* Pm2Check.all(home, {})
      assert.deepStrictEqual(outcomes(findings), ["pm2 fail"])
      assertHelpful(findings)
    })
  )

  it.scopedLive.runIf(isFull)("sees which processes count under PM2, and that its module is not there", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      yield* daemon.start({ name: "api", autorestart: true, namespace: "default" })
      const none = yield* Pm2Check.all(daemon.home, {})
      assert.deepStrictEqual(outcomes(none), ["pm2 ok", "module fail", "jobs warn"])
      yield* daemon.start({ name: "digest" }, { name: "gateway", autorestart: true })
      const some = yield* Pm2Check.all(daemon.home, {})
      assert.deepStrictEqual(outcomes(some), ["pm2 ok", "module fail", "jobs ok", "jobs warn"])
      assert.include(some[2]?.message, "digest")
      assert.include(some[3]?.message, "gateway")
      // In both ways in which the module knows a name.
      for (const openclaw_name of ["^gate", "/^GATE/i"]) {
        const named = yield* Pm2Check.all(daemon.home, { openclaw_namespace: "other", openclaw_name })
        assert.include(named.at(-1)?.message, "gateway")
        assertHelpful([...none, ...some, ...named])
      }
      const elsewhere = yield* Pm2Check.all(daemon.home, { openclaw_namespace: "other" })
      assert.include(elsewhere.at(-1)?.todo, 'the namespace "other"')
      assert.strictEqual((yield* cli(["doctor", "--home", daemon.home])).code, 2)
    })
  )
})
