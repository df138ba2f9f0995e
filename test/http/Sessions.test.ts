import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Redacted, TestClock, TestContext } from "effect"
import * as fc from "effect/FastCheck"
import type { Caller } from "../../src/http/Rights.js"
import * as Sessions from "../../src/http/Sessions.js"
import { changeClock } from "../support/changeClock.js"
import { parameters, restingProperty, runsOf } from "../support/property.js"

const file = "test/http/Sessions.test.ts"

const caller = (name: string): Caller => ({
  name,
  door: "socket",
  rights: "all",
  isStillAdmitted: Effect.succeed(true)
})

const CODE = Duration.toMillis(Sessions.CODE_LASTS)
const SESSION = Duration.toMillis(Sessions.SESSION_LASTS)
const END = Duration.toMillis(Sessions.SESSION_ENDS)

/** What somebody does: each number says with which code or session, of those that there were. */
type Step =
  | { readonly _tag: "Link" }
  | { readonly _tag: "Open"; readonly which: number }
  | { readonly _tag: "Use"; readonly which: number }
  | { readonly _tag: "Wait"; readonly millis: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ _tag: "Link" }),
  fc.record({ _tag: fc.constant("Open" as const), which: fc.nat(20) }),
  fc.record({ _tag: fc.constant("Use" as const), which: fc.nat(20) }),
  fc.record({
    _tag: fc.constant("Wait" as const),
    millis: fc.constantFrom(1, CODE - 1, CODE, SESSION / 2, SESSION - 1, SESSION - 1, SESSION)
  })
)

/** Sessions against plain lists of when each code and each session ends. */
const follow = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const sessions = Sessions.make()
    const codes: Array<{ readonly code: string; readonly name: string; until: number }> = []
    const opened: Array<{
      readonly session: Redacted.Redacted
      readonly name: string
      until: number
      readonly end: number
    }> = []
    let now = 0
    for (const step of steps) {
      if (step._tag === "Wait") {
        now += step.millis
        yield* TestClock.adjust(step.millis)
      } else if (step._tag === "Link") {
        const name = `user ${codes.length}`
        const { code, until } = yield* sessions.link(caller(name))
        assert.strictEqual(until, now + CODE)
        codes.push({ code, name, until })
      } else if (step._tag === "Open" && codes.length > 0) {
        const known = codes[step.which % codes.length]
        const found = yield* sessions.open(known?.code ?? "")
        assert.strictEqual(Option.isSome(found), known !== undefined && now < known.until)
        if (known === undefined || Option.isNone(found)) continue
        known.until = 0
        assert.deepInclude(found.value.caller, { name: known.name, door: "page", rights: "all" })
        opened.push({ session: found.value.session, name: known.name, until: now + SESSION, end: now + END })
      } else if (step._tag === "Use" && opened.length > 0) {
        const known = opened[step.which % opened.length]
        const found = yield* sessions.find(known?.session ?? Redacted.make(""))
        const isGood = known !== undefined && now < known.until
        assert.strictEqual(Option.isSome(found), isGood)
        if (!isGood || Option.isNone(found)) continue
        known.until = Math.min(now + SESSION, known.end)
        assert.strictEqual(found.value.name, known.name)
      }
    }
  })

const LOTS = 101

describe("the sessions of the page", () => {
  it("begin with a code that is good once and for two minutes, and last as long as they are used", () => {
    const property = restingProperty(fc.array(step, { maxLength: 60 }), (steps) =>
      follow(steps).pipe(Effect.provide(TestContext.TestContext), Effect.runPromise)
    )
    return fc.assert(property, parameters(runsOf({ few: 50, many: 1500 }), file))
  })

  it.effect("end after a week, however much they are used", () =>
    Effect.gen(function* () {
      const sessions = Sessions.make()
      const { session } = Option.getOrThrow(yield* sessions.open((yield* sessions.link(caller("anna"))).code))
      const half = SESSION / 2
      for (let at = half; at < END; at += half) {
        yield* TestClock.adjust(half)
        assert.isTrue(Option.isSome(yield* sessions.find(session)))
      }
      yield* TestClock.adjust(half)
      assert.isTrue(Option.isNone(yield* sessions.find(session)))
    })
  )

  it.effect("open for one of all who come with a code at once", () =>
    Effect.gen(function* () {
      const sessions = Sessions.make()
      const { code } = yield* sessions.link(caller("anna"))
      const all = yield* Effect.forEach(Array.from({ length: 50 }), () => sessions.open(code), {
        concurrency: "unbounded"
      })
      assert.strictEqual(all.filter(Option.isSome).length, 1)
    })
  )

  it.effect("are a hundred at most, and so are codes: the oldest one ends", () =>
    Effect.gen(function* () {
      const sessions = Sessions.make()
      const codes = yield* Effect.forEach(Array.from({ length: LOTS }), () => sessions.link(caller("anna")))
      const [first, second] = codes
      assert.isTrue(Option.isNone(yield* sessions.open(first?.code ?? "")))
      const oldest = Option.getOrThrow(yield* sessions.open(second?.code ?? ""))
      const used = Option.getOrThrow(yield* sessions.open((yield* sessions.link(caller("anna"))).code))
      for (let index = 2; index < LOTS; index++) {
        // One that is used is not the oldest any more.
        yield* sessions.find(used.session)
        yield* sessions.open((yield* sessions.link(caller("anna"))).code)
      }
      assert.isTrue(Option.isNone(yield* sessions.find(oldest.session)))
      assert.isTrue(Option.isSome(yield* sessions.find(used.session)))
    })
  )

  it.effect("end when so much time has passed, wherever the clock is set", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      let setBy = 0
      const wall = () => clock.unsafeCurrentTimeMillis() + setBy
      const set = changeClock(clock, { unsafeCurrentTimeMillis: wall, currentTimeMillis: Effect.sync(wall) })
      const sessions = Sessions.make()
      const open = (code: string) => Effect.withClock(sessions.open(code), set)
      const link = Effect.withClock(sessions.link(caller("anna")), set)
      const [one, other] = [yield* link, yield* link]
      setBy = SESSION
      assert.isTrue(Option.isSome(yield* open(one.code)))
      setBy = -SESSION
      yield* TestClock.adjust(CODE)
      assert.isTrue(Option.isNone(yield* open(other.code)))
    })
  )

  it.effect("do not take a code for a session, nor a session for a code", () =>
    Effect.gen(function* () {
      const sessions = Sessions.make()
      const { code } = yield* sessions.link(caller("anna"))
      assert.isTrue(Option.isNone(yield* sessions.find(Redacted.make(code))))
      const { session } = Option.getOrThrow(yield* sessions.open(code))
      assert.isTrue(Sessions.isSession(session))
      assert.isTrue(Option.isNone(yield* sessions.open(Redacted.value(session))))
    })
  )
})
