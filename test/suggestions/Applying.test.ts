/** From a preview to a changed file, and back, on real files. */
import { execFileSync } from "node:child_process"
import { chmodSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, FastCheck, Fiber, Logger, Option, Scope, TestClock } from "effect"
import { diffOf } from "../../src/suggestions/Diff.js"
import { hook } from "../../src/suggestions/Hooks.js"
import { hashOf } from "../../src/text/Excerpt.js"
import { macrotask, settle } from "../support/gateWorld.js"
import { aSuggestion } from "../support/storeSamples.js"
import {
  anna,
  approve,
  failing,
  filesIn,
  forFile,
  makeSuggestionWorld,
  NEW,
  OLD,
  withFile
} from "../support/suggestionWorld.js"

const silent = Effect.provide(Logger.remove(Logger.defaultLogger))

/** A world with a job of one file, and a suggestion for it. */
const withOne = Effect.gen(function* () {
  const world = yield* withFile
  const id = yield* world.propose(world.life, "x", world.path, NEW)
  yield* world.told
  return { ...world, id }
})

/** Lets processes tell. */
const content = (path: string) => readFileSync(path, "utf8")

describe("a preview", () => {
  it.scoped("shows the difference, every check, and the seal", () =>
    Effect.gen(function* () {
      const { id, path, suggestions } = yield* withOne
      const { bigDeletion, members, seal } = yield* suggestions.preview(id)
      assert.lengthOf(members, 1)
      const [member] = members
      assert.strictEqual(member?.path, path)
      assert.strictEqual(member?.diff, "--- a/job.sh\n+++ b/job.sh\n@@ -1,4 +1,4 @@\n one\n-two\n+2\n three\n four\n")
      assert.deepStrictEqual([member?.added, member?.removed, bigDeletion], [1, 1, false])
      assert.isTrue(member?.checks.every(({ passed }) => passed))
      assert.match(String(seal), /^seal:[0-9a-f]{64}$/)
      // It has changed nothing.
      assert.strictEqual(content(path), OLD)
      assert.deepStrictEqual(yield* suggestions.preview(id), { id, bigDeletion, restart: false, members, seal })
    })
  )

  it.scoped("has another seal for everything that is another", () =>
    Effect.gen(function* () {
      const { has, id, life, path, propose, review, suggestions, write } = yield* withOne
      const sealOf = (one: string, bigDeletion = false) =>
        Effect.map(suggestions.preview(one, { bigDeletion }), ({ seal }) => seal)
      const other = write("other.sh", OLD)
      yield* has("x", path, other)
      yield* has("y", path)
      const ids = [
        id,
        yield* propose(life, "y", path, NEW),
        yield* propose(life, "y", path, `${NEW}five\n`),
        yield* propose(life, "x", other, NEW),
        ...(yield* review(life, "x", [{ ...forFile(path, NEW), title: "Another one." }, forFile(path, NEW)]))
      ]
      // The first of those for one file are superseded: they have a seal all the same.
      const seals = yield* Effect.forEach(ids, (one) => sealOf(one))
      assert.strictEqual(new Set(seals).size, ids.length)
      assert.notStrictEqual(yield* sealOf(id, true), seals[0])
    })
  )

  it.scoped("shows a patch that git takes, whatever the files are", () =>
    Effect.gen(function* () {
      const { root } = yield* makeSuggestionWorld
      const line = FastCheck.stringOf(FastCheck.constantFrom("a", "b", " ", "\t", "\\", "é", "-", "+", "@", "\r"), {
        maxLength: 4
      })
      const text = FastCheck.tuple(FastCheck.array(line, { maxLength: 12 }), FastCheck.boolean()).map(
        ([lines, isWhole]) => (isWhole ? lines.map((one) => `${one}\n`).join("") : lines.join("\n"))
      )
      const name = FastCheck.stringOf(FastCheck.constantFrom("a", "b", " ", '"', "\\", "é", "-", ".", "\t", "\n"), {
        minLength: 1,
        maxLength: 6
      }).filter((one) => !/^\.{1,2}$/.test(one))
      FastCheck.assert(
        FastCheck.property(name, FastCheck.option(text), text, (name, before, after) => {
          if (before === after || (before === null && after === "")) return
          const path = join(root, name)
          if (before === null) rmSync(path, { force: true })
          else writeFileSync(path, before)
          execFileSync("git", ["apply", "--whitespace=nowarn", "-"], {
            cwd: root,
            input: diffOf(name, before, after).text,
            env: { ...process.env, GIT_CEILING_DIRECTORIES: root }
          })
          if (after !== "") assert.strictEqual(content(path), after)
          rmSync(path, { force: true })
        }),
        { numRuns: 60 }
      )
    })
  )

  it("of files with thousands of changes is one change of all of it", () => {
    const before = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("")
    const { added, removed, text } = diffOf("f", before, before.replaceAll("\n", "x\n"))
    assert.deepStrictEqual([added, removed], [20_000, 20_000])
    assert.include(text, "@@ -1,20000 +1,20000 @@\n-0\n-1\n")
  })
})

