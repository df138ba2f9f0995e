import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HealingHttp } from "effect-healing/http"
import { cli } from "../cli/startCli.js"
import { makeFake } from "../openclaw/makeFake.js"
import { answer } from "../openclaw/reviewWorld.js"
import { makeDaemon } from "../pm2/makeDaemon.js"
import { isFull } from "../support/property.js"
import { startModule } from "./startModule.js"

describe.runIf(isFull)("the API of the module", () => {
  it.scopedLive("is there from its start, on a socket and on the port that was set", () =>
    Effect.gen(function* () {
      const fake = yield* makeFake({ generation: "exec", turns: [{ text: answer() }] })
      const daemon = yield* makeDaemon
      yield* daemon.start({ name: "api", autorestart: true, namespace: "default" })
      const module = yield* startModule(daemon.home, {
        openclaw_command: fake.command,
        model: "mock/mock-1",
        quiet_period: "100 millis",
        http_port: "0"
      })
      const folder = join(daemon.home, "effect-healing", "healing.db-run")
      yield* module.says(new RegExp(`^The API listens on ${join(folder, "api.sock")}$`))
      yield* module.says(/^A token for the API is in .*\/tokens\/first$/)
      yield* module.says(
        /^The API listens on http:\/\/127\.0\.0\.1:\d+ as well, .*; effect-healing open prints a link to its page$/
      )
      assert.strictEqual(statSync(join(folder, "api.sock")).mode & 0o777, 0o600)
      const [, url = ""] = /(http:\S+) as well/.exec((yield* module.lines).join("\n")) ?? []
      const token = Redacted.make(readFileSync(join(folder, "tokens", "first"), "utf8").trim())
      const { api } = yield* HealingHttp.client({ url, token })
      const jobs = yield* api.jobs.list()
      assert.deepStrictEqual(
        jobs.map(({ id, openClaw }) => [id, openClaw]),
        [["api", false]]
      )
      const { id } = yield* api.requests.heal({ payload: { job: "api" } })
      const { report } = yield* api.requests.get({ path: { id }, urlParams: { wait: "60s" } })
      assert.strictEqual(report?.summary, "The disk was full.")
      // The same by the command, which finds it by the home of PM2.
      const ask = (...args: ReadonlyArray<string>) =>
        Effect.map(cli([...args, "--home", daemon.home]), ({ code, stderr, stdout }) => `${code}: ${stdout}${stderr}`)
      assert.include(yield* ask("status"), "0: in review  nothing\n")
      assert.include(yield* ask("report", "api"), "The disk was full.")
      assert.match(yield* ask("heal", "api", "--wait"), /^0: The review of api is completed: The disk was full\.\n/)
      assert.match(
        yield* ask("open"),
        new RegExp(`^0: ${url}/page#code=[\\w-]{43}\nIt is good once, and for two minutes\\.`)
      )
      const page = yield* Effect.promise(() => fetch(`${url}/page`))
      assert.match(yield* Effect.promise(() => page.text()), /^<!doctype html>/)
      assert.match(yield* ask("doctor"), /^fail {2}module +PM2 has no module effect-healing$/m)
      const local = yield* HealingHttp.client({ socket: join(folder, "api.sock") })
      assert.isTrue((yield* local.api.status.healthz()).healthy)
      assert.notInclude((yield* module.lines).join("\n"), Redacted.value(token))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("leaves reviews alone where it cannot be opened, and says what to set", () =>
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      const module = yield* startModule(daemon.home, {
        model: "mock/mock-1",
        http_port: "9877",
        http_host: "0.0.0.0"
      })
      yield* module.says(
        /^error: there is no API: http_host is 0\.0\.0\.0, without http\.allowed_hosts, and should be 127\.0\.0\.1; .* To mend it: pm2 set effect-healing:http_host "<value>"$/
      )
      assert.strictEqual(yield* module.trigger("pause"), "the queue is paused")
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
