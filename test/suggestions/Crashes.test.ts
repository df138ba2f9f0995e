/** A process that ends at any step of an application or a rollback, and what the next one makes of it (R20). */
import { chmodSync, existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Logger, Option, Scope, TestClock } from "effect"
import { hook } from "../../src/suggestions/Hooks.js"
import { settle } from "../support/gateWorld.js"
import { aSuggestion } from "../support/storeSamples.js"
import {
  anna,
  approve,
  filesIn,
  forFile,
  makeSuggestionWorld,
  NEW,
  OLD,
  type SuggestionService
} from "../support/suggestionWorld.js"

const STEPS = ["intend", "write", "rename", "sync", "look", "record"]

const silent = Effect.provide(Logger.remove(Logger.defaultLogger))

/** A world in whose first life the application or rollback has come as far as this step, and no further. */
const endedAt = (what: "apply" | "rollback", step: string, files: ReadonlyArray<string>, nth = 1) =>
  Effect.gen(function* () {
    const world = yield* makeSuggestionWorld
    const life = yield* world.start
    const first = yield* Scope.make()
    const suggestions = yield* Scope.extend(world.serve(life), first)
    const paths = files.map((name) => world.write(name, OLD))
    for (const path of paths) chmodSync(path, 0o640)
    yield* world.has("x", ...paths)
    const [id = ""] = yield* world.review(
      life,
      "x",
      paths.map((path) => forFile(path, NEW, { set: "s" }))
    )
    yield* approve(suggestions, id)
    if (what === "rollback") yield* suggestions.apply(id, anna)
    const doing: Effect.Effect<unknown, { readonly message: string }> =
      what === "apply" ? suggestions.apply(id, anna) : suggestions.rollback(id, anna)
    const isThere = yield* Deferred.make<void>()
    let times = 0
    yield* Effect.forkDaemon(
      Effect.locally(doing, hook, (at) =>
        at === step && ++times === nth
          ? Effect.zipRight(Deferred.succeed(isThere, undefined), Effect.never)
          : Effect.void
      )
    )
    yield* Deferred.await(isThere)
    // Nobody writes another word.
    world.disk.fail("Unavailable")
    yield* Scope.close(first, Exit.void)
    yield* life.crash
    return { ...world, id, paths }
  })

const stateOf = ({ get }: SuggestionService, id: string) =>
  Effect.map(get(id), (found) => Option.getOrThrow(found).state)

