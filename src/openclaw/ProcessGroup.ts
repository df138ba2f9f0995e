/**
 * A program in a process group of its own, of which nothing is left when it is over, however that comes about.
 *
 * @internal
 */
import * as Command from "@effect/platform/Command"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/**
 * - `input`: the file that is its standard input; there is nothing on it without one.
 * - `lasts`: after so many milliseconds its group is killed, though this process may not be able to see to it: it may stand still, or
 *   be cut off from what would tell it to. It is given to within a second, by the clock of the two that has gone further: the steady one
 *   stands still while the machine sleeps, and the other one can be set.
 *
 * @internal
 */
export interface Program {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Record<string, string>
  readonly cwd: string
  readonly input?: string | undefined
  readonly lasts?: number | undefined
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

/** What is read of standard output, in bytes: more than the longest report. */
const MAX_OUTPUT = 2 * 1024 * 1024

/** What is kept of standard error, in characters. */
const MAX_STDERR = 16_000

/** The time from SIGTERM to SIGKILL, in milliseconds. */
const GRACE = 2000

/** The time for output that is still on its way when the program has ended, unless somebody holds it open. */
const LAST_WORDS = "2 seconds"

/** How often the guard looks whether its program lasts too long, in milliseconds. */
const EVERY = 1000

/** What a shell answers for a program that is not there, or for one that has not found another. */
const NOT_FOUND = 127

const KILLED = 137

/**
 * Becomes the program, in its group, once it has written its number into the file `group`. Should the guard be killed before
 * that, there is no program; afterwards the file tells whom the guard leaves alone.
 */
const START = `
echo $$ > "$1/group" || exit 126
kill -0 "$2" 2> /dev/null || exit ${KILLED}
shift 2
command -v "$1" > /dev/null || { echo "spawn $1 ENOENT" >&2; exit ${NOT_FOUND}; }
exec "$@"
`

/**
 * It stands between this process and the group, since an end of this process that it cannot see to (SIGKILL) must be the
 * end of the group as well: then the standard input of the guard ends, which else goes on for as long as it is wanted.
 * The group gets SIGTERM and then SIGKILL; what the program has left behind when it ends by itself gets SIGKILL, and so does a program
 * that lasts too long.
 */
const GUARD = `
const { spawn } = require("node:child_process")
const { openSync, rmSync } = require("node:fs")
const { constants } = require("node:os")
const [folder, input, lasts, command, ...args] = process.argv.slice(1)
let group, isOrphan = false
const signal = (name) => { try { process.kill(-group.pid, name) } catch {} }
const remove = (path) => { try { rmSync(path, { recursive: true, force: true, maxRetries: 5 }) } catch {} }
const stop = () => { signal("SIGTERM"); setTimeout(signal, ${GRACE}, "SIGKILL") }
const orphaned = () => { isOrphan = true; stop() }
const clocks = () => [Date.now(), performance.now()]
const began = clocks()
if (lasts !== "") setInterval(() => {
  if (clocks().some((now, i) => now - began[i] >= Number(lasts))) signal("SIGKILL")
}, ${EVERY})
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, stop)
process.stdin.on("end", orphaned).on("error", orphaned).resume()
const start = ["-c", ${JSON.stringify(START)}, "sh", folder, String(process.pid), command, ...args]
group = spawn("/bin/sh", start, { detached: true, stdio: [input === "" ? "ignore" : openSync(input, "r"), "inherit", "inherit"] })
group.on("error", ({ message }) => { console.error(message); process.exit(126) })
group.on("exit", (code, name) => {
  signal("SIGKILL")
  remove(isOrphan ? folder : folder + "/group")
  process.exit(code ?? 128 + constants.signals[name])
})
`

/**
 * Runs a program to its end. An interruption, or a failure of `watch`, ends it.
 * What has made itself a session of its own is not of its group, and out of reach.
 *
 * - `folder`: an empty one, which goes with the program if this process is killed.
 * - `watch`: is told the end of its standard error whenever there is more of that.
 *
 * @internal
 */
export const run = <E>(
  { args, command, cwd, env, input = "", lasts }: Program,
  folder: string,
  watch: (stderr: string) => Effect.Effect<void, E>
): Effect.Effect<Output, E | OutputTooLong | PlatformError, CommandExecutor | FileSystem> =>
  Effect.gen(function* () {
    const limit = lasts === undefined || !Number.isFinite(lasts) ? "" : String(lasts)
    const guard = yield* Command.make(
      process.execPath,
      "--eval",
      GUARD,
      "--",
      folder,
      input,
      limit,
      command,
      ...args
    ).pipe(
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
    const exitCode = Effect.orElseSucceed(guard.exitCode, () => KILLED)
    yield* Stream.merge(
      Stream.mapEffect(guard.stdout, collect),
      Stream.mapEffect(Stream.decodeText(guard.stderr), tail)
    ).pipe(Stream.runDrain, Effect.raceFirst(Effect.zipRight(exitCode, Effect.sleep(LAST_WORDS))))
    return { exitCode: yield* exitCode, stdout: new TextDecoder().decode(Buffer.concat(chunks)), stderr }
  }).pipe(
    Effect.scoped,
    // This is no finalizer of the scope: Effect 3.22 loses an interruption that comes while one of those waits for something.
    Effect.ensuring(killAbandoned(`${folder}/group`))
  )

/**
 * An environment in which these variables say nothing.
 *
 * @internal
 */
export const without = (hidden: ReadonlyArray<string>): Record<string, string> =>
  Object.fromEntries(hidden.map((name) => [name, ""]))

/**
 * Whether it was never started, since there is no such program.
 *
 * @internal
 */
export const isMissing = ({ exitCode, stderr }: Output): boolean =>
  exitCode === NOT_FOUND && /^spawn .* ENOENT$/m.test(stderr)

/** The group of a guard that was killed. */
const killAbandoned = (file: string): Effect.Effect<void, never, FileSystem> =>
  Effect.flatMap(FileSystem, (fileSystem) => fileSystem.readFileString(file)).pipe(
    // An empty file would give 0, which is the group of this process.
    Effect.filterOrFail((pid) => Number(pid) > 1),
    Effect.flatMap((pid) => Effect.try(() => process.kill(-Number(pid), "SIGKILL"))),
    // There is none.
    Effect.ignore
  )
