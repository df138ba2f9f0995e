import { spawn } from "node:child_process"
import * as NodeFs from "node:fs"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Data, Deferred, Effect, Exit, Fiber, Schedule, type Scope } from "effect"
import { startOf } from "../../src/internal/Proc.js"
import * as ProcessGroup from "../../src/openclaw/ProcessGroup.js"
import { bundle } from "../support/bundle.js"
import { isFull } from "../support/property.js"
import { makeFake } from "./makeFake.js"

/** In `npm test`, others of the same kind stand for these. */
const inFull = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive.runIf(isFull)(name, () => Effect.provide(test(), NodeContext.layer))

const scoped = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer))

const tempFolder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

const program = (command: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(tempFolder, (folder) =>
    ProcessGroup.run({ command, args, env: {}, cwd: folder }, folder, () => Effect.void)
  )

const shell = (script: string) => program("sh", "-c", script)

/** The processes of a scenario, one of which ignores SIGTERM, in the group of their parent. */
const forked = Effect.gen(function* () {
  const fake = yield* makeFake({ generation: "exec", turns: [{ mode: "fork" }] })
  const fiber = yield* Effect.fork(program(fake.command, "agent", "exec", "--json", "Why?"))
  yield* fake.ready(1)
  assert.lengthOf(yield* fake.alive, 4)
  return { fake, fiber }
})

describe.concurrent("a program", () => {
  scoped("is run to its end", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* shell('echo out; echo err >&2; test -z "$(cat)" && exit 3'), {
        exitCode: 3,
        stdout: "out\n",
        stderr: "err\n"
      })
    })
  )

  scoped("ends of a signal with the code that a shell has for it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* shell("kill -SEGV $$")).exitCode, 128 + 11)
    })
  )

  scoped("that is not there, or may not be started, has the code that a shell has for it", () =>
    Effect.gen(function* () {
      const none = yield* program("/nowhere/openclaw")
      assert.deepStrictEqual([none.exitCode, none.stderr], [127, "spawn /nowhere/openclaw ENOENT\n"])
      const folder = yield* tempFolder
      assert.strictEqual((yield* program(folder)).exitCode, 126)
    })
  )

  scoped("is found on the PATH and runs with the Node there, while its guard runs with the Node of this process", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* tempFolder
      const write = (name: string, script: string) => fs.writeFileString(`${folder}/${name}`, script, { mode: 0o755 })
      // Leaves a letter for each process of this Node above the program.
      yield* write("node", `#!/bin/sh\nNODES_OF_PATH="n$NODES_OF_PATH" exec '${process.execPath}' "$@"\n`)
      yield* write("openclaw", "#!/usr/bin/env node\nconsole.log(process.env.NODES_OF_PATH)\n")
      const { stdout } = yield* ProcessGroup.run(
        { command: "openclaw", args: [], env: { PATH: `${folder}:${process.env.PATH}` }, cwd: folder },
        yield* tempFolder,
        () => Effect.void
      )
      assert.strictEqual(stdout, "n\n")
    })
  )

  scoped("is told of by the end of its diagnostics, in valid text", () =>
    Effect.gen(function* () {
      const { stderr } = yield* shell("printf '%020000d' 0 >&2; printf '\\303' >&2; printf '\\251' >&2")
      assert.deepStrictEqual([stderr.length, stderr.at(-1)], [16_000, "é"])
    })
  )

  scoped("that prints without an end fails, and is stopped", () =>
    Effect.gen(function* () {
      const fake = yield* makeFake({ generation: "exec", turns: [{ mode: "huge" }] })
      const error = yield* Effect.flip(program(fake.command, "agent", "exec", "--json", "Why?"))
      assert.strictEqual(error._tag, "OutputTooLong")
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )

  class Seen extends Data.TaggedError("Seen")<{ readonly stderr: string }> {}

  scoped("is stopped by what its watcher sees", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const fake = yield* makeFake({ generation: "exec", turns: [{ mode: "ignoreTerm", stderr: ["one", "two"] }] })
      const error = yield* ProcessGroup.run(
        { command: fake.command, args: ["agent", "exec", "Why?"], env: {}, cwd: folder },
        folder,
        (stderr) => (stderr.includes("two\n") ? Effect.fail(new Seen({ stderr })) : Effect.void)
      ).pipe(Effect.flip)
      assert.deepStrictEqual<unknown>([error._tag, "stderr" in error && error.stderr], ["Seen", "one\ntwo\n"])
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )
})

