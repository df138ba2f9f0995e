/**
 * Generated lives of suggestions against a model: whatever people, others and crashes do, the file holds what the model says, and each
 * suggestion is in the state that it says.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, FastCheck, Logger, Option, Scope, TestClock, TestContext } from "effect"
import { hook } from "../../src/suggestions/Hooks.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import { anna, makeSuggestionWorld } from "../support/suggestionWorld.js"

const RUNS = runsOf({ few: 3, many: 80 })

const STEPS = ["intend", "write", "rename", "sync", "look", "record"] as const

/** From which of them on the file is written. */
const WRITTEN: ReadonlyArray<string> = ["sync", "look", "record"]

type Op =
  | { readonly _tag: "Review" | "Edit" | "Stop" | "Resume" | "Restart" }
  | { readonly _tag: "Days"; readonly days: number }
  | {
      readonly _tag: "Approve" | "Both" | "Reject" | "Withdraw" | "Apply" | "Rollback" | "EditTo"
      readonly which: number
    }
  | { readonly _tag: "Crash"; readonly which: number; readonly step: (typeof STEPS)[number] }

const which = FastCheck.nat(3)

const op: FastCheck.Arbitrary<Op> = FastCheck.oneof(
  { weight: 3, arbitrary: FastCheck.constant<Op>({ _tag: "Review" }) },
  {
    weight: 2,
    arbitrary: FastCheck.constantFrom<Op>({ _tag: "Edit" }, { _tag: "Stop" }, { _tag: "Resume" }, { _tag: "Restart" })
  },
  {
    weight: 1,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("Days" as const), days: FastCheck.constantFrom(1, 5, 8) })
  },
  {
    weight: 10,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constantFrom(
        ...(["Approve", "Approve", "Both", "Reject", "Withdraw", "Apply", "Apply", "Rollback", "EditTo"] as const)
      ),
      which
    })
  },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Crash" as const),
      which,
      step: FastCheck.constantFrom(...STEPS)
    })
  }
)

/** What the model knows of one. */
interface Modelled {
  readonly id: string
  readonly before: string
  readonly after: string
  state: string
  expiresAt: number
  /** Whether effect-healing has written it, so that it knows the original. */
  isOurs: boolean
}

const DAY = 86_400_000

/** Of which less than half differs from one to the next. */
const contentOf = (last: string): string => `one\ntwo\nthree\n${last}\n`

class Model {
  content = contentOf("version 0")
  now = 0
  isStopped = false
  /** The newest first. */
  readonly all: Array<Modelled> = []

  isOpen({ state }: Modelled): boolean {
    return state === "pending" || state === "approved"
  }

  proposed(id: string, after: string): void {
    for (const one of this.all) if (this.isOpen(one)) one.state = "superseded"
    this.all.unshift({
      id,
      before: this.content,
      after,
      state: "pending",
      expiresAt: this.now + 14 * DAY,
      isOurs: false
    })
  }

  pass(days: number): void {
    this.now += days * DAY
    for (const one of this.all) if (this.isOpen(one) && one.expiresAt <= this.now) one.state = "expired"
  }

  /** Somebody looks at it: it may be found to be applied. */
  look(one: Modelled): void {
    if (this.isOpen(one) && this.content === one.after) one.state = "applied"
  }

  /** Returns whether it is done. */
  approve(one: Modelled): boolean {
    this.look(one)
    if (one.state !== "pending" || this.content !== one.before) return false
    one.state = "approved"
    one.expiresAt = this.now + 7 * DAY
    return true
  }

  reopen(one: Modelled): void {
    one.state = "pending"
    one.expiresAt = this.now + 14 * DAY
  }

  /** Returns whether it would be written. */
  mayApply(one: Modelled): boolean {
    if (one.state !== "approved" || this.isStopped) return false
    this.look(one)
    if (one.state !== "approved") return false
    if (this.content === one.before) return true
    this.reopen(one)
    return false
  }

  applied(one: Modelled): void {
    one.state = "applied"
    one.isOurs = true
    this.content = one.after
  }

  mayRollBack(one: Modelled): boolean {
    return one.state === "applied" && one.isOurs && (this.content === one.after || this.content === one.before)
  }

  rolledBack(one: Modelled): void {
    one.state = "rolled_back"
    this.content = one.before
  }
}

