import { assert, it } from "@effect/vitest"
import { Clock, Effect, Option, TestClock } from "effect"
import * as Payload from "../../src/pm2/daemon/Payload.js"
import * as Starts from "../../src/pm2/Starts.js"
import { listed } from "./recorded.js"

type Changes = Parameters<typeof listed>[0]

const makeStarts = Effect.map(Clock.clockWith(Effect.succeed), (clock) => {
  const starts = Starts.make(clock)
  return {
    ...starts,
    list: (...processes: ReadonlyArray<Changes>) =>
      starts.listed(
        Option.getOrThrow(Payload.processesOf(processes.map(listed), "X")).processes,
        ({ namespace }) => namespace === "openclaw"
      )
  }
})

const down = { status: "stopped", pid: 0, namespace: "openclaw" }

const up = { status: "launching", pid: 7, pm_uptime: 1795477020000, namespace: "openclaw" }

it.effect("a process is being started until it is listed", () =>
  Effect.gen(function* () {
    const starts = yield* makeStarts
    assert.isFalse(starts.list())
    starts.add("0")
    assert.isTrue(starts.list())
    assert.isFalse(starts.list(up))
    assert.isFalse(starts.list(down))
  })
)

it.effect("a process is being started anew until another run of it is listed", () =>
  Effect.gen(function* () {
    const starts = yield* makeStarts
    starts.list(down)
    starts.add("0")
    assert.isTrue(starts.list(down))
    assert.isFalse(starts.list(up))
    assert.isFalse(starts.list(down))
  })
)

it.effect("a process is not being started if it has ended, does not count, or counts already", () =>
  Effect.gen(function* () {
    const ended = yield* makeStarts
    ended.add("0")
    ended.ended("0")
    assert.isFalse(ended.list())
    const other = yield* makeStarts
    other.list({ ...down, namespace: "default" })
    other.add("0")
    assert.isFalse(other.list({ ...down, namespace: "default" }))
    const again = yield* makeStarts
    again.list(up)
    again.add("0")
    assert.isFalse(again.list({ ...up, status: "stopped", autorestart: true }))
  })
)

it.effect("a start that comes to nothing is forgotten", () =>
  Effect.gen(function* () {
    const starts = yield* makeStarts
    starts.add("0")
    yield* TestClock.adjust("10 seconds")
    assert.isTrue(starts.list())
    yield* TestClock.adjust("1 second")
    assert.isFalse(starts.list())
  })
)