describe.concurrent("of a group nobody is left", () => {
  scoped("after an interruption, SIGTERM ignored or not", () =>
    Effect.gen(function* () {
      const { fake, fiber } = yield* forked
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )

  scoped("after an end of its own that leaves children behind", () =>
    Effect.gen(function* () {
      const fake = yield* makeFake({ generation: "exec", turns: [{ mode: "forkAndAnswer" }] })
      const { exitCode, stdout } = yield* program(fake.command, "agent", "exec", "--json", "Why?")
      assert.deepStrictEqual([exitCode, JSON.parse(stdout).ok], [0, true])
      assert.lengthOf((yield* fake.turnCalls)[0]?.children ?? [], 3)
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )

  scoped("D11: after a SIGKILL of the process that has started it, nor its folder", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const fake = yield* makeFake({ generation: "exec", turns: [{ mode: "fork" }] })
      const folder = yield* tempFolder
      const program = yield* Effect.promise(() => bundle(new URL("reviewProcess.ts", import.meta.url)))
      const child = yield* Effect.sync(() =>
        spawn(process.execPath, [program, fake.command], { env: { ...process.env, TMPDIR: folder }, stdio: "ignore" })
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
      yield* fake.ready(1)
      assert.lengthOf(yield* fake.alive, 4)
      const own = () => NodeFs.readdirSync(folder).filter((name) => name.startsWith("effect-healing-"))
      assert.lengthOf(own(), 1)
      yield* Effect.async<void>((resume) => {
        const watcher = NodeFs.watch(folder, () => {
          if (own().length > 0) return
          watcher.close()
          resume(Effect.void)
        })
        child.kill("SIGKILL")
      })
      // The system lists a process that was killed for an instant longer.
      yield* Effect.repeat(fake.alive, { until: (alive) => alive.length === 0, schedule: Schedule.spaced("10 millis") })
      assert.isTrue(yield* fs.exists(folder))
    })
  )

  scoped("when it lasts too long, though the process that has started it stands still", () => {
    /** A process that stands still before its program was killed, or none if the machine was too slow for that. */
    const frozen = (program: string, lasts: number) =>
      Effect.gen(function* () {
        const fake = yield* makeFake({ generation: "exec", turns: [{ mode: "fork" }] })
        const env = { ...process.env, TMPDIR: yield* tempFolder }
        const child = spawn(process.execPath, [program, fake.command, `${lasts}`], { env, stdio: "ignore" })
        const ended = Effect.async<void>((resume) => void child.once("exit", () => resume(Effect.void)))
        yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
        yield* Effect.raceFirst(fake.ready(1), ended)
        child.kill("SIGSTOP")
        return { fake, child }
      }).pipe(Effect.orDie)
    const attempt = (
      program: string,
      lasts: number
    ): Effect.Effect<void, never, NodeContext.NodeContext | Scope.Scope> =>
      Effect.flatMap(frozen(program, lasts), ({ child, fake }) =>
        child.exitCode === null
          ? fake.alive.pipe(
              Effect.repeat({ until: (alive) => alive.length === 0, schedule: Schedule.spaced("10 millis") }),
              Effect.orDie,
              Effect.asVoid
            )
          : attempt(program, 2 * lasts)
      )
    return Effect.flatMap(
      Effect.promise(() => bundle(new URL("reviewProcess.ts", import.meta.url))),
      (program) => attempt(program, 2000)
    )
  })

  inFull("after a SIGKILL of its guard as the first thing that the program does", () => {
    const once = Effect.gen(function* () {
      const folder = yield* tempFolder
      const args = ["-c", "echo $$ > pid; kill -9 $PPID; exec sleep 1000"]
      const { exitCode } = yield* ProcessGroup.run(
        { command: "sh", args, env: {}, cwd: folder },
        folder,
        () => Effect.void
      )
      assert.strictEqual(exitCode, 137)
      const pid = Number(NodeFs.readFileSync(`${folder}/pid`, "utf8"))
      yield* Effect.repeat(
        Effect.sync(() => startOf(pid)),
        { while: (start) => start !== undefined, schedule: Schedule.spaced("10 millis") }
      )
    })
    // Again and again, since the guard may or may not have come to what it does next.
    return Effect.replicateEffect(once, 20, { concurrency: 10, discard: true })
  })

  scoped("after a SIGKILL of its guard", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      // The pipe ends when everybody has gone who could write into it.
      const script = "mkfifo life; echo ready >&2; exec 3>life; echo $PPID >&2; exec sleep 1000"
      let end: Promise<unknown> | undefined
      const { exitCode } = yield* ProcessGroup.run(
        { command: "sh", args: ["-c", script], env: {}, cwd: folder },
        folder,
        (stderr) =>
          Effect.sync(() => {
            end ??= NodeFs.promises.readFile(`${folder}/life`)
            const guard = Number(/^\d+$/m.exec(stderr)?.[0] ?? 0)
            if (guard > 1) process.kill(guard, "SIGKILL")
          })
      )
      assert.strictEqual(exitCode, 137)
      yield* Effect.promise(() => end ?? Promise.reject(new Error("it was never ready")))
    })
  )
})

describe("an interruption", () => {
  const interruptRun = (run: number) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* tempFolder
      const looks = yield* Deferred.make<void>()
      const mayLook = yield* Deferred.make<void>()
      let runs = 0
      const waiting = {
        ...fs,
        // For the group that the guard may have left alone.
        readFileString: (path: string) =>
          Effect.zipRight(
            Effect.when(
              Effect.zipRight(Deferred.succeed(looks, undefined), Deferred.await(mayLook)),
              () => runs === run
            ),
            fs.readFileString(path)
          )
      }
      const once = Effect.suspend(() => {
        runs++
        return ProcessGroup.run({ command: "true", args: [], env: {}, cwd: folder }, folder, () => Effect.void)
      })
      const fiber = yield* once.pipe(
        Effect.repeatN(9),
        Effect.provideService(FileSystem.FileSystem, waiting),
        Effect.fork
      )
      yield* Deferred.await(looks)
      const interrupted = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* Effect.yieldNow()
      yield* Deferred.succeed(mayLook, undefined)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interrupted)))
      assert.strictEqual(runs, run)
    })

  for (const run of [1, 2, 3]) {
    scoped(`is heard while it is looked for what is left of program ${run}`, () => interruptRun(run))
  }
})

describe.concurrent("what has made itself a session of its own", () => {
  scoped("does not keep the output open", () =>
    Effect.gen(function* () {
      const { exitCode, stderr, stdout } = yield* shell(
        "mkfifo ready; setsid sh -c 'echo $$ >&2; echo >ready; exec sleep 1000' & read _ <ready; echo done"
      )
      assert.deepStrictEqual([exitCode, stdout], [0, "done\n"])
      assert.isAbove(Number(stderr), 1)
      process.kill(Number(stderr), "SIGKILL")
    })
  )
})