describe("an approval", () => {
  it.scoped("needs the seal of what there is now", () =>
    Effect.gen(function* () {
      const { id, path, suggestions, told } = yield* withOne
      const { seal } = yield* suggestions.preview(id)
      assert(seal !== null)
      for (const wrong of [`seal:${"0".repeat(64)}`, seal.replace(/.$/, (last) => (last === "0" ? "1" : "0"))]) {
        const error = yield* Effect.flip(suggestions.approve(id, { ...anna, seal: wrong }))
        assert.strictEqual(error._tag, "SuggestionStale")
      }
      for (const bad of ["", "seal:", seal.toUpperCase(), ` ${seal}`]) {
        const error = yield* Effect.flip(suggestions.approve(id, { ...anna, seal: bad }))
        assert.include(error.message, "seal: expected the seal of a preview")
      }
      writeFileSync(path, `${OLD}# edited\n`)
      const stale = yield* Effect.flip(suggestions.approve(id, { ...anna, seal }))
      assert.strictEqual(stale._tag, "SuggestionStale")
      assert.deepStrictEqual(yield* told, [])
      writeFileSync(path, OLD)
      const approved = yield* suggestions.approve(id, { ...anna, seal, reason: "it is right" })
      assert.deepInclude(approved, { state: "approved", reason: "it is right" })
      assert.deepInclude(approved.approval, { seal, path, before: hashOf(OLD), after: hashOf(NEW), bigDeletion: false })
      assert.deepStrictEqual(yield* told, [`Approved ${id}`])
      assert.strictEqual(content(path), OLD)
    })
  )

  it.scoped("has one winner, and the loser hears who", () =>
    Effect.gen(function* () {
      const { id, suggestions } = yield* withOne
      const seal = (yield* suggestions.preview(id)).seal ?? ""
      const all = yield* Effect.all(
        [
          suggestions.approve(id, { who: "anna", seal }),
          suggestions.approve(id, { who: "bert", seal }),
          suggestions.reject(id, { who: "cleo" })
        ].map(Effect.either),
        { concurrency: "unbounded" }
      )
      const winners = all.flatMap((one) => (one._tag === "Right" ? [one.right.by.who] : []))
      assert.lengthOf(winners, 1)
      for (const one of all) if (one._tag === "Left") assert.include(one.left.message, `by ${winners[0]} (code)`)
    })
  )

  it.scoped("can be withdrawn, and expires in 7 days", () =>
    Effect.gen(function* () {
      const { id, suggestions, told } = yield* withOne
      yield* approve(suggestions, id)
      const reopened = yield* suggestions.withdraw(id, { who: "bert", reason: "not yet" })
      assert.deepInclude(reopened, { state: "pending", reason: "not yet", approval: null })
      const refused = yield* Effect.flip(suggestions.apply(id, anna))
      assert.include(refused.message, `${id} is pending since`)
      yield* approve(suggestions, id)
      assert.deepStrictEqual(yield* told, [`Approved ${id}`, `Reopened ${id}`, `Approved ${id}`])
      yield* TestClock.adjust("6 days")
      assert.deepStrictEqual(yield* told, [])
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* told, [`Expired ${id}`])
      const late = yield* Effect.flip(suggestions.apply(id, anna))
      assert.include(late.message, "is expired since")
    }).pipe(silent)
  )

  it.scoped("of advice says that it was done by hand", () =>
    Effect.gen(function* () {
      const { life, review, suggestions } = yield* withOne
      const [id = ""] = yield* review(life, "x", [aSuggestion])
      const { members, seal } = yield* suggestions.preview(id)
      assert.deepInclude(members[0], { path: null, diff: null, checks: [] })
      const done = yield* suggestions.approve(id, { ...anna, seal: seal ?? "" })
      assert.deepInclude(done, { state: "applied", reason: "done by hand" })
      const refused = yield* Effect.flip(suggestions.rollback(id, anna))
      assert.include(refused.message, "it changes no file")
    })
  )

  it.scoped("is not needed for what somebody has done by hand", () =>
    Effect.gen(function* () {
      const { id, path, suggestions, told } = yield* withOne
      const { members } = yield* suggestions.preview(id)
      execFileSync("git", ["apply", "-"], { cwd: dirname(path), input: members[0]?.diff ?? "" })
      assert.strictEqual(content(path), NEW)
      const after = yield* suggestions.preview(id)
      assert.deepInclude(after.members[0]?.suggestion, {
        state: "applied",
        by: { who: "effect-healing", door: "file" }
      })
      assert.deepStrictEqual(yield* told, [`Applied ${id}`])
      const refused = yield* Effect.flip(suggestions.rollback(id, anna))
      assert.include(refused.message, "does not know what stood in it before")
    })
  )
})

