/** What systemd hears, by a stand-in for its `systemd-notify` on the `PATH`. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Layer, Scope, TestClock } from "effect"
import { Healing, HealingService, OpenClaw } from "effect-healing"

const standIn = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-healing-systemd-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const log = join(folder, "log")
  const program = join(folder, "systemd-notify")
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${log}\n`)
  chmodSync(program, 0o755)
  const path = process.env.PATH
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.env.PATH = `${folder}:${path}`
    }),
    () =>
      Effect.sync(() => {
        process.env.PATH = path
      })
  )
  const lines = Effect.sync(() => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []))
  const hears = (count: number) =>
    Effect.repeat(
      Effect.zipRight(
        Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5))),
        lines
      ),
      { until: (all) => all.length >= count }
    )
  return { hears, lines }
})

const start = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    yield* Layer.buildWithScope(Layer.provide(Healing.layerSystemd, NodeContext.layer), scope).pipe(
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment))))
    )
    return { stop: Scope.close(scope, Exit.void) }
  })

const own = `--pid=${process.pid}`

it.scoped("it hears that the service is ready, that it lives, how it is, and that it ends", () =>
  Effect.gen(function* () {
    const { hears } = yield* standIn
    const openClaw = yield* OpenClaw
    yield* HealingService
    const { stop } = yield* start({ NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "20000000" })
    yield* hears(2)
    const source = yield* openClaw.source("pm2")
    yield* source.unknown("no answer")
    for (let told = 3; told <= 9; told++) {
      yield* TestClock.adjust("10 seconds")
      yield* hears(told)
    }
    yield* stop
    const [ready, first, ...others] = yield* hears(10)
    assert.strictEqual(ready, `${own} --ready`)
    assert.strictEqual(first, `${own} --status=all is well WATCHDOG=1`)
    assert.match(String(others.at(-2)), /--status=The source "pm2" does not know what runs since .* WATCHDOG=1$/)
    assert.strictEqual(others.at(-1), `${own} --stopping`)
  }).pipe(Effect.provide(Healing.layer()))
)

it.scoped("it hears nothing where it has not started the process", () =>
  Effect.gen(function* () {
    const { lines } = yield* standIn
    const { stop } = yield* start({})
    yield* TestClock.adjust("1 hour")
    yield* stop
    assert.deepStrictEqual(yield* lines, [])
  }).pipe(Effect.provide(Healing.layer()))
)
