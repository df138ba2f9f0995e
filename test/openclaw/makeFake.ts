/**
 * What tests share that start `openclaw`: a scenario in a folder of its own, steered by it `fake.mjs`, which they start in
 * the place of the real one, and what that has noted of each call.
 */
import * as NodeFs from "node:fs"
import { fileURLToPath } from "node:url"
import { FileSystem, Path } from "@effect/platform"
import { Effect, Queue, Schema } from "effect"

/** What becomes of one turn. */
export interface Turn {
  /**
   * - `answer` (default), `error` (with `message` and, of `agent exec`, `kind`), `timeout`: as the real one.
   * - `rateLimit`: asks again for over two minutes and fails. `retryAfter` is in seconds; `delayMs` is how long each pause
   *   takes, whatever is said of it. With a pause longer than the time it has, the failure does not name the limit.
   * - `hang`: says nothing until it is told to stop; `ignoreTerm`: not even then.
   * - `fork`: as `ignoreTerm`, with three more processes; `forkAndAnswer`: these stay behind after an answer.
   * - `huge`, `hugeStderr`: `bytes` on stdout, or on stderr before an answer.
   * - `garbage`, `invalidUtf8`, `half`, `nothing`, `notJson`, `noise`: exit 0 with an unusable stdout, or one with more
   *   than the answer.
   * - `crash`: ends with `exit`, or of `signal`.
   */
  readonly mode?:
    | "answer"
    | "error"
    | "timeout"
    | "rateLimit"
    | "hang"
    | "ignoreTerm"
    | "fork"
    | "forkAndAnswer"
    | "garbage"
    | "huge"
    | "hugeStderr"
    | "invalidUtf8"
    | "half"
    | "nothing"
    | "crash"
    | "notJson"
    | "noise"
  /** The answer of the model; `{}` unless told. */
  readonly text?: string
  readonly payloads?: ReadonlyArray<string>
  /** `null`: none is told. */
  readonly usage?: Usage | null
  readonly stderr?: string | ReadonlyArray<string>
  readonly delayMs?: number
  /** In the place of the exit code that the mode has. */
  readonly exit?: number
  readonly message?: string
  readonly kind?: string
  readonly retryAfter?: number
  readonly bytes?: number
  readonly signal?: NodeJS.Signals
}

export interface Usage {
  readonly input?: number
  readonly output?: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly total?: number
  readonly cost?: { readonly total: number }
}

export interface Scenario {
  /** `exec` (2026.9.6): all. `message-file` (2026.7.1): no `agent exec`. `message` (2026.4.29): only `--message`. */
  readonly generation: "exec" | "message-file" | "message"
  readonly version?: string
  /** One for each turn; the last one is taken again. */
  readonly turns?: ReadonlyArray<Turn>
}

export class Call extends Schema.Class<Call>("Call")({
  /** `refused`: the arguments, the prompt or the configuration were not accepted, and no turn was taken. */
  kind: Schema.Literal("help", "version", "config", "turn", "refused"),
  refused: Schema.optional(Schema.String),
  argv: Schema.Array(Schema.String),
  cwd: Schema.String,
  pid: Schema.Int,
  children: Schema.Array(Schema.Int),
  /** The names of all variables, and the values of TMPDIR, HOME and those of OpenClaw. */
  envNames: Schema.Array(Schema.String),
  env: Schema.Record({ key: Schema.String, value: Schema.String }),
  prompt: Schema.optional(Schema.String),
  promptFile: Schema.optional(Schema.String),
  promptFileMode: Schema.optional(Schema.Int),
  configFile: Schema.optional(Schema.String),
  configMode: Schema.optional(Schema.Int),
  configFolderMode: Schema.optional(Schema.Int),
  /** Parsed if it is JSON. */
  config: Schema.optional(Schema.Unknown),
  /** With all that it includes. */
  resolvedConfig: Schema.optional(Schema.Unknown),
  /** It hangs, or has told of the first attempt of many, and its children are known. */
  ready: Schema.optional(Schema.Boolean)
}) {}

const decodeCall = Schema.decode(Schema.parseJson(Call))

const executable = fileURLToPath(new URL("fake.mjs", import.meta.url))

const hasProc = NodeFs.existsSync("/proc/self/environ")

/** Whether it lives and is ours: a zombie has no environment any more, and who got its number later has another one. */
const isAlive = (pid: number, scenarioFile: string) => {
  try {
    process.kill(pid, 0)
    return !hasProc || NodeFs.readFileSync(`/proc/${pid}/environ`, "utf8").includes(scenarioFile)
  } catch {
    return false
  }
}

/** At the end of the scope everything that it has started is killed. */
export const makeFake = (scenario: Scenario) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const folder = yield* fs.makeTempDirectoryScoped({ prefix: "fake-openclaw-" })
    const scenarioFile = path.join(folder, "scenario.json")
    const setScenario = (next: Scenario) => fs.writeFileString(scenarioFile, JSON.stringify(next))
    yield* setScenario(scenario)
    // Not by the environment of the tests, which run side by side.
    const command = path.join(folder, "openclaw")
    yield* fs.writeFileString(command, `#!/bin/sh\nFAKE_OPENCLAW='${scenarioFile}' exec '${executable}' "$@"\n`, {
      mode: 0o755
    })

    const numberOf = (name: string) => Number(/^call-(\d+)\.json$/.exec(name)?.[1] ?? Number.NaN)

    /** In the order in which they began. */
    const calls = Effect.gen(function* () {
      const numbers = (yield* fs.readDirectory(folder)).map(numberOf).filter((number) => number > 0)
      return yield* Effect.forEach(
        numbers.sort((a, b) => a - b),
        (number) => Effect.flatMap(fs.readFileString(path.join(folder, `call-${number}.json`)), decodeCall)
      )
    })

    const turnCalls = Effect.map(calls, (all) => all.filter(({ kind }) => kind === "turn"))

    /** The recorded processes that still live. */
    const alive = Effect.map(calls, (all) =>
      all.flatMap(({ children, pid }) => [pid, ...children]).filter((pid) => isAlive(pid, scenarioFile))
    )

    /** Waits for the n-th turn, counted from 1, until it hangs. */
    const ready = (n: number) =>
      Effect.scoped(
        Effect.gen(function* () {
          const changes = yield* Queue.sliding<null>(1)
          yield* Effect.acquireRelease(
            Effect.sync(() => NodeFs.watch(folder, () => Queue.unsafeOffer(changes, null))),
            (watcher) => Effect.sync(() => watcher.close())
          )
          while (true) {
            const turn = (yield* turnCalls)[n - 1]
            if (turn?.ready) return turn
            yield* Queue.take(changes)
          }
        })
      )

    yield* Effect.addFinalizer(() =>
      Effect.ignore(Effect.map(alive, (pids) => pids.forEach((pid) => process.kill(pid, "SIGKILL"))))
    )

    return {
      command,
      folder,
      calls,
      turnCalls,
      alive,
      ready,
      /** From the next turn on; turns are counted from the first call of all. */
      setTurns: (turns: ReadonlyArray<Turn>) => setScenario({ ...scenario, turns })
    }
  })