describe("an application", () => {
  it.scoped("writes exactly what was shown, and keeps the permissions and the owner", () =>
    Effect.gen(function* () {
      const { id, path, root, suggestions, told } = yield* withOne
      chmodSync(path, 0o750)
      yield* approve(suggestions, id)
      yield* told
      const applied = yield* suggestions.apply(id, { who: "bert", reason: "now" })
      assert.deepInclude(applied, { state: "applied", by: { who: "bert", door: "code" }, reason: "now" })
      assert.deepStrictEqual(filesIn(root), { "job.sh": NEW })
      assert.strictEqual(lstatSync(path).mode & 0o7777, 0o750)
      assert.deepStrictEqual(yield* told, [`Applying ${id}`, `Applied ${id}`])
      const again = yield* Effect.flip(suggestions.apply(id, anna))
      assert.include(again.message, `${id} is applied since`)
      const steps = yield* suggestions.steps(id)
      assert.deepStrictEqual(
        steps.map(({ by, from, to }) => `${from} ${to} ${by.who}`),
        ["null pending effect-healing", "pending approved anna", "approved applying bert", "applying applied bert"]
      )
      assert.deepInclude(steps.at(-1)?.approval, { before: hashOf(OLD), after: hashOf(NEW), path })
    })
  )

  it.scoped("can be taken back, once, with its permissions", () =>
    Effect.gen(function* () {
      const { id, path, root, suggestions, told } = yield* withOne
      chmodSync(path, 0o700)
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      chmodSync(path, 0o600)
      yield* told
      const back = yield* suggestions.rollback(id, { who: "bert", reason: "no better" })
      assert.deepInclude(back, { state: "rolled_back", reason: "no better" })
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
      assert.strictEqual(lstatSync(path).mode & 0o7777, 0o700)
      assert.deepStrictEqual(yield* told, [`RolledBack ${id}`])
      const twice = yield* Effect.flip(suggestions.rollback(id, anna))
      assert.include(twice.message, `${id} is rolled_back since`)
    })
  )

  it.scoped("is not taken back over what somebody has edited since, which is shown", () =>
    Effect.gen(function* () {
      const { id, path, suggestions } = yield* withOne
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      writeFileSync(path, `${NEW}password: hunter2hunter2\n`)
      const secret = yield* Effect.flip(suggestions.rollback(id, anna))
      assert.notInclude(secret.message, "hunter2")
      writeFileSync(path, `${NEW}five\n`)
      const error = yield* Effect.flip(suggestions.rollback(id, anna))
      assert.strictEqual(error._tag, "SuggestionEdited")
      assert.include(error.message, "+five")
      assert.strictEqual(content(path), `${NEW}five\n`)
      // Somebody has taken it back by hand.
      writeFileSync(path, OLD)
      assert.strictEqual((yield* suggestions.rollback(id, anna)).state, "rolled_back")
      assert.strictEqual(content(path), OLD)
    })
  )

  it.scoped("can be taken back after a restart, and after its request is gone", () =>
    Effect.gen(function* () {
      const { id, life, path, serve, sql, start, suggestions } = yield* withOne
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      yield* life.stop
      yield* sql`DELETE FROM healing_requests`
      const again = yield* serve(yield* start)
      assert.strictEqual((yield* again.rollback(id, anna)).state, "rolled_back")
      assert.strictEqual(content(path), OLD)
    })
  )

  it.scoped("of what is not what was approved any more writes nothing, and it can be decided on anew", () =>
    Effect.gen(function* () {
      const { id, path, suggestions, told } = yield* withOne
      yield* approve(suggestions, id)
      yield* told
      writeFileSync(path, `${OLD}# edited\n`)
      const stale = yield* Effect.flip(suggestions.apply(id, anna))
      assert.strictEqual(stale._tag, "SuggestionStale")
      assert.strictEqual(content(path), `${OLD}# edited\n`)
      assert.deepStrictEqual(yield* told, [`Reopened ${id}`])
      assert.deepStrictEqual(yield* failing(suggestions, id), ["unchanged"])
      writeFileSync(path, OLD)
      yield* approve(suggestions, id)
      writeFileSync(path, NEW)
      assert.deepInclude(yield* suggestions.apply(id, anna), {
        state: "applied",
        by: { who: "effect-healing", door: "file" }
      })
    })
  )

  it.scoped("in which more than half of the lines go needs a seal that says so", () =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withOne
      const id = yield* propose(life, "x", path, "one\n")
      assert.deepStrictEqual(yield* failing(suggestions, id), ["deletion"])
      yield* approve(suggestions, id, true)
      yield* suggestions.apply(id, anna)
      assert.strictEqual(content(path), "one\n")
      yield* suggestions.rollback(id, anna)
      assert.strictEqual(content(path), OLD)
    })
  )

  it.scoped("of a new file makes it, and a rollback removes it", () =>
    Effect.gen(function* () {
      const { has, life, path, review, root, suggestions } = yield* withOne
      const made = join(root, "new.sh")
      yield* has("x", path, made)
      const [creates = "", plain = ""] = yield* review(life, "x", [
        { ...aSuggestion, targetFile: made, proposedContent: "new\n", creates: true },
        { ...aSuggestion, targetFile: made, proposedContent: "new\n" }
      ])
      assert.deepStrictEqual(yield* failing(suggestions, plain), ["unchanged"])
      yield* approve(suggestions, creates)
      yield* suggestions.apply(creates, anna)
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD, "new.sh": "new\n" })
      yield* suggestions.rollback(creates, anna)
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
      // One that is there is not made.
      const [late = ""] = yield* review(life, "x", [
        { ...aSuggestion, targetFile: made, proposedContent: "other\n", creates: true }
      ])
      yield* approve(suggestions, late)
      writeFileSync(made, "somebody's\n")
      assert.strictEqual((yield* Effect.flip(suggestions.apply(late, anna)))._tag, "SuggestionStale")
      assert.strictEqual(content(made), "somebody's\n")
    })
  )
})

