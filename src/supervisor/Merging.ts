/**
 * Joins supervisors into one, whose jobs carry the prefixes of those that they come from.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import { HealingConfigError, SupervisorError } from "../HealingError.js"
import * as SafeLog from "../internal/SafeLog.js"
import { Activity } from "./Activity.js"
import type { Adapter } from "./Adapter.js"
import type { JobInfo } from "./JobInfo.js"
import { listen } from "./Listening.js"
import { sourcesOf, withSources } from "./Sources.js"

/** @internal */
export interface Part {
  readonly prefix: string
  readonly adapter: Adapter
}

/** Without the sign that ends it, so that no prefix can be the beginning of another one. */
const PREFIX = /^[\w-]{0,32}$/

/** Of the name of a job, in characters. */
const MAX_NAME = 256

/** Kept for each reader of events who is late. */
const MAX_EVENTS = 1000

/** Names of jobs of which it is remembered that they were warned of. */
const MAX_WARNED = 1000

/** @internal */
export const checkPrefixes = (prefixes: ReadonlyArray<string>): Effect.Effect<void, HealingConfigError> => {
  const issues = prefixes
    .filter((prefix) => !PREFIX.test(prefix))
    .map((prefix) => ({
      source: "Supervisor.merge",
      key: JSON.stringify(prefix.slice(0, MAX_NAME)),
      found: "another text",
      expected: 'a prefix of 1 to 32 letters, digits, "-" and "_", or "" for none'
    }))
  return Arr.isNonEmptyArray(issues) ? Effect.fail(new HealingConfigError({ issues })) : Effect.void
}

/** @internal */
export const make = (parts: ReadonlyArray<Part>): Adapter => {
  const byPrefix = new Map(parts.map((part) => [part.prefix, part]))
  const warned = new Set<string>()

  /** The part that a name with its prefix belongs to, and the name there. */
  const route = (id: string): { readonly part: Part; readonly own: string } | undefined => {
    const end = id.indexOf(":")
    const part = end > 0 ? byPrefix.get(id.slice(0, end)) : undefined
    if (part !== undefined) return { part, own: id.slice(end + 1) }
    const bare = byPrefix.get("")
    return bare && { part: bare, own: id }
  }

  const nameIn = (prefix: string, job: string): string => (prefix === "" ? job : `${prefix}:${job}`)

  /** Whether a job of this part is another one's by its name, or has none that fits. */
  const isRefused = (part: Part, job: string): boolean => {
    const id = nameIn(part.prefix, job)
    return id.length > MAX_NAME || route(id)?.part !== part
  }

  const accept = (part: Part, job: string): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      // What an adapter gives may be anything: what has no name is refused by whoever reads it.
      if (!Predicate.isString(job) || !isRefused(part, job)) return Effect.succeed(true)
      const id = nameIn(part.prefix, job)
      if (warned.has(id) || warned.size >= MAX_WARNED) return Effect.succeed(false)
      warned.add(id)
      const why =
        id.length > MAX_NAME
          ? `its name is longer than ${MAX_NAME} characters with its prefix`
          : "by its name it could be that of another supervisor: give its own supervisor a prefix, or the job another name"
      return Effect.as(SafeLog.warn(`The job "${id.slice(0, MAX_NAME)}" is not reviewed, since ${why}`), false)
    })

  const jobsOf = (part: Part) =>
    part.adapter.jobs.pipe(
      Effect.flatMap(Effect.filter((job) => accept(part, job?.id))),
      Effect.map(Arr.map((job) => (Predicate.isString(job?.id) ? { ...job, id: nameIn(part.prefix, job.id) } : job)))
    )

  /** What all of them tell of their jobs. */
  const told = <A extends { readonly job: string }>(of: (adapter: Adapter) => Stream.Stream<A>): Stream.Stream<A> =>
    together(
      parts.map((part) =>
        of(part.adapter).pipe(
          Stream.filterEffect((event) => accept(part, event?.job)),
          Stream.map((event) =>
            Predicate.isString(event?.job) ? { ...event, job: nameIn(part.prefix, event.job) } : event
          )
        )
      )
    )

  /** Does something with a job where it belongs. */
  const at = <A>(job: JobInfo, what: (adapter: Adapter, own: JobInfo) => Effect.Effect<A, SupervisorError>) =>
    Effect.suspend(() => {
      const found = route(job.id)
      return found === undefined
        ? new SupervisorError({ detail: `no supervisor has a job named ${job.id}` })
        : what(found.part.adapter, { ...job, id: found.own })
    })

  const sources = parts.flatMap(({ adapter, prefix }) =>
    sourcesOf(adapter).map((source, _, { length }) => ({
      ...source,
      name: prefix === "" ? source.name : length === 1 ? prefix : nameIn(prefix, source.name),
      activity: Stream.map(source.activity, (known) =>
        known._tag === "Known" ? Activity.Known({ running: known.running.map((job) => nameIn(prefix, job)) }) : known
      )
    }))
  )
  const quotas = sources.flatMap((source) => source.quotas ?? [])
  const canRestart = parts.some(({ adapter }) => adapter.restart !== undefined)

  return withSources(
    {
      jobs: Effect.map(Effect.forEach(parts, jobsOf, { concurrency: "unbounded" }), Arr.flatten),
      activity: Stream.map(Stream.zipLatestAll(...sources.map(({ activity }) => activity)), joined),
      events: told(({ events }) => events),
      runs: told(({ runs }) => runs),
      evidence: (job, scope) => at(job, (adapter, own) => adapter.evidence(own, scope)),
      ...(canRestart && {
        restart: (job: JobInfo) =>
          at(
            job,
            ({ restart }, own) =>
              restart?.(own) ?? new SupervisorError({ detail: `the supervisor of ${job.id} cannot restart it` })
          )
      }),
      ownPaths: parts.flatMap(({ adapter }) => adapter.ownPaths ?? []),
      ...(quotas.length > 0 && { quotas: Stream.map(Stream.zipLatestAll(...quotas), Arr.flatten) })
    },
    sources
  )
}

/** All that is known, or why one of them does not know. */
const joined = (all: ReadonlyArray<Activity>): Activity =>
  all.find((one) => one._tag === "Unknown") ??
  Activity.Known({ running: all.flatMap((one) => (one._tag === "Known" ? one.running : [])) })

/** Listens to all of them at once: what one of them tells right after that is not missed. One that breaks ends no other. */
const together = <A>(streams: ReadonlyArray<Stream.Stream<A>>): Stream.Stream<A> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const mailbox = yield* Mailbox.make<A>({ capacity: MAX_EVENTS, strategy: "sliding" })
      const scope = yield* Effect.scope
      // A fiber that is forked begins later, and so would its listening.
      const runNow = Runtime.runFork(yield* Effect.runtime())
      for (const stream of streams) {
        runNow(listen(stream, { each: (event) => mailbox.offer(event), broke: () => Effect.void }), { scope })
      }
      return Mailbox.toStream(mailbox)
    })
  )
