/**
 * How `timeline.ts` looks in a terminal: a line for each event, and at the end a row for each job and healing.
 */
import { Array as Arr } from "effect"

/** Whom an event is about. */
export type Who = `job ${string}` | `healing ${string}`

/**
 * - `asked`: a healing wants to run.
 * - `waiting`: it waits for jobs, or for another review.
 * - `quiet`: it waits for the quiet period to pass.
 */
export type State = "asked" | "waiting" | "quiet" | "running" | "ended"

/** From then on, in seconds from the start, this is how it stands with somebody. */
export interface Event {
  readonly at: number
  readonly who: Who
  readonly state: State
  readonly text: string
}

/** From one event of somebody to the next one. */
export interface Segment {
  readonly who: Who
  readonly state: State
  readonly from: number
  readonly to: number
}

/** What has been going on, jobs before healings. */
export const segments = (events: ReadonlyArray<Event>): ReadonlyArray<Segment> => {
  const end = events.at(-1)?.at ?? 0
  const all = events.map(({ at, state, who }, index): Segment => {
    const next = events.slice(index + 1).find((later) => later.who === who)
    return { who, state, from: at, to: next?.at ?? end }
  })
  const [healings, jobs] = Arr.partition(all, ({ who }) => isJob(who))
  return [...jobs, ...healings].filter(({ state }) => state !== "ended")
}

export const isJob = (who: Who): boolean => who.startsWith("job ")

export interface Screen {
  readonly columns: number
  readonly colour: boolean
}

/** One event. */
export const line = ({ at, state, text, who }: Event, { colour }: Screen): string => {
  const paint = painter(colour)
  const seconds = `${at.toFixed(1)} s`.padStart(7)
  return ` ${paint("faint", seconds)}  ${who.padEnd(LABEL)}${paint(hue(who, state), `${GLYPHS[state]} ${text}`)}`
}

/** The whole run: a scale of time, a row for each job and healing, and a legend. */
export const draw = (events: ReadonlyArray<Event>, { colour, columns }: Screen): string => {
  const paint = painter(colour)
  const margin = " ".repeat(LABEL + 1)
  // The last column stays empty, as some terminals go on to the next line after it.
  const width = Math.max(columns - margin.length - 1, 20)
  const end = Math.max(events.at(-1)?.at ?? 0, 1)
  const column = (at: number): number => Math.floor((at / end) * width)

  const step = STEPS.find((step) => column(step) >= 7) ?? end
  // Those whose label fits.
  const ticks = Arr.makeBy(Math.floor(end / step) + 1, (index) => index * step).filter(
    (at) => column(at) + `${at} s`.length <= width
  )
  const scale = ticks.reduce((before, at) => `${before.padEnd(column(at))}${at} s`, "")
  const ruler = Arr.makeBy(width, (index) => (ticks.some((at) => column(at) === index) ? "┬" : "─")).join("")

  const rows = Object.entries(Arr.groupBy(segments(events), ({ who }) => who)).map(([who, own]) => {
    let drawn = ""
    let reached = 0
    for (const { from, state, to, who } of own) {
      const start = Math.max(Math.min(column(from), width - 1), reached)
      // What has been is seen, however short it was, as long as there is room.
      const stop = Math.min(Math.max(column(to), start + 1), width)
      if (start === width) break
      drawn += " ".repeat(start - reached) + paint(hue(who, state), GLYPHS[state].repeat(stop - start))
      reached = stop
    }
    return ` ${who.padEnd(LABEL)}${drawn}`
  })

  return [
    margin + paint("faint", scale),
    margin + paint("faint", ruler),
    ...rows,
    "",
    `${margin}${GLYPHS.running} runs   ${GLYPHS.waiting} waits   ${GLYPHS.quiet} waits for the quiet period to pass`
  ].join("\n")
}

const LABEL = 11

const GLYPHS: Record<State, string> = { asked: "░", waiting: "░", quiet: "·", running: "█", ended: " " }

/** Seconds from one tick of the scale to the next: the shortest that can be read is taken. */
const STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300]

const SGR = { faint: 2, green: 32, yellow: 33, cyan: 36 }

type Hue = keyof typeof SGR | "plain"

const hue = (who: Who, state: State): Hue => {
  switch (state) {
    case "asked":
    case "waiting":
      return "yellow"
    case "quiet":
      return "faint"
    case "running":
      return isJob(who) ? "cyan" : "green"
    case "ended":
      return "plain"
  }
}

const painter = (colour: boolean) => (hue: Hue, text: string) =>
  colour && hue !== "plain" ? `\u001b[${SGR[hue]}m${text}\u001b[0m` : text