describe("several that only work together", () => {
  const withSet = Effect.gen(function* () {
    const world = yield* withOne
    const { has, life, path, review, write } = world
    const other = write("lib/other.sh", OLD)
    yield* has("x", path, other)
    const ids = yield* review(life, "x", [
      forFile(path, NEW, { set: "a" }),
      forFile(other, "one\ntwo\n3\nfour\n", { set: "a" }),
      { ...aSuggestion, set: "a" },
      forFile(other, NEW)
    ])
    yield* world.told
    return { ...world, other, ids }
  })

  it.scoped("are approved, applied and taken back together", () =>
    Effect.gen(function* () {
      const { ids, root, suggestions, told } = yield* withSet
      const [first = "", second = "", third = ""] = ids
      const { members } = yield* suggestions.preview(second)
      assert.deepStrictEqual(
        members.map(({ suggestion }) => suggestion.id),
        [first, second, third]
      )
      yield* approve(suggestions, second)
      assert.deepStrictEqual(yield* told, [`Approved ${first}`, `Approved ${second}`, `Approved ${third}`])
      assert.strictEqual((yield* suggestions.apply(first, anna)).id, first)
      assert.deepStrictEqual(filesIn(root), { "job.sh": NEW, "lib/other.sh": "one\ntwo\n3\nfour\n" })
      yield* suggestions.rollback(second, anna)
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD, "lib/other.sh": OLD })
      assert.deepStrictEqual(
        (yield* suggestions.list({ job: "x" })).slice(0, 4).map(({ state }) => state),
        ["rolled_back", "rolled_back", "rolled_back", "pending"]
      )
    })
  )

  it.scoped("are none of them applied if one of them cannot be", () =>
    Effect.gen(function* () {
      const { ids, other, root, suggestions } = yield* withSet
      const [first = "", second = ""] = ids
      yield* approve(suggestions, first)
      writeFileSync(other, `${OLD}# edited\n`)
      assert.strictEqual((yield* Effect.flip(suggestions.apply(first, anna)))._tag, "SuggestionStale")
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD, "lib/other.sh": `${OLD}# edited\n` })
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(second)).state, "pending")
    })
  )

  it.scoped("are none of them decided on if one of them was superseded", () =>
    Effect.gen(function* () {
      const { ids, life, other, propose, suggestions } = yield* withSet
      const [first = ""] = ids
      yield* propose(life, "x", other, `${OLD}five\n`)
      assert.deepStrictEqual(new Set(yield* failing(suggestions, first)), new Set(["set"]))
      yield* suggestions.reject(first, anna)
      assert.deepStrictEqual(
        (yield* suggestions.list({ states: ["rejected"] })).map(({ id }) => id),
        [ids[0], ids[2]]
      )
    })
  )
})

