/**
 * What the sources of one queue have reported, counted into the running state.
 *
 * @internal
 */
import * as HashMap from "effect/HashMap"
import type { Quota } from "./Quota.js"
import type { JobId, RunningState, UnknownSource } from "./RunningState.js"

/**
 * What one source has reported.
 *
 * - `counts`: how many instances of each job it knows of.
 * - `unknown`: why it does not know what runs; `undefined` if it does.
 * - `quotas`: what it has heard of the quotas of providers.
 * - `broken`: its adapter broke, so that it stays unknown until another one of its name takes its place.
 *
 * @internal
 */
export interface Reported {
  readonly name: string
  readonly counts: Map<JobId, number>
  unknown: string | undefined
  quotas: ReadonlyArray<Quota>
  broken: boolean
}

/** @internal */
export const reported = (name: string, unknown: string | undefined): Reported => ({
  name,
  counts: new Map(),
  unknown,
  quotas: [],
  broken: false
})

const MAX_REASON = 200

/**
 * Each method counts a report, and returns the running state after it.
 *
 * @internal
 */
export class Reports {
  readonly #sources = new Set<Reported>()
  readonly #now: () => number

  /** `now`: monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The source now has `count` instances of the job. */
  recount(state: RunningState, source: Reported, job: JobId, count: number): RunningState {
    const delta = count - (source.counts.get(job) ?? 0)
    if (delta === 0) return state
    if (count === 0) source.counts.delete(job)
    else source.counts.set(job, count)
    const before = HashMap.get(state.jobs, job)
    const instances = (before._tag === "Some" ? before.value.instances : 0) + delta
    const since = before._tag === "Some" ? before.value.since : this.#now()
    return this.#next(state, {
      jobs: instances === 0 ? HashMap.remove(state.jobs, job) : HashMap.set(state.jobs, job, { instances, since }),
      started: state.started + Math.max(delta, 0)
    })
  }

  /** These, and no others, run according to the source, which is known from now on. */
  replace(state: RunningState, source: Reported, jobs: ReadonlyArray<JobId>): RunningState {
    source.unknown = undefined
    return this.#next(this.#recountAll(state, source, jobs), { unknown: this.#unknown() })
  }

  /** The source does not know what runs. Its jobs stay as it knew them last. */
  lose(state: RunningState, source: Reported, reason: string): RunningState {
    source.unknown = reason.slice(0, MAX_REASON)
    return this.#next(state, { unknown: this.#unknown() })
  }

  /** The source has heard how the quotas stand. */
  quote(state: RunningState, source: Reported, quotas: ReadonlyArray<Quota>): RunningState {
    source.quotas = quotas
    return this.#next(state, { quotas: this.#quotas() })
  }

  /** One more source reports, in the place of those of its name that broke. */
  add(state: RunningState, source: Reported): RunningState {
    const broken = Array.from(this.#sources).filter((other) => other.broken && other.name === source.name)
    this.#sources.add(source)
    return broken.reduce((state, other) => this.remove(state, other), this.#next(state, { unknown: this.#unknown() }))
  }

  /** The source is gone, and its jobs with it. */
  remove(state: RunningState, source: Reported): RunningState {
    this.#sources.delete(source)
    return this.#next(this.#recountAll(state, source, []), { unknown: this.#unknown(), quotas: this.#quotas() })
  }

  /** Whether another source of the same name reports by now. */
  hasSuccessor(source: Reported): boolean {
    return Array.from(this.#sources).some((other) => other !== source && other.name === source.name && !other.broken)
  }

  #recountAll(state: RunningState, source: Reported, jobs: ReadonlyArray<JobId>): RunningState {
    const counts = new Map<JobId, number>()
    for (const job of jobs) counts.set(job, (counts.get(job) ?? 0) + 1)
    for (const job of source.counts.keys()) if (!counts.has(job)) counts.set(job, 0)
    return Array.from(counts).reduce((state, [job, count]) => this.recount(state, source, job, count), state)
  }

  #unknown(): ReadonlyArray<UnknownSource> {
    return Array.from(this.#sources).flatMap(({ name, unknown }) =>
      unknown === undefined ? [] : [{ name, reason: unknown }]
    )
  }

  #quotas(): ReadonlyArray<Quota> {
    return Array.from(this.#sources).flatMap(({ quotas }) => quotas)
  }

  #next(state: RunningState, changed: Partial<RunningState>): RunningState {
    const jobs = changed.jobs ?? state.jobs
    const unknown = changed.unknown ?? state.unknown
    const isIdle = unknown.length === 0 && HashMap.isEmpty(jobs)
    return {
      jobs,
      unknown,
      started: changed.started ?? state.started,
      idleSince: isIdle ? (state.idleSince ?? this.#now()) : undefined,
      quotas: changed.quotas ?? state.quotas
    }
  }
}
