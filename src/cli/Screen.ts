/**
 * How answers look: on a terminal, off it, and as JSON.
 *
 * @internal
 */
import { createInterface } from "node:readline"
import { stripVTControlCharacters, styleText } from "node:util"
import * as Options from "@effect/cli/Options"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const ask = (question: string): Effect.Effect<string> =>
  Effect.async((resume) => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    terminal.question(question, (answer) => {
      resume(Effect.succeed(answer))
      terminal.close()
    })
    terminal.once("close", () => resume(Effect.succeed("")))
    return Effect.sync(() => terminal.close())
  })

/**
 * - `isTerminal`: whether a person looks at it, who can be asked something.
 * - `hasColours`: whether colours are wanted there.
 * - `write`: without a new line.
 * - `ask`: what the person answers; nothing at the end of the input.
 *
 * @internal
 */
export class Screen extends Context.Tag("effect-healing/cli/Screen")<
  Screen,
  {
    readonly isTerminal: boolean
    readonly hasColours: boolean
    readonly write: (text: string) => void
    readonly ask: (question: string) => Effect.Effect<string>
  }
>() {
  /** The standard output of the process. `NO_COLOR` is heeded: https://no-color.org. */
  static readonly layer: Layer.Layer<Screen> = Layer.sync(this, () => {
    const isTerminal = process.stdout.isTTY === true && process.stdin.isTTY === true
    return {
      isTerminal,
      hasColours: process.stdout.isTTY === true && (process.env.NO_COLOR ?? "") === "",
      write: (text) => void process.stdout.write(text),
      ask
    }
  })
}

/**
 * The options of each command that shows something.
 *
 * @internal
 */
export const options = {
  json: Options.boolean("json").pipe(Options.withDescription("Print JSON, in the shape that the API has")),
  utc: Options.boolean("utc").pipe(Options.withDescription("Print times in UTC, instead of how long ago they were"))
}

/** @internal */
export interface Shown {
  readonly json: boolean
  readonly utc: boolean
}

type Style = Parameters<typeof styleText>[0]

/**
 * A text in a colour, where there are colours.
 *
 * @internal
 */
export const styled = (style: Style, text: string): Effect.Effect<string, never, Screen> =>
  Effect.map(Screen, ({ hasColours }) => (hasColours ? styleText(style, text, { validateStream: false }) : text))

/**
 * An instant: in UTC, or how far it is away.
 *
 * @internal
 */
export type Time = (at: number | null | undefined) => string

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"]
] as const

/**
 * A period in its largest unit, as in `3 min`.
 *
 * @internal
 */
export const period = (millis: number): string => {
  const [size, name] = UNITS.find(([size]) => millis >= size) ?? [1000, "s"]
  return `${Math.floor(millis / size)} ${name}`
}

/** @internal */
export const times = ({ utc }: Shown): Effect.Effect<Time> =>
  Effect.map(Clock.currentTimeMillis, (now) => (at) => {
    if (at === null || at === undefined) return "-"
    if (utc)
      return new Date(at)
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, "Z")
    return at > now ? `in ${period(at - now)}` : `${period(now - at)} ago`
  })

/**
 * The time of day of what happens now.
 *
 * @internal
 */
export const clockTime = (at: number, { utc }: Pick<Shown, "utc">): string => {
  const date = new Date(at)
  return utc ? `${date.toISOString().slice(11, 19)}Z` : date.toLocaleTimeString("sv-SE")
}

const widthOf = (text: string): number => Array.from(stripVTControlCharacters(text)).length

const padded = (text: string, width: number): string => text + " ".repeat(Math.max(width - widthOf(text), 0))

/**
 * Rows under their heads, in columns. Of none, what is said instead.
 *
 * @internal
 */
export const table = (
  heads: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  none: string
): Effect.Effect<void, never, Screen> =>
  Effect.gen(function* () {
    if (rows.length === 0) return yield* Console.log(none)
    const styledHeads = yield* Effect.forEach(heads, (head) => styled("bold", head))
    const all = [styledHeads, ...rows]
    const widths = heads.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))))
    for (const row of all) {
      yield* Console.log(
        row
          .map((cell, column) => padded(cell, widths[column] ?? 0))
          .join("  ")
          .trimEnd()
      )
    }
  })

/**
 * Names and what they stand for, one below the other. A name without a value is left out.
 *
 * @internal
 */
export const list = (pairs: ReadonlyArray<readonly [name: string, text: string | undefined]>) =>
  Effect.gen(function* () {
    const said = pairs.flatMap(([name, text]) => (text === undefined || text === "" ? [] : [[name, text] as const]))
    const width = Math.max(...said.map(([name]) => name.length), 0)
    for (const [name, text] of said) {
      const [first = "", ...rest] = text.split("\n")
      yield* Console.log(`${yield* styled("bold", padded(name, width))}  ${first}`)
      for (const line of rest) yield* Console.log(`${" ".repeat(width)}  ${line}`)
    }
  })

/** @internal */
export const json = (value: unknown): Effect.Effect<void> => Console.log(JSON.stringify(value, null, 2))

/** The states of requests and suggestions, by how they are to be seen. */
const styleOf: Readonly<Record<string, Style>> = {
  completed: "green",
  confirmed: "green",
  applied: "green",
  failed: "red",
  relapsed: "red",
  running: "cyan",
  applying: "cyan",
  pending: "yellow",
  approved: "yellow"
}

/** @internal */
export const state = (name: string): Effect.Effect<string, never, Screen> => {
  const style = styleOf[name]
  return style === undefined ? Effect.succeed(name) : styled(style, name)
}