describe("beside a run of its job", () => {
  it.scoped("nothing is applied: it waits for the end of the run", () =>
    Effect.gen(function* () {
      const { id, life, path, suggestions, told } = yield* withOne
      yield* approve(suggestions, id)
      yield* told
      yield* life.openClaw.started("x")
      const applying = yield* Effect.fork(suggestions.apply(id, anna))
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* told, [`Applying ${id}`])
      assert.strictEqual(content(path), OLD)
      // Others do not matter.
      yield* life.openClaw.started("y")
      yield* life.openClaw.finished("x")
      assert.strictEqual((yield* Fiber.join(applying)).state, "applied")
      assert.strictEqual(content(path), NEW)
    })
  )

  it.scoped("for too long, or where it is not known, it stays approved", () =>
    Effect.gen(function* () {
      const { id, life, path, suggestions, told } = yield* withOne
      yield* approve(suggestions, id)
      yield* told
      const scope = yield* Scope.make()
      yield* Scope.extend(life.openClaw.source("lost"), scope)
      const applying = yield* Effect.fork(Effect.flip(suggestions.apply(id, anna)))
      yield* TestClock.adjust("1 hour")
      const error = yield* Fiber.join(applying)
      assert.strictEqual(error._tag, "SuggestionBusy")
      assert.include(error.message, "for 1h by now (suggestions.applyWait). It is still approved")
      assert.deepStrictEqual(yield* told, [`Applying ${id}`, `GivenBack ${id}`])
      const second = yield* Effect.fork(suggestions.apply(id, anna))
      yield* settle
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(yield* told, [`Applying ${id}`, `GivenBack ${id}`])
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* suggestions.apply(id, anna)).state, "applied")
      assert.strictEqual(content(path), NEW)
    })
  )

  it.scoped("one that waits keeps no other one and no rollback from theirs", () =>
    Effect.gen(function* () {
      const { has, id, life, propose, suggestions, told, write } = yield* withOne
      const other = write("other.sh", OLD)
      yield* has("y", other)
      const second = yield* propose(life, "y", other, NEW)
      yield* approve(suggestions, id)
      yield* approve(suggestions, second)
      yield* told
      yield* life.openClaw.started("x")
      const first = yield* Effect.fork(suggestions.apply(id, anna))
      yield* settle
      yield* suggestions.apply(second, anna)
      yield* suggestions.rollback(second, anna)
      yield* life.openClaw.finished("x")
      yield* Fiber.join(first)
      assert.deepStrictEqual(yield* told, [
        `Applying ${id}`,
        `Applying ${second}`,
        `Applied ${second}`,
        `RolledBack ${second}`,
        `Applied ${id}`
      ])
    })
  )

  it.scoped("one at a time writes, and who waits for that can be interrupted", () =>
    Effect.gen(function* () {
      const { has, id, life, propose, root, suggestions, told, write } = yield* withOne
      const other = write("other.sh", OLD)
      yield* has("y", other)
      const second = yield* propose(life, "y", other, NEW)
      yield* approve(suggestions, id)
      yield* approve(suggestions, second)
      yield* told
      const release = yield* Deferred.make<void>()
      const first = yield* Effect.fork(
        Effect.locally(suggestions.apply(id, anna), hook, (step) =>
          step === "write" ? Deferred.await(release) : Effect.void
        )
      )
      yield* settle
      const leaving = yield* Effect.fork(suggestions.apply(second, anna))
      yield* settle
      yield* Fiber.interrupt(leaving)
      const waiting = yield* Effect.fork(suggestions.apply(second, anna))
      yield* settle
      assert.deepStrictEqual(filesIn(root), { "job.sh": OLD, "other.sh": OLD })
      // A run that starts before it is its turn is waited for as well.
      yield* life.openClaw.started("y")
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(first)
      yield* settle
      assert.deepStrictEqual(filesIn(root), { "job.sh": NEW, "other.sh": OLD })
      yield* life.openClaw.finished("y")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(filesIn(root), { "job.sh": NEW, "other.sh": NEW })
      assert.deepStrictEqual(yield* told, [
        ...[`Applying ${id}`, `Applying ${second}`, `GivenBack ${second}`, `Applying ${second}`],
        ...[`Applied ${id}`, `Applied ${second}`]
      ])
    })
  )

  it.scoped("one that is superseded meanwhile does not come back as approved", () =>
    Effect.gen(function* () {
      const { id, life, path, propose, suggestions } = yield* withOne
      yield* approve(suggestions, id)
      const newer = Effect.asVoid(propose(life, "x", path, `${NEW}newer\n`))
      yield* Effect.flip(suggestions.apply(id, anna)).pipe(
        Effect.locally(hook, (step) =>
          step === "rename" ? Effect.zipRight(newer, Effect.orDie(suggestions.stop(anna))) : Effect.void
        )
      )
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(id)).state, "superseded")
      assert.strictEqual(content(path), OLD)
    })
  )

  it.scoped("an approval that was withdrawn and given anew meanwhile is not taken for the old one", () =>
    Effect.gen(function* () {
      const { id, serve, suggestions, life, path } = yield* withOne
      yield* approve(suggestions, id)
      yield* TestClock.adjust("1 second")
      let isFirst = true
      const slow = yield* serve(life, {
        supervisor: (own) => ({
          ...own,
          evidence: (job, scope) =>
            Effect.gen(function* () {
              if (isFirst) {
                isFirst = false
                yield* Effect.orDie(suggestions.withdraw(id, { who: "anna" }))
                yield* TestClock.adjust("1 second")
                yield* approve(suggestions, id, true).pipe(Effect.orDie)
              }
              return yield* own.evidence(job, scope)
            })
        })
      })
      const error = yield* Effect.flip(slow.apply(id, { who: "carl" }))
      assert.strictEqual(error._tag, "SuggestionDecided")
      assert.include(error.message, "is approved since")
      assert.strictEqual(content(path), OLD)
      yield* slow.apply(id, { who: "carl" })
      assert.deepInclude((yield* suggestions.steps(id)).at(-1)?.approval, { bigDeletion: true })
    })
  )
})

