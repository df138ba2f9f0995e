/**
 * What all measurements share: ours and its floor take turns in one run, so that noise hits both alike.
 */
import * as Effect from "effect/Effect"

/** `npm run bench -- --quick` only shows that everything can be measured. */
export const isQuick = process.argv.includes("--quick")

/** A number, or a small one if it is to be quick. */
export const size = (usual: number, quick: number): number => (isQuick ? quick : usual)

export interface Row {
  readonly what: string
  readonly ours: string
  readonly floor: string
  readonly ratio: number
  /** The highest ratio that will do; `undefined` where the row only stands beside another. */
  readonly target: number | undefined
}

/** Medians over the rounds. The ratio is the median of the rounds' ratios, not the ratio of the medians. */
export interface Compared {
  readonly ours: number
  readonly floor: number
  readonly ratio: number
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >>> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * So many rounds after those that warm up; who goes first alternates. No garbage is collected by hand in between: that
 * throws optimized code away, and doubles what both cost.
 */
export const compare = <E, R, E2, R2>(
  options: { readonly rounds: number; readonly warmUp?: number },
  ours: Effect.Effect<number, E, R>,
  floor: Effect.Effect<number, E2, R2>
): Effect.Effect<Compared, E | E2, R | R2> =>
  Effect.gen(function* () {
    const { rounds, warmUp } = isQuick ? { rounds: 1, warmUp: 0 } : { warmUp: 1, ...options }
    const measured: Array<Compared> = []
    for (let round = 0; round < warmUp + rounds; round++) {
      let ofOurs = 0
      let ofFloor = 0
      for (const isOurs of round % 2 === 0 ? [true, false] : [false, true]) {
        if (isOurs) ofOurs = yield* ours
        else ofFloor = yield* floor
      }
      if (round >= warmUp) measured.push({ ours: ofOurs, floor: ofFloor, ratio: ofOurs / ofFloor })
    }
    return {
      ours: median(measured.map(({ ours }) => ours)),
      floor: median(measured.map(({ floor }) => floor)),
      ratio: median(measured.map(({ ratio }) => ratio))
    }
  })

export const rowOf = (
  what: string,
  { floor, ours, ratio }: Compared,
  target: number | undefined,
  show: (value: number) => string = showMillis
): Row => ({ what, ours: show(ours), floor: show(floor), ratio, target })

/** A row that stands beside `compared`, against the same floor. */
export const beside = (what: string, millis: number, { floor }: Compared): Row =>
  rowOf(what, { ours: millis, floor, ratio: millis / floor }, undefined)

export const showMillis = (millis: number): string =>
  millis < 1
    ? `${(millis * 1000).toFixed(1)} µs`
    : millis < 1000
      ? `${millis.toFixed(1)} ms`
      : `${(millis / 1000).toFixed(2)} s`

export const collectGarbage = Effect.sync(() => global.gc?.())

/** The milliseconds that the effect takes, for each of so many. */
export const millisEach = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const from = performance.now()
    return Effect.map(effect, () => (performance.now() - from) / count)
  })

/** One after the other, in one fiber. */
export const times = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
  Effect.forEach(Array.from({ length: count }), () => effect, { discard: true })
