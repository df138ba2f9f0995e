/**
 * The check of a new content that the user names for some files, such as `node --check`.
 *
 * @internal
 */
import { spawn } from "node:child_process"
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, isAbsolute, join } from "node:path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import picomatch from "picomatch"
import { isAlive } from "../internal/Pid.js"
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import * as Excerpt from "../text/Excerpt.js"

const PREFIX = "effect-healing-check-"

/** What is kept of what it prints, and what is told of that, in characters. */
const MAX_OUTPUT = 8000

const MAX_SAID = 700

/** All of the environment that it gets. */
const VARIABLES = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER"]

/**
 * Runs the checks for a file, one after the other, and answers with what the first one that fails has said, or `undefined`.
 *
 * Each gets the path of a copy in a folder of its own, which has the name of the file. Its environment has no more than it needs to run.
 *
 * @internal
 */
export const run = (
  { checks, checkTimeout }: Pick<SuggestionSettings, "checks" | "checkTimeout">,
  path: string,
  content: string
): Effect.Effect<string | undefined> => {
  const commands = Object.entries(checks).filter(([glob]) =>
    picomatch.isMatch(path, isAbsolute(glob) ? [glob] : [glob, `**/${glob}`], { dot: true })
  )
  if (commands.length === 0) return NO_PROBLEM
  return Effect.acquireUseRelease(
    Effect.try(() => {
      const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
      const copy = join(folder, basename(path))
      writeFileSync(copy, content, { mode: 0o600 })
      return { folder, copy }
    }),
    ({ copy }) => firstProblem(commands.map(([, command]) => checkWith(command, copy, checkTimeout))),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ).pipe(Effect.catchAll(() => Effect.succeed("the copy for its check could not be written")))
}

const NO_PROBLEM: Effect.Effect<string | undefined> = Effect.sync(() => undefined)

/** Processes of other containers have numbers of their own, and can share the folder: no check takes as long as this. */
const ABANDONED = Duration.toMillis("1 day")

/**
 * Removes the copies of processes that were killed.
 *
 * @internal
 */
export const sweep: Effect.Effect<void> = Effect.map(Clock.currentTimeMillis, (now) => {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    const { mtimeMs, uid } = lstatSync(folder)
    const pid = Number(/^\d+/.exec(name.slice(PREFIX.length))?.[0])
    if (uid === process.getuid?.() && now - mtimeMs > ABANDONED && !isAlive(pid)) {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}).pipe(Effect.catchAllCause(() => Effect.void))

const firstProblem = ([first, ...others]: ReadonlyArray<Effect.Effect<string | undefined>>): Effect.Effect<
  string | undefined
> =>
  first === undefined
    ? NO_PROBLEM
    : Effect.flatMap(first, (problem) => (problem === undefined ? firstProblem(others) : Effect.succeed(problem)))

const checkWith = (
  [command = "", ...args]: ReadonlyArray<string>,
  copy: string,
  timeout: Duration.Duration
): Effect.Effect<string | undefined> =>
  Effect.timeoutOption(ended(command, [...args, copy]), timeout).pipe(
    Effect.map(
      Option.match({
        onNone: () => `has not ended within ${Duration.format(timeout)} (suggestions.checkTimeout)`,
        onSome: ({ code, output }) => (code === 0 ? undefined : `has ended with ${code}: ${said(output)}`)
      })
    ),
    Effect.map((problem) => problem && `the check ${[command, ...args].join(" ")} ${problem}`)
  )

const said = (output: string): string => Excerpt.head(output.trim() || "it has said nothing", MAX_SAID).text

/** With it goes what it has started, unless that has made itself a group of its own. */
const ended = (command: string, args: ReadonlyArray<string>) =>
  Effect.async<{ readonly code: string | number; readonly output: string }>((resume) => {
    const env = Object.fromEntries(VARIABLES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
    const child = spawn(command, args, { detached: true, env, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    const collect = (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT) output += chunk.toString()
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
      } catch {
        // It has ended.
      }
    }
    child.on("error", (error) => resume(Effect.succeed({ code: "an error", output: error.message })))
    // What it has started may hold its output open.
    child.on("exit", kill)
    child.on("close", (code, signal) => resume(Effect.succeed({ code: code ?? signal ?? "no code", output })))
    return Effect.sync(kill)
  })