describe("a process that ends", () => {
  it.scoped.each(STEPS)(
    "before %s of an application leaves the old file or the new one, and a row that says which",
    (step) =>
      Effect.gen(function* () {
        const { id, paths, root, serve, start } = yield* endedAt("apply", step, ["job.sh"])
        const [path = ""] = paths
        const before = readFileSync(path, "utf8")
        const written = step === "sync" || step === "look" || step === "record"
        assert.strictEqual(before, written ? NEW : OLD)
        const again = yield* serve(yield* start)
        // It has not written it.
        assert.deepStrictEqual(filesIn(root), { "job.sh": before })
        assert.strictEqual(lstatSync(path).mode & 0o7777, 0o640)
        const steps = yield* again.steps(id)
        assert.deepInclude(steps.at(-1), {
          to: written ? "applied" : "approved",
          by: { who: "effect-healing", door: "recovery" }
        })
        if (!written) yield* again.apply(id, anna)
        assert.strictEqual(readFileSync(path, "utf8"), NEW)
        yield* again.rollback(id, anna)
        assert.strictEqual(readFileSync(path, "utf8"), OLD)
        assert.strictEqual(lstatSync(path).mode & 0o7777, 0o640)
      })
  )

  it.scoped.each(STEPS)(
    "before %s of a rollback leaves the new file or the old one, and a row that says which",
    (step) =>
      Effect.gen(function* () {
        const { id, root, serve, start } = yield* endedAt("rollback", step, ["job.sh"])
        const written = step === "sync" || step === "look" || step === "record"
        const again = yield* serve(yield* start)
        assert.deepStrictEqual(filesIn(root), { "job.sh": written ? OLD : NEW })
        assert.strictEqual(yield* stateOf(again, id), written ? "rolled_back" : "applied")
        if (!written) yield* again.rollback(id, anna)
        assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
      })
  )

  it.scoped("between two files of a set says of each what it is", () =>
    Effect.gen(function* () {
      const { id, root, serve, start } = yield* endedAt("apply", "rename", ["a.sh", "b.sh"], 2)
      const again = yield* serve(yield* start)
      assert.deepStrictEqual(filesIn(root), { "a.sh": NEW, "b.sh": OLD })
      const other = id.replace(/1$/, "2")
      assert.deepStrictEqual([yield* stateOf(again, id), yield* stateOf(again, other)], ["applied", "approved"])
      const refused = yield* Effect.flip(again.apply(other, anna))
      assert.include(refused.message, "of its set is")
      yield* again.rollback(id, anna)
      assert.deepStrictEqual(filesIn(root), { "a.sh": OLD, "b.sh": OLD })
    })
  )

  it.scoped("and whose file somebody has edited before the next one says that it has failed", () =>
    Effect.gen(function* () {
      const { id, paths, root, serve, start } = yield* endedAt("apply", "rename", ["job.sh"])
      writeFileSync(String(paths[0]), "somebody's\n")
      const again = yield* serve(yield* start)
      const last = (yield* again.steps(id)).at(-1)
      assert.deepInclude(last, { to: "failed" })
      assert.include(last?.reason, "is neither as it was nor as it was to be")
      assert.deepStrictEqual(filesIn(root), { "job.sh": "somebody's\n" })
    })
  )

  it.scoped("while it waits for a run of its job is as if it had never begun", () =>
    Effect.gen(function* () {
      const { disk, has, propose, root, serve, start, write } = yield* makeSuggestionWorld
      const life = yield* start
      const first = yield* Scope.make()
      const suggestions = yield* Scope.extend(serve(life), first)
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      const { expiresAt } = yield* approve(suggestions, id)
      yield* life.openClaw.started("x")
      yield* Effect.forkDaemon(suggestions.apply(id, anna))
      yield* settle
      assert.strictEqual(yield* stateOf(suggestions, id), "applying")
      disk.fail("Unavailable")
      yield* Scope.close(first, Exit.void)
      yield* life.crash
      const again = yield* serve(yield* start)
      assert.deepInclude(Option.getOrThrow(yield* again.get(id)), { state: "approved", expiresAt })
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
    })
  )

  it.scoped("and whose rows cannot be read keeps nobody from theirs", () =>
    Effect.gen(function* () {
      const { has, id, paths, propose, root, serve, sql, start, write } = yield* endedAt("apply", "sync", ["job.sh"])
      yield* sql`UPDATE healing_suggestions SET "by" = 'broken'`
      const life = yield* start
      const again = yield* serve(life)
      assert.deepStrictEqual(filesIn(root), { "job.sh": NEW })
      const other = write("other.sh", OLD)
      yield* has("y", other)
      const next = yield* propose(life, "y", other, NEW)
      yield* approve(again, next)
      assert.strictEqual((yield* again.apply(next, anna)).state, "applied")
      assert.include((yield* Effect.flip(again.get(id))).message, "cannot be read")
      assert.lengthOf(paths, 1)
    }).pipe(silent)
  )

  it.scoped("and whose original cannot be read does not say what it does not know", () =>
    Effect.gen(function* () {
      const { id, serve, sql, start } = yield* endedAt("apply", "sync", ["job.sh"])
      yield* sql`UPDATE healing_applications SET mode = 'broken'`
      const again = yield* serve(yield* start)
      assert.deepInclude((yield* again.steps(id)).at(-1), { to: "failed" })
      assert.include((yield* again.steps(id)).at(-1)?.reason, "look at the file")
    }).pipe(silent)
  )

  it.scoped.each(["write", "sync"])("before %s says of the advice of a set what it says of its files", (step) =>
    Effect.gen(function* () {
      const world = yield* makeSuggestionWorld
      const life = yield* world.start
      const first = yield* Scope.make()
      const suggestions = yield* Scope.extend(world.serve(life), first)
      const path = world.write("job.sh", OLD)
      yield* world.has("x", path)
      const ids = yield* world.review(life, "x", [{ ...aSuggestion, set: "s" }, forFile(path, NEW, { set: "s" })])
      const [advice = "", file = ""] = ids
      // What stands in a file says nothing of advice.
      writeFileSync(path, NEW)
      yield* suggestions.preview(file)
      assert.deepStrictEqual(yield* Effect.forEach(ids, (id) => stateOf(suggestions, id)), ["pending", "pending"])
      writeFileSync(path, OLD)
      yield* approve(suggestions, advice)
      const isThere = yield* Deferred.make<void>()
      yield* Effect.forkDaemon(
        Effect.locally(suggestions.apply(advice, anna), hook, (at) =>
          at === step ? Effect.zipRight(Deferred.succeed(isThere, undefined), Effect.never) : Effect.void
        )
      )
      yield* Deferred.await(isThere)
      world.disk.fail("Unavailable")
      yield* Scope.close(first, Exit.void)
      yield* life.crash
      const again = yield* world.serve(yield* world.start)
      const state = step === "sync" ? "applied" : "approved"
      assert.deepStrictEqual(yield* Effect.forEach(ids, (id) => stateOf(again, id)), [state, state])
    })
  )

  it.scoped("a set of which one cannot be read is not decided on", () =>
    Effect.gen(function* () {
      const { has, review, serve, sql, start, write } = yield* makeSuggestionWorld
      const life = yield* start
      const suggestions = yield* serve(life)
      const [a, b] = [write("a.sh", OLD), write("b.sh", OLD)]
      yield* has("x", a, b)
      const [id = ""] = yield* review(life, "x", [forFile(a, NEW, { set: "s" }), forFile(b, NEW, { set: "s" })])
      yield* sql`UPDATE healing_suggestions SET "by" = 'broken' WHERE position = 2`
      assert.include((yield* Effect.flip(suggestions.preview(id))).message, "may be of its set")
    }).pipe(silent)
  )

  it.scoped("removes no file but its own", () =>
    Effect.gen(function* () {
      const { id, paths, root, serve, sql, start } = yield* endedAt("apply", "rename", ["job.sh"])
      yield* sql`UPDATE healing_applications SET temporary = '../jobs/precious'`
      writeFileSync(join(root, "precious"), "precious\n")
      const again = yield* serve(yield* start)
      assert.isTrue(existsSync(join(root, "precious")))
      assert.strictEqual(yield* stateOf(again, id), "approved")
      assert.strictEqual(readFileSync(String(paths[0]), "utf8"), OLD)
    })
  )
})

