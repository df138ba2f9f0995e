/**
 * Suggestions in a store that keeps nothing.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import { type HealingStoreError, unexpectedState } from "../HealingError.js"
import type {
  Application,
  HealingSuggestion,
  SuggestionKey,
  SuggestionStep,
  SuggestionStop
} from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { SuggestionChange } from "./Change.js"
import * as MemoryAutomatic from "./MemoryAutomatic.js"
import type { MemoryNotices } from "./MemoryNotices.js"
import type { SuggestionJournal } from "./SuggestionJournal.js"
import { sameness } from "./SuggestionRow.js"

type State = Readonly<{
  suggestions: ReadonlyMap<string, HealingSuggestion>
  steps: ReadonlyArray<SuggestionStep>
  lastStep: number
  applications: ReadonlyMap<string, Application>
  stopped: SuggestionStop | null
}>

/**
 * - `write`, `move`, `watch`, `putApplication`, `stop`, `addStep`: as a commit does. `write` and `watch` return why they cannot.
 * - `automatic`: what rules have applied.
 * - `snapshot`: returns the way back to how it is now.
 *
 * @internal
 */
export interface MemorySuggestions {
  readonly journal: SuggestionJournal
  readonly automatic: MemoryAutomatic.MemoryAutomatic
  readonly addStep: (step: Omit<SuggestionStep, "number">) => void
  readonly write: (change: SuggestionChange) => HealingStoreError | undefined
  readonly move: (by: number) => void
  readonly watch: (applied: HealingSuggestion) => HealingStoreError | undefined
  readonly putApplication: (application: Application) => void
  readonly stop: (stop: SuggestionStop | null) => void
  readonly snapshot: () => () => void
}

const keyOf = ({ position, request }: SuggestionKey): string => `${request}.${position}`

const inOrder: Order.Order<SuggestionKey> = Order.combine(
  Order.mapInput(Order.reverse(Order.number), ({ request }: SuggestionKey) => request),
  Order.mapInput(Order.number, ({ position }: SuggestionKey) => position)
)

const byDue = Order.mapInput(Order.number, (one: HealingSuggestion) => SuggestionLife.dueAt(one) ?? 0)

/**
 * Longer than a screen, since it is the list of what a store can do for suggestions.
 *
 * @internal
 */
