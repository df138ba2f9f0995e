/**
 * A program in a process group of its own, of which nothing is left when it is over, however that comes about.
 *
 * @internal
 */
import * as Command from "@effect/platform/Command"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** @internal */
export interface Program {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Record<string, string>
  readonly cwd: string
}

/** @internal */
export interface Output {
  readonly exitCode: number
  readonly stdout: string
  /** The end of it. */
  readonly stderr: string
}

/**
 * It has printed more than `MAX_OUTPUT`.
 *
 * @internal
 */
export class OutputTooLong extends Data.TaggedError("OutputTooLong") {}

/** What is read of standard output, in bytes: many times the longest report. */
const MAX_OUTPUT = 8 * 1024 * 1024

/** What is kept of standard error, in characters. */
const MAX_STDERR = 16_000

/** From SIGTERM to SIGKILL, in milliseconds. */
const GRACE = 2000

/**
 * What a shell answers for a program that is not there.
 *
 * @internal
 */
export const NOT_FOUND = 127

/**
 * It stands between this process and the group, since an end of this process that it cannot see to (SIGKILL) must be the
 * end of the group as well: then the standard input of the guard ends, which else goes on for as long as it is wanted.
 * The group gets SIGTERM and then SIGKILL; what the program has left behind when it ends by itself gets SIGKILL.
 */
const GUARD = `
const { spawn } = require("node:child_process")
const { rmSync } = require("node:fs")
const { constants } = require("node:os")
const [folder, command, ...args] = process.argv.slice(1)
const group = spawn(command, args, { detached: true, stdio: ["ignore", "inherit", "inherit"] })
const signal = (name) => { try { process.kill(-group.pid, name) } catch {} }
const stop = () => { signal("SIGTERM"); setTimeout(signal, ${GRACE}, "SIGKILL") }
const clear = () => { signal("SIGKILL"); rmSync(folder, { recursive: true, force: true }) }
const orphaned = () => { stop(); group.on("exit", clear) }
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, stop)
process.stdin.on("end", orphaned).on("error", orphaned).resume()
group.on("error", ({ code, message }) => { console.error(message); process.exit(code === "ENOENT" ? ${NOT_FOUND} : 126) })
group.on("exit", (code, name) => setImmediate(() => { signal("SIGKILL"); process.exit(code ?? 128 + constants.signals[name]) }))
`

/**
 * Runs a program to its end, without anything on its standard input. An interruption, or a failure of `watch`, ends it.
 *
 * - `folder`: removed together with the program if this process is killed.
 * - `watch`: is told the end of its standard error whenever there is more of that.
 *
 * @internal
 */
export const run = <E>(
  { args, command, cwd, env }: Program,
  folder: string,
  watch: (stderr: string) => Effect.Effect<void, E>
): Effect.Effect<Output, E | OutputTooLong | PlatformError, CommandExecutor> =>
  Effect.gen(function* () {
    const guard = yield* Command.make(process.execPath, "--eval", GUARD, "--", folder, command, ...args).pipe(
      Command.workingDirectory(cwd),
      Command.env(env),
      // Open, and empty, for as long as this process lives.
      Command.stdin("pipe"),
      Command.start
    )
    const chunks: Array<Uint8Array> = []
    let length = 0
    let stderr = ""
    const collect = (chunk: Uint8Array) => {
      length += chunk.length
      if (length > MAX_OUTPUT) return new OutputTooLong()
      chunks.push(chunk)
      return Effect.void
    }
    const tail = (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR)
      return watch(stderr)
    }
    yield* Stream.merge(
      Stream.mapEffect(guard.stdout, collect),
      Stream.mapEffect(Stream.decodeText(guard.stderr), tail)
    ).pipe(Stream.runDrain)
    return { exitCode: yield* guard.exitCode, stdout: new TextDecoder().decode(Buffer.concat(chunks)), stderr }
  }).pipe(Effect.scoped)