const live = (ops: ReadonlyArray<Op>) =>
  Effect.gen(function* () {
    const world = yield* makeSuggestionWorld
    const model = new Model()
    const path = world.write("job.sh", model.content)
    yield* world.has("x", path)
    let version = 0

    const begin = Effect.gen(function* () {
      const life = yield* world.start
      const scope = yield* Scope.make()
      const suggestions = yield* Scope.extend(world.serve(life), scope)
      return { life, scope, suggestions }
    })
    let current = yield* begin

    const succeeds = (doing: Effect.Effect<unknown, { readonly message: string }>) =>
      Effect.map(Effect.either(doing), ({ _tag }) => _tag === "Right")

    const seal = (id: string) =>
      Effect.map(current.suggestions.preview(id), ({ seal }) => seal ?? `seal:${"0".repeat(64)}`)

    const crash = Effect.gen(function* () {
      world.disk.fail("Unavailable")
      yield* Scope.close(current.scope, Exit.void)
      yield* current.life.crash
      current = yield* begin
    })

    const decideOn = (op: Extract<Op, { readonly which: number }>, one: Modelled) =>
      Effect.gen(function* () {
        const { suggestions } = current
        switch (op._tag) {
          case "Approve": {
            const found = yield* seal(one.id)
            const isDone = yield* succeeds(suggestions.approve(one.id, { ...anna, seal: found }))
            return assert.strictEqual(isDone, model.approve(one))
          }
          case "Both": {
            const found = yield* seal(one.id)
            const done = yield* Effect.all(
              [
                succeeds(suggestions.approve(one.id, { ...anna, seal: found })),
                succeeds(suggestions.reject(one.id, anna))
              ],
              { concurrency: "unbounded" }
            )
            model.look(one)
            if (one.state !== "pending") return assert.deepStrictEqual(done, [false, false])
            const [isApproved, isRejected] = done
            assert.isTrue(isApproved !== isRejected || (!isApproved && model.content !== one.before))
            if (isRejected) one.state = "rejected"
            else if (isApproved) assert.isTrue(model.approve(one))
            return
          }
          case "Reject": {
            const isDone = yield* succeeds(suggestions.reject(one.id, anna))
            assert.strictEqual(isDone, one.state === "pending")
            if (isDone) one.state = "rejected"
            return
          }
          case "Withdraw": {
            const isDone = yield* succeeds(suggestions.withdraw(one.id, anna))
            assert.strictEqual(isDone, one.state === "approved")
            if (isDone) model.reopen(one)
            return
          }
          case "Apply": {
            const isDone = yield* succeeds(suggestions.apply(one.id, anna))
            const before = one.state
            if (model.mayApply(one)) model.applied(one)
            return assert.strictEqual(isDone, before !== "applied" && one.state === "applied")
          }
          case "Rollback": {
            const isDone = yield* succeeds(suggestions.rollback(one.id, anna))
            assert.strictEqual(isDone, model.mayRollBack(one))
            if (isDone) model.rolledBack(one)
            return
          }
          case "EditTo": {
            writeFileSync(path, one.after)
            model.content = one.after
            return
          }
          case "Crash": {
            const isThere = yield* Deferred.make<void>()
            const isRollback = one.state === "applied"
            const doing: Effect.Effect<unknown, { readonly message: string }> = isRollback
              ? suggestions.rollback(one.id, anna)
              : suggestions.apply(one.id, anna)
            const fiber = yield* Effect.forkDaemon(
              Effect.locally(doing, hook, (at) =>
                at === op.step ? Effect.zipRight(Deferred.succeed(isThere, undefined), Effect.never) : Effect.void
              )
            )
            const hasCome = yield* Effect.raceFirst(
              Effect.as(Deferred.await(isThere), true),
              Effect.as(Effect.exit(fiber.await), false)
            )
            const wouldWrite = isRollback ? model.mayRollBack(one) : model.mayApply(one)
            const isAsBefore = isRollback && wouldWrite && model.content === one.before
            // Where there is nothing to write, some steps are left out.
            if (!isAsBefore) assert.strictEqual(hasCome, wouldWrite)
            if (wouldWrite && (!hasCome || WRITTEN.includes(op.step))) {
              if (isRollback && hasCome && isAsBefore) {
                // It is not written down that somebody has taken it back by hand.
              } else if (isRollback) model.rolledBack(one)
              else model.applied(one)
            }
            return yield* crash
          }
        }
      })

    for (const op of ops) {
      if ("which" in op) {
        const one = model.all[op.which]
        if (one !== undefined) yield* decideOn(op, one)
      } else if (op._tag === "Review") {
        const after = contentOf(`version ${++version}`)
        const id = yield* world.propose(current.life, "x", path, after, {})
        model.proposed(id, after)
      } else if (op._tag === "Edit") {
        model.content = contentOf(`edited ${++version}`)
        writeFileSync(path, model.content)
      } else if (op._tag === "Stop" || op._tag === "Resume") {
        model.isStopped = op._tag === "Stop"
        yield* op._tag === "Stop" ? current.suggestions.stop(anna) : current.suggestions.resume(anna)
      } else if (op._tag === "Restart") {
        yield* Scope.close(current.scope, Exit.void)
        yield* current.life.stop
        current = yield* begin
      } else if (op._tag === "Days") {
        // Step by step, as a process that runs.
        for (let day = 0; day < op.days; day++) yield* TestClock.adjust(Duration.days(1))
        model.pass(op.days)
      }
      assert.strictEqual(readFileSync(path, "utf8"), model.content)
      for (const one of model.all) {
        const found = Option.getOrThrow(yield* current.suggestions.get(one.id))
        assert.strictEqual(found.state, one.state, `${one.id} after ${op._tag}`)
      }
    }
  }).pipe(Effect.scoped, Effect.provide(Logger.remove(Logger.defaultLogger)))

it(
  "whatever happens, the file and the rows are what the model says",
  () =>
    FastCheck.assert(
      restingProperty(FastCheck.array(op, { minLength: 10, maxLength: 40, size: "max" }), (ops) =>
        Effect.runPromise(Effect.provide(live(ops), TestContext.TestContext))
      ),
      parameters(RUNS, "suggestions/lives")
    ),
  patienceFor(RUNS)
)
