/** What processes leave in the folder of temporary files that were killed. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, lstatSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ReviewFolder from "../../src/openclaw/ReviewFolder.js"

const killed = Effect.promise(async () => {
  const child = spawn("sleep", ["1000"])
  const ended = once(child, "exit")
  child.kill("SIGKILL")
  await ended
  return Number(child.pid)
})

it.scopedLive("the folder of a process that was killed is removed, and no other", () =>
  Effect.gen(function* () {
    const make = Effect.acquireRelease(ReviewFolder.create, ({ root }) =>
      Effect.sync(() => rmSync(root, { recursive: true, force: true }))
    )
    const own = yield* make
    const left = yield* make
    const elsewhere = yield* make
    const nameless = yield* make
    const broken = yield* make
    const ownerOf = ({ root }: ReviewFolder.ReviewFolder) => join(root, "owner")
    const pid = yield* killed
    const where = readFileSync(ownerOf(own), "utf8").replace(/^\d+ /, "")
    writeFileSync(ownerOf(left), `${pid} ${where}`)
    writeFileSync(ownerOf(elsewhere), `${pid} another container`)
    rmSync(ownerOf(nameless))
    writeFileSync(ownerOf(broken), "")
    const trap = yield* make
    rmSync(ownerOf(trap))
    // It would be read for ever.
    execFileSync("mkfifo", [ownerOf(trap)])
    const link = `${left.root}-link`
    symlinkSync(left.work, link)
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(link, { force: true })))
    const old = yield* make
    writeFileSync(ownerOf(old), `${process.pid} a container of long ago`)
    utimesSync(old.root, 0, 0)
    writeFileSync(join(left.work, "prompt.md"), "evidence")
    yield* ReviewFolder.sweep
    assert.isFalse(existsSync(left.root))
    assert.isFalse(existsSync(old.root))
    for (const { root } of [own, elsewhere, nameless, broken, trap]) assert.isTrue(existsSync(root))
    assert.isTrue(lstatSync(link).isSymbolicLink())
    yield* ReviewFolder.remove(own)
    assert.isFalse(existsSync(own.root))
  }).pipe(Effect.provide(NodeContext.layer))
)
