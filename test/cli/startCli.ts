/** What the tests of the command share: the command in this process, and as one of its own, off a terminal and on one. */
import { spawn } from "node:child_process"
import { NodeContext } from "@effect/platform-node"
import { ConfigProvider, Console, Effect, Layer } from "effect"
import { run } from "../../src/cli/Cli.js"
import { Screen } from "../../src/cli/Screen.js"
import { VERSION } from "../../src/internal/Version.js"
import { bundle } from "../support/bundle.js"

const program = Effect.promise(() => bundle(new URL("../../src/cli/main.ts", import.meta.url)))

/** What has come of it. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const spawned = (command: string, args: ReadonlyArray<string>, input: string, env: Readonly<Record<string, string>>) =>
  Effect.async<Ran>((resume) => {
    const child = spawn(command, args, { stdio: "pipe", env: { PATH: process.env.PATH, HOME: "/nowhere", ...env } })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    child.stdin.on("error", () => {})
    child.stdin.end(input)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/**
 * In this process.
 *
 * - `answers`: what somebody types on a terminal; without them there is none.
 */
export const cli = (
  args: ReadonlyArray<string>,
  {
    answers,
    env = {},
    hasColours = false
  }: {
    readonly answers?: ReadonlyArray<string>
    readonly env?: Readonly<Record<string, string>>
    readonly hasColours?: boolean
  } = {}
): Effect.Effect<Ran> =>
  Effect.gen(function* () {
    let stdout = ""
    let stderr = ""
    const left = [...(answers ?? [])]
    const ScreenLive = Layer.succeed(Screen, {
      isTerminal: answers !== undefined,
      hasColours,
      write: (text) => {
        stdout += text
      },
      ask: (question) =>
        Effect.sync(() => {
          stdout += `${question}\n`
          return left.shift() ?? ""
        })
    })
    const real = yield* Console.consoleWith(Effect.succeed)
    const line = (texts: ReadonlyArray<unknown>) => `${texts.join(" ")}\n`
    const code = yield* Console.withConsole(run(["node", "effect-healing", ...args], VERSION), {
      ...real,
      log: (...texts) =>
        Effect.sync(() => {
          stdout += line(texts)
        }),
      error: (...texts) =>
        Effect.sync(() => {
          stderr += line(texts)
        })
    }).pipe(
      Effect.provide([NodeContext.layer, ScreenLive]),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))
    )
    return { code, stdout, stderr }
  })

/** As a process of its own, off a terminal. */
export const cliProcess = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<Ran> => Effect.flatMap(program, (main) => spawned(process.execPath, [main, ...args], "", env))

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** As a process on a terminal, where somebody types this. What is printed has the colours and the echo in it. */
export const cliOnTerminal = (
  args: ReadonlyArray<string>,
  input = "",
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<Ran> =>
  Effect.flatMap(program, (main) => {
    const command = [process.execPath, main, ...args].map(quoted).join(" ")
    return spawned("script", ["-qec", command, "/dev/null"], input, { TERM: "xterm", ...env })
  })

/** The first lines of what `watch` prints, as a pipe would have them. */
export const headOf = (at: ReadonlyArray<string>): Effect.Effect<Ran> =>
  Effect.flatMap(program, (main) => {
    const command = [process.execPath, main, "watch", "--json", ...at].map(quoted).join(" ")
    return spawned("bash", ["-c", `${command} | head -n 1`], "", {})
  })

/** Has a shell load this script of completions. */
export const loadedIn = (shell: "bash" | "zsh", script: string): Effect.Effect<Ran> =>
  spawned(
    shell,
    shell === "bash"
      ? ["-c", 'eval "$(cat)" && complete -p effect-healing > /dev/null && echo loaded']
      : [
          "-fc",
          'autoload -Uz compinit && compinit -u -D && eval "$(cat)" && (( $+functions[_effect-healing] + $+functions[_effect-healing_zsh_completions] )) && echo loaded'
        ],
    script,
    { HOME: "/tmp" }
  )