describe("the kill switch", () => {
  it.scoped("stops applications, and no rollback that a person asks for, also over a restart", () =>
    Effect.gen(function* () {
      const { id, life, path, propose, serve, start, suggestions } = yield* withOne
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      yield* suggestions.stop({ who: "bert", reason: "the release" })
      yield* suggestions.rollback(id, anna)
      const next = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, next)
      const error = yield* Effect.flip(suggestions.apply(next, anna))
      assert.strictEqual(error._tag, "SuggestionsStopped")
      assert.match(
        error.message,
        /^Nothing is applied: bert \(code\) has stopped applications at .*, since the release/
      )
      yield* life.stop
      const again = yield* serve(yield* start)
      assert.lengthOf(yield* again.stopped, 1)
      assert.strictEqual((yield* Effect.flip(again.apply(next, anna)))._tag, "SuggestionsStopped")
      assert.strictEqual(content(path), OLD)
      yield* again.resume(anna)
      assert.deepStrictEqual(yield* again.stopped, [])
      assert.strictEqual((yield* again.apply(next, anna)).state, "applied")
    })
  )

  it.scoped("ends an application that waits", () =>
    Effect.gen(function* () {
      const { id, life, suggestions } = yield* withOne
      yield* approve(suggestions, id)
      yield* life.openClaw.started("x")
      const applying = yield* Effect.fork(Effect.flip(suggestions.apply(id, anna)))
      yield* settle
      yield* suggestions.stop(anna)
      assert.strictEqual((yield* Fiber.join(applying))._tag, "SuggestionsStopped")
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(id)).state, "approved")
    })
  )

  it.scoped("that is thrown while somebody else resumes stays thrown", () =>
    Effect.gen(function* () {
      const { life, suggestions } = yield* withOne
      for (const doings of [
        [suggestions.resume(anna), suggestions.stop({ who: "bert" })],
        [suggestions.stop({ who: "bert" }), suggestions.resume(anna)]
      ]) {
        yield* suggestions.stop({ who: "cleo" })
        yield* Effect.all(doings, { concurrency: "unbounded" })
        const stored = yield* life.store.suggestions.stopped
        assert.strictEqual((yield* suggestions.stopped).length, stored._tag === "Some" ? 1 : 0)
        yield* suggestions.resume(anna)
      }
    })
  )

  it.scoped("is a setting, and a file, too, which is there unless it is surely not", () =>
    Effect.gen(function* () {
      const { folder, id, life, path, serve, suggestions, write } = yield* withOne
      yield* approve(suggestions, id)
      const stopped = (settings: { readonly stopped?: boolean; readonly stopFile?: string }) =>
        Effect.gen(function* () {
          const service = yield* serve(life, { settings })
          return (yield* service.stopped).map(({ by }) => by)
        }).pipe(Effect.scoped)
      const stopFile = join(folder, "stop")
      assert.deepStrictEqual(yield* stopped({ stopped: true }), ["setting"])
      assert.deepStrictEqual(yield* stopped({ stopFile }), [])
      assert.deepStrictEqual(yield* stopped({ stopFile: join(write("file", ""), "stop") }), ["file"])
      assert.deepStrictEqual(yield* stopped({ stopFile: join(folder, "s".repeat(300)) }), ["file"])
      const service = yield* serve(life, { settings: { stopFile } })
      writeFileSync(stopFile, "")
      assert.include((yield* Effect.flip(service.apply(id, anna))).message, `the stop file ${stopFile} is there`)
      rmSync(stopFile)
      assert.strictEqual((yield* service.apply(id, anna)).state, "applied")
      assert.strictEqual(content(path), NEW)
    })
  )
})

