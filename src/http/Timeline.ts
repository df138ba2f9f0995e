/**
 * What has run and waited in the last hours, on plain values: who tells it what is so now gets the segments that have changed by that.
 *
 * @internal
 */
import type { RunEvent } from "../supervisor/Supervisor.js"
import type { ApiSegment } from "./ApiModel.js"

/**
 * How long a segment is kept after its end, in milliseconds.
 *
 * @internal
 */
export const KEPT = 6 * 3_600_000

/**
 * So many are kept at most: what ended first goes first, and what goes on goes last.
 *
 * @internal
 */
export const MAX_SEGMENTS = 2000

type Kind = ApiSegment["kind"]

interface Entry {
  segment: ApiSegment
  /** Of which run it is; `undefined` of one of which it is only known that it runs. */
  run: string | undefined
}

/** Of a run that its supervisor gives no id. */
const NO_ID = ""

/**
 * Each of these answers with the segments that are new or have changed.
 *
 * - `now`: these are all of this kind that there are now. What is of the kind `run` are the OpenClaw jobs.
 * - `ran`: a run has started or ended.
 * - `reviewed`: a review that was before all of this.
 * - `all`: the segments by now, in the order in which they were seen to begin.
 *
 * @internal
 */
export interface Timeline {
  readonly now: (kind: Kind, names: ReadonlySet<string>, at: number) => ReadonlyArray<ApiSegment>
  readonly ran: (event: RunEvent, at: number) => ReadonlyArray<ApiSegment>
  readonly reviewed: (job: string, from: number, to: number) => void
  readonly all: (at: number) => ReadonlyArray<ApiSegment>
}

/** @internal */
export const make = (): Timeline => {
  const entries = new Map<number, Entry>()
  const before = new Map<Kind, ReadonlySet<string>>()
  let last = 0

  const firstToGo = (): number => {
    let first: ApiSegment | undefined
    for (const { segment } of entries.values()) {
      if (first === undefined || (segment.to ?? Infinity) < (first.to ?? Infinity)) first = segment
    }
    return first?.id ?? 0
  }

  const forget = (at: number): void => {
    for (const [id, { segment }] of entries) {
      if (segment.to !== null && segment.to < at - KEPT) entries.delete(id)
    }
    while (entries.size > MAX_SEGMENTS) entries.delete(firstToGo())
  }

  const add = (of: Omit<ApiSegment, "id">, at: number, run?: string): ApiSegment => {
    last += 1
    const segment = { ...of, id: last }
    entries.set(last, { segment, run })
    forget(at)
    return segment
  }

  const change = (entry: Entry, by: Partial<ApiSegment>): ApiSegment => {
    entry.segment = { ...entry.segment, ...by }
    return entry.segment
  }

  const of = (kind: Kind, name: string): ReadonlyArray<Entry> =>
    Array.from(entries.values()).filter(({ segment }) => segment.kind === kind && segment.name === name)

  const open = (kind: Kind, name: string): ReadonlyArray<Entry> =>
    of(kind, name).filter(({ segment }) => segment.to === null)

  const end = (entry: Entry, at: number, outcome: ApiSegment["outcome"] = null): ApiSegment =>
    change(entry, { to: Math.max(at, entry.segment.from), outcome })

  /** Jobs of which runs are told one by one: no other runs of theirs are added. */
  const told = new Set<string>()

  const tell = (job: string): void => {
    if (told.size >= MAX_SEGMENTS) told.clear()
    told.add(job)
  }

  const isRunning = (job: string): boolean => before.get("run")?.has(job) ?? false

  /** A run that was seen before it was told which one it is. */
  const unnamed = (job: string): Entry | undefined => of("run", job).find((entry) => entry.run === undefined)

  const started = ({ at: from, job, runId }: Extract<RunEvent, { _tag: "Started" }>, at: number) => {
    const run = runId ?? NO_ID
    tell(job)
    if (of("run", job).some((entry) => entry.run === run && (run !== NO_ID || entry.segment.to === null))) return []
    const seen = unnamed(job)
    const since = Math.min(Math.round(from ?? seen?.segment.from ?? at), at)
    if (seen === undefined) return [add({ kind: "run", name: job, from: since, to: null, outcome: null }, at, run)]
    seen.run = run
    return [change(seen, { from: since, to: isRunning(job) ? null : seen.segment.to })]
  }

  const ended = ({ at: to, job, outcome, runId, startedAt }: Extract<RunEvent, { _tag: "Ended" }>, at: number) => {
    const run = runId ?? NO_ID
    tell(job)
    const until = Math.min(Math.round(to ?? at), at)
    const found =
      of("run", job).find((entry) => entry.run === run && (run !== NO_ID || entry.segment.outcome === null)) ??
      unnamed(job)
    if (found !== undefined) {
      found.run = run
      return [end(found, until, outcome)]
    }
    const from = Math.min(Math.round(startedAt ?? until), until)
    return [add({ kind: "run", name: job, from, to: until, outcome }, at, run)]
  }

  /** A run that goes on was taken for ended, since the end of the one before it was seen late. */
  const again = (name: string): Entry | undefined => of("run", name).findLast(({ segment }) => segment.outcome === null)

  const begin = (kind: Kind, name: string, at: number): ReadonlyArray<ApiSegment> => {
    if (open(kind, name).length > 0) return []
    if (kind !== "run" || !told.has(name)) return [add({ kind, name, from: at, to: null, outcome: null }, at)]
    const going = again(name)
    return going === undefined ? [] : [change(going, { to: null })]
  }

  return {
    now: (kind, names, at) => {
      const were = before.get(kind) ?? new Set()
      before.set(kind, names)
      const gone = Array.from(were).filter((name) => !names.has(name))
      const come = Array.from(names).filter((name) => !were.has(name))
      return [
        // How a run has ended may be told a moment later.
        ...gone.flatMap((name) => open(kind, name).map((entry) => end(entry, at))),
        ...come.flatMap((name) => begin(kind, name, at))
      ]
    },
    ran: (event, at) => (event._tag === "Started" ? started(event, at) : ended(event, at)),
    reviewed: (name, from, to) => {
      add({ kind: "review", name, from: Math.min(from, to), to, outcome: null }, to)
    },
    all: (at) => {
      forget(at)
      return Array.from(entries.values(), ({ segment }) => segment)
    }
  }
}
