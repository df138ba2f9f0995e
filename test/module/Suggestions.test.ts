/** Suggestions under PM2 for real: a crashing app, what the fake OpenClaw suggests for it, approved, applied, restarted and watched. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { makeFake } from "../openclaw/makeFake.js"
import { answer, suggestion } from "../openclaw/reviewWorld.js"
import { makeDaemon } from "../pm2/makeDaemon.js"
import { isFull } from "../support/property.js"
import { startModule } from "./startModule.js"

/** A service that says which version runs, and breaks when there is a file `break`, unless it is mended. */
const serviceOf = (version: string, breaks: string): string => `\
const { existsSync, unlinkSync, writeFileSync } = require("node:fs")
writeFileSync(__dirname + "/runs", "${version}")
setInterval(() => {
  if (!existsSync(__dirname + "/break")) return
  unlinkSync(__dirname + "/break")
  ${breaks}
}, 10)
`

const FAILS = 'throw new Error("the disk is full")'

const OLD = serviceOf("old", FAILS)
const WORSE = serviceOf("worse", FAILS)
const MENDED = serviceOf("mended", "")

const proposing = (targetFile: string, proposedContent: string) => ({
  text: answer({ suggestions: [suggestion({ title: "Mend the service", targetFile, proposedContent })] })
})

/** A service under PM2, the module with these settings beside it, and what the fake proposes turn by turn. */
const withService = Effect.fnUntraced(function* (settings: ReadonlyArray<string>, proposed: ReadonlyArray<string>) {
  const daemon = yield* makeDaemon
  const script = join(daemon.folder, "service.cjs")
  writeFileSync(script, OLD)
  const fake = yield* makeFake({ generation: "exec", turns: proposed.map((content) => proposing(script, content)) })
  const config = join(daemon.folder, "healing.yaml")
  const yaml = [
    "healing:",
    "  cooldown: 0 seconds",
    "  suggestions:",
    `    allowed_roots: [${daemon.folder}]`,
    "    as_root: true",
    "    up_for: 2 seconds",
    ...settings
  ]
  writeFileSync(config, yaml.join("\n"))
  yield* daemon.start({ name: "service", script, args: [], autorestart: true, namespace: "default" })
  const module = yield* startModule(daemon.home, {
    config,
    openclaw_command: fake.command,
    model: "mock/mock-1",
    quiet_period: "100 millis"
  })
  yield* module.says(/^watches PM2 in /)
  const breakIt = Effect.sync(() => writeFileSync(join(daemon.folder, "break"), ""))
  const seen = join(daemon.folder, "runs")
  /** A run of this version is on, which has begun after this is called. */
  const runs = (version: string) =>
    Effect.repeat(
      Effect.sync(() => existsSync(seen) && readFileSync(seen, "utf8")),
      { until: (found) => found === version, schedule: Schedule.spaced("10 millis") }
    )
  const ask = (action: string, argument?: string) =>
    Effect.map(module.trigger(action, argument), (reply) => String(reply))
  return { ask, breakIt, module, runs, script, seen }
})

describe.runIf(isFull)("at length, under PM2", () => {
  it.scopedLive("a change that relapses is taken back, and one that helps is confirmed", () =>
    Effect.gen(function* () {
      const { ask, breakIt, module, runs, script } = yield* withService(
        ["    checks: { '*.cjs': [node, --check] }"],
        [WORSE, MENDED]
      )
      const apply = (id: string) =>
        Effect.gen(function* () {
          const preview = yield* ask("preview", `${id} restart`)
          const [, file = ""] = /see (\S+\.patch)/.exec(preview) ?? []
          assert.include(readFileSync(file, "utf8"), "+writeFileSync")
          const [, sealed = ""] = /approve '(.*? seal:[0-9a-f]{64})'/.exec(preview) ?? []
          assert.match(yield* ask("approve", sealed), /is approved; to apply it/)
          assert.match(yield* ask("apply", id), /is applied; to take it back/)
        })

      yield* breakIt
      yield* module.says(
        /^service: a suggestion, to look at with pm2 trigger effect-healing preview suggestion:service:1\.1; it says: "Mend the service"$/
      )
      assert.match(yield* ask("suggestions"), /^suggestion:service:1\.1 is pending: "Mend the service"$/)
      assert.include(yield* ask("preview", "7"), "name a suggestion, as in")
      assert.include(yield* ask("approve", "suggestion:service:1.1 yes"), "seal: expected the seal of a preview")
      assert.include(yield* ask("apply", "suggestion:service:1.1"), "is pending since")
      assert.include(yield* ask("stop"), "nothing is applied any more")
      assert.include(yield* ask("go_on"), "suggestions can be applied")
      yield* apply("suggestion:service:1.1")
      yield* runs("worse")
      assert.strictEqual(readFileSync(script, "utf8"), WORSE)
      yield* breakIt
      yield* module.says(/suggestion:service:1\.1 is relapsed: the run .* has failed for the cause/)
      assert.match(yield* ask("rollback", "suggestion:service:1.1"), /is rolled back$/)
      assert.strictEqual(readFileSync(script, "utf8"), OLD)
      yield* runs("old")

      // Its file was another when it failed again, so that it was reviewed again; that review may have seen either file.
      yield* module.says(/^service: a suggestion, .* preview suggestion:service:2\.1; it says/)
      yield* ask("reject", "suggestion:service:2.1 of the other file, at 12:30.5")
      yield* ask("heal", "service")
      yield* module.says(/^service: a suggestion, .* preview suggestion:service:3\.1; it says/)
      yield* apply("suggestion:service:3.1")
      yield* runs("mended")
      yield* module.says(/^service: the suggestion suggestion:service:3\.1 is confirmed: the job has stayed up for 2s$/)
      assert.strictEqual(readFileSync(script, "utf8"), MENDED)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("a rule applies a change, and takes it back when it relapses", () =>
    Effect.gen(function* () {
      const rule = "{ name: services, jobs: [service], paths: ['*.cjs'], roles: [script], max_changed_lines: 10 }"
      const { ask, breakIt, module, runs, script, seen } = yield* withService([`    auto_apply: [${rule}]`], [WORSE])
      yield* breakIt
      yield* module.says(/^service: the suggestion suggestion:service:1\.1 is applied$/)
      assert.strictEqual(readFileSync(script, "utf8"), WORSE)
      // The run from before the change breaks once more, and the next one takes it.
      yield* breakIt
      yield* runs("worse")
      writeFileSync(seen, "")
      yield* breakIt
      yield* module.says(/suggestion:service:1\.1 is relapsed: the run .* has failed for the cause/)
      yield* module.says(/^service: the suggestion suggestion:service:1\.1 is rolled_back: it has relapsed$/)
      assert.strictEqual(readFileSync(script, "utf8"), OLD)
      const locked = "rules apply nothing to service, since suggestion:service:1.1 has relapsed, by the rule services"
      assert.include(yield* ask("status"), locked)
      assert.include(yield* ask("suggestions"), locked)
      assert.include(
        yield* ask("rehearse"),
        "suggestion:service:1.1 would have been applied by services, and is rolled_back"
      )
      assert.include(yield* ask("unlock", "services"), "expected the name of a job that is locked")
      assert.include(yield* ask("unlock", "service"), "rules may apply something to service again")
      assert.notInclude(yield* ask("status"), locked)
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