export const make = (addFact: MemoryNotices["addFact"]): MemorySuggestions => {
  let state: State = { suggestions: new Map(), steps: [], lastStep: 0, applications: new Map(), stopped: null }

  const automatic = MemoryAutomatic.make()

  const all = () => Array.from(state.suggestions.values())

  const addStep = (step: Omit<SuggestionStep, "number">) => {
    const number = state.lastStep + 1
    state = { ...state, steps: [...state.steps, { number, ...step }], lastStep: number }
  }

  const put = ({ from, to }: Pick<SuggestionChange, "from" | "to">) => {
    state = { ...state, suggestions: new Map(state.suggestions).set(keyOf(to), to) }
    addStep(SuggestionLife.stepOf(from, to))
    addFact(SuggestionLife.factOf(from, to))
  }

  return {
    automatic,
    addStep,
    write: ({ before: same, dueAt, from, to }) => {
      const before = state.suggestions.get(keyOf(to))
      const found = before?.state ?? null
      const isDue = dueAt === undefined || (before !== undefined && SuggestionLife.dueAt(before) === dueAt)
      const isSame = same === undefined || (before !== undefined && String(sameness(before)) === String(sameness(same)))
      if (found !== from || !(isDue && isSame)) {
        const expected =
          same !== undefined
            ? `${from} since ${same.changedAt}`
            : dueAt === undefined
              ? (from ?? "not there")
              : `${from} and due at ${dueAt}`
        return unexpectedState(to.id, expected, found ?? "not there")
      }
      put({ from, to })
      if (from !== null) return undefined
      for (const older of all()
        .filter((older) => SuggestionLife.supersedes(to, older))
        .sort(inOrder)) {
        put({ from: older.state, to: SuggestionLife.supersede(older, to) })
      }
      return undefined
    },
    move: (by) => {
      const moved = all().map((one) => [keyOf(one), SuggestionLife.move(one, by)] as const)
      state = { ...state, suggestions: new Map(moved) }
      automatic.move(by)
    },
    watch: (applied) => {
      const before = state.suggestions.get(keyOf(applied))
      if (before?.state !== "applied") return unexpectedState(applied.id, "applied", before?.state ?? "not there")
      const { watch } = applied
      state = { ...state, suggestions: new Map(state.suggestions).set(keyOf(applied), { ...before, watch }) }
      return undefined
    },
    putApplication: (application) => {
      state = { ...state, applications: new Map(state.applications).set(keyOf(application), application) }
    },
    stop: (stopped) => {
      state = { ...state, stopped }
    },
    snapshot: () => {
      const before = state
      const undo = automatic.snapshot()
      return () => {
        state = before
        undo()
      }
    },
    journal: {
      ...automatic.journal,
      find: (key) => Effect.sync(() => Option.fromNullable(state.suggestions.get(keyOf(key)))),
      list: ({ after, job, limit, states, supersededBy, targetFile }) =>
        Effect.sync(() =>
          all()
            .filter((one) => states.includes(one.state) && (job === undefined || one.job === job))
            .filter((one) => targetFile === undefined || one.suggestion.targetFile === targetFile)
            .filter((one) => supersededBy === undefined || supersededBy.includes(one.supersededBy ?? ""))
            .filter((one) => after === undefined || inOrder(one, after) > 0)
            .sort(inOrder)
            .slice(0, limit)
        ),
      steps: (id, after, limit) =>
        Effect.sync(() => {
          const all = state.steps.filter((step) => step.number > after && (id === undefined || step.id === id))
          const steps = all.slice(0, limit)
          return { steps, next: all.length > limit ? steps.at(-1)?.number : undefined }
        }),
      due: (now, limit) =>
        Effect.sync(() =>
          Arr.sort(
            all().filter((one) => (SuggestionLife.dueAt(one) ?? Number.POSITIVE_INFINITY) <= now),
            Order.combine(byDue, inOrder)
          ).slice(0, limit)
        ),
      nextDue: Effect.sync(() =>
        Option.fromNullable(
          Arr.sort(
            all().flatMap((one) => SuggestionLife.dueAt(one) ?? []),
            Order.number
          )[0]
        )
      ),
      prune: (endedBefore, limit) =>
        Effect.sync(() => {
          // The number of the last step is not given out again.
          const last = state.steps.at(-1)?.id
          const old = all()
            .filter(({ changedAt, expiresAt, id }) => expiresAt === null && changedAt < endedBefore && id !== last)
            .sort((a, b) => a.changedAt - b.changedAt || inOrder(a, b))
            .slice(0, limit)
          const ids = new Set(old.map(({ id }) => id))
          state = {
            ...state,
            suggestions: new Map(Array.from(state.suggestions).filter(([, { id }]) => !ids.has(id))),
            steps: state.steps.filter(({ id }) => !ids.has(id)),
            applications: new Map(
              Array.from(state.applications).filter(([key]) => !old.some((one) => keyOf(one) === key))
            )
          }
          automatic.forget(endedBefore, (key) => state.suggestions.has(keyOf(key)))
          return old.length
        }),
      unreadable: () => Effect.succeed(0),
      application: (key) => Effect.sync(() => Option.fromNullable(state.applications.get(keyOf(key)))),
      unfinished: Effect.sync(() =>
        Array.from(state.applications.values())
          .filter(({ intent }) => intent !== null)
          .sort(inOrder)
      ),
      stopped: Effect.sync(() => Option.fromNullable(state.stopped))
    }
  }
}