describe("a store that fails", () => {
  it.scoped("before the intention is written leaves all as it was", () =>
    Effect.gen(function* () {
      const { disk, has, propose, root, serve, start, write } = yield* makeSuggestionWorld
      const life = yield* start
      const suggestions = yield* serve(life)
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      const error = yield* Effect.flip(suggestions.apply(id, anna)).pipe(
        Effect.locally(hook, (step) => Effect.sync(() => (step === "intend" ? disk.fail("Full") : undefined)))
      )
      assert.strictEqual(error._tag, "HealingStoreError")
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
      disk.repair()
      // It is tried again after some seconds.
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.strictEqual(yield* stateOf(suggestions, id), "approved")
      assert.strictEqual((yield* suggestions.apply(id, anna)).state, "applied")
    }).pipe(silent)
  )

  it.scoped("after the file was written tells that, and writes the outcome down when it can", () =>
    Effect.gen(function* () {
      const { disk, has, propose, root, serve, start, write } = yield* makeSuggestionWorld
      const life = yield* start
      const first = yield* Scope.make()
      const suggestions = yield* Scope.extend(serve(life), first)
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      const error = yield* Effect.flip(suggestions.apply(id, anna)).pipe(
        Effect.locally(hook, (step) => Effect.sync(() => (step === "record" ? disk.fail("Full") : undefined)))
      )
      assert.strictEqual(error._tag, "HealingStoreError")
      assert.deepStrictEqual(filesIn(root), { "job.sh": NEW })
      disk.repair()
      yield* Scope.close(first, Exit.void)
      yield* life.stop
      const again = yield* serve(yield* start)
      assert.strictEqual(yield* stateOf(again, id), "applied")
      yield* again.rollback(id, anna)
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
    }).pipe(silent)
  )
})