describe("a check of the content", () => {
  it.scoped("that the user names must pass, or nothing can be approved or written", () =>
    Effect.gen(function* () {
      const { has, life, path, propose, serve, suggestions, write } = yield* withOne
      const checks = { "*.sh": ["bash", "-n"], "*.js": ["node", "--check"] }
      const service = yield* serve(life, { settings: { checks } })
      const script = write("job.mjs", "export const a = 1\n")
      yield* has("x", path, script)
      const bad = yield* propose(life, "x", path, "one\ntwo\nthree\nif\n")
      assert.deepStrictEqual(yield* failing(service, bad), ["checks"])
      yield* approve(suggestions, bad)
      const error = yield* Effect.flip(service.apply(bad, anna))
      assert.strictEqual(error._tag, "SuggestionRefused")
      assert.match(error.message, /the check bash -n has ended with 2: .*job\.sh: line \d: syntax error/)
      assert.strictEqual(Option.getOrThrow(yield* service.get(bad)).state, "approved")
      assert.strictEqual(content(path), OLD)
      const good = yield* propose(life, "x", path, "one\ntwo\nthree\ntrue\n")
      yield* approve(service, good)
      yield* service.apply(good, anna)
      assert.strictEqual(content(path), "one\ntwo\nthree\ntrue\n")
      // One that is misspelt says so, and is no end of a suggestion.
      const misspelt = yield* serve(life, { settings: { checks: { "*.sh": ["bsh", "-n"] } } })
      const next = yield* propose(life, "x", path, "one\ntwo\nthree\nfalse\n")
      const { members } = yield* misspelt.preview(next)
      assert.include(members[0]?.checks.at(-1)?.detail, "spawn bsh ENOENT")
    })
  )

  it.scoped("sees the new content under its own name, no secrets, and is ended with all that it has started", () =>
    Effect.gen(function* () {
      const { folder, id, life, path, serve } = yield* withOne
      const seen = join(folder, "seen")
      const check = `cat "$0" > ${seen}; basename "$0" >> ${seen}; env >> ${seen}; sleep 1000 & sleep 1000`
      const service = yield* serve(life, { settings: { checks: { "*": ["bash", "-c", check] } } })
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env.EFFECT_HEALING_TEST_SECRET = "not-for-everybody"
        }),
        () => Effect.sync(() => delete process.env.EFFECT_HEALING_TEST_SECRET)
      )
      const looking = yield* Effect.fork(service.preview(id))
      const isSeen = Effect.try(() => assert.include(content(seen), "PATH="))
      yield* Effect.retry(Effect.zipRight(macrotask, isSeen), { while: () => true })
      const text = content(seen)
      assert.isTrue(text.startsWith(`${NEW}${basename(path)}\n`))
      assert.notInclude(text, "not-for-everybody")
      yield* TestClock.adjust("30 seconds")
      const { members, seal } = yield* Fiber.join(looking)
      assert.isNull(seal)
      assert.include(members[0]?.checks.at(-1)?.detail, "has not ended within 30s (suggestions.checkTimeout)")
    })
  )
})
