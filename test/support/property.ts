/** How much the tests try, and how a failure of a property is seen again. */
import { setImmediate } from "node:timers/promises"
import * as fc from "effect/FastCheck"

const { HEALING_PATH, HEALING_SCHEDULES, HEALING_SEED, HEALING_TESTS } = process.env

/** Whether this is `npm run test:full`. */
export const isFull = HEALING_TESTS === "full"

/** Whether one failure is seen again, and nothing else. */
export const isReplay = HEALING_PATH !== undefined

/** How many inputs a property is tried with: `few`, in full `many`, or as many as `HEALING_SCHEDULES` says. */
export const runsOf = ({ few, many }: { readonly few: number; readonly many: number }): number =>
  HEALING_SCHEDULES === undefined ? (isFull ? many : few) : Number(HEALING_SCHEDULES)

/** A backstop for so many inputs, in milliseconds. */
export const patienceFor = (runs: number): number => 600_000 + 1000 * runs

/**
 * A property that gives way before each input. Vitest gives up on a worker that does not take its answers for a minute, which a synchronous
 * property and one of fibers on the `TestClock` would not do.
 */
export const restingProperty = <T>(inputs: fc.Arbitrary<T>, check: (input: T) => Promise<void> | void) =>
  fc.asyncProperty(inputs, async (input) => {
    await setImmediate()
    await check(input)
  })

/**
 * What `fc.assert` is told. The inputs are the same each time, but for those of `HEALING_SCHEDULES`, which are new ones.
 *
 * - `file`, `name`: where the property is, as Vitest finds it.
 */
export const parameters = <T>(runs: number, file: string, name?: string, usualSeed = 1): fc.Parameters<T> => {
  const seed =
    HEALING_SEED !== undefined ? Number(HEALING_SEED) : HEALING_SCHEDULES === undefined ? usualSeed : undefined
  return {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed }),
    ...(HEALING_PATH === undefined ? {} : { path: HEALING_PATH }),
    reporter: ({ counterexample, counterexamplePath, error, failed, seed }) => {
      if (!failed) return
      const only = name === undefined ? "" : ` -t "${name}"`
      const replay = `HEALING_SEED=${seed} HEALING_PATH=${counterexamplePath} npm test -- ${file}${only}`
      throw new Error(
        `See it again with ${replay}\n${error}\nIts input: ${fc.stringify(counterexample).slice(0, MAX_INPUT)}`
      )
    }
  }
}

/** Of what is shown of an input, in characters. */
const MAX_INPUT = 2000
