import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Runtime } from "effect"
import { makeFake } from "../openclaw/makeFake.js"
import { answer } from "../openclaw/reviewWorld.js"
import { inTime, makeDaemon } from "../pm2/makeDaemon.js"
import { isFull } from "../support/property.js"
import { makeReceiver } from "../support/receiver.js"
import { startModule } from "./startModule.js"

describe.runIf(isFull)("what people are told under PM2", () => {
  it.scopedLive("is that a process crashes, what the review says, and that it is well again", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      const fake = yield* makeFake({ generation: "exec", turns: [{ text: answer() }] })
      const daemon = yield* makeDaemon
      const config = join(daemon.home, "healing.yaml")
      yield* daemon.start({ name: "api", autorestart: true, namespace: "default" })
      writeFileSync(config, "healing:\n  suggestions:\n    up_for: 3 seconds\n")
      const runSync = Runtime.runSync(yield* Effect.runtime())
      const recovered = yield* Deferred.make<void>()
      receiver.reply = ({ body }) => {
        if (body.includes("JobRecovered")) runSync(Deferred.succeed(recovered, undefined))
        return { status: 200 }
      }
      const address = `${receiver.url}/a-very-secret-address`
      const module = yield* startModule(daemon.home, {
        openclaw_command: fake.command,
        model: "mock/mock-1",
        quiet_period: "100 millis",
        notify_webhook: address,
        config
      })
      yield* module.says(/^watches PM2 in /)
      assert.strictEqual(yield* module.trigger("notify-test"), "webhook: sent")
      assert.match(String(yield* module.trigger("notify-test", "slack")), /there is no channel "slack": .*webhook/)
      yield* daemon.make("api", "throw boom")
      yield* module.says(/^api: the review is completed, see /)
      yield* inTime(Deferred.await(recovered), "the recovery")
      assert.deepStrictEqual(
        receiver.bodies.map(({ job, kind }) => (job === null ? kind : `${String(kind)} ${String(job)}`)),
        ["Trial", "JobFailing api", "ReviewCompleted api", "JobRecovered api"]
      )
      assert.strictEqual(receiver.bodies[2]?.cause, "Logs are never removed.")
      // Nobody else gets to know the address.
      const calls = yield* fake.turnCalls
      assert.isAbove(calls.length, 0)
      assert.notInclude(JSON.stringify([yield* module.lines, yield* module.messages, calls]), "a-very-secret-address")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is said to be wrong before anything is told, without what is secret", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      yield* daemon.start({ name: "api", autorestart: true, namespace: "default" })
      const file = join(daemon.home, "slack")
      writeFileSync(file, "https://hooks.example.com/secret", { mode: 0o644 })
      const module = yield* startModule(daemon.home, { model: "mock/mock-1", notify_slack_file: file })
      yield* module.says(
        /^error: stopped: notify_slack_file is .*\/slack, which others may read, and should be a file of at most 4 KiB that only its user may read \(chmod 600\)/
      )
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
