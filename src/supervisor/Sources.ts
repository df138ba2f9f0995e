/**
 * The sources of the running state that an adapter feeds, by name. Most feed one; one that joins others feeds one for each of them, so that what one
 * of them loses sight of hides nothing of what another one sees.
 *
 * @internal
 */
import type * as Stream from "effect/Stream"
import type { Activity } from "./Activity.js"
import type { Adapter } from "./Adapter.js"

/** @internal */
export interface NamedSource {
  readonly name: string
  readonly activity: Stream.Stream<Activity>
  readonly quotas?: Adapter["quotas"]
}

/** The stream that the sources stand for: in an adapter that somebody has wrapped it may be another one, which then counts. */
interface Sources {
  readonly of: Stream.Stream<Activity>
  readonly all: ReadonlyArray<NamedSource>
}

const sources: unique symbol = Symbol.for("effect-healing/Supervisor/sources")

/** The name of a source of which the adapter has no better one. */
const UNNAMED = "supervisor"

/** @internal */
export const withSources = (adapter: Adapter, all: ReadonlyArray<NamedSource>): Adapter & { [sources]: Sources } => ({
  ...adapter,
  [sources]: { of: adapter.activity, all }
})

/**
 * An adapter whose one source has a name of its own.
 *
 * @internal
 */
export const named = (name: string, adapter: Adapter): Adapter => {
  const { activity, quotas } = adapter
  return withSources(adapter, [{ name, activity, ...(quotas !== undefined && { quotas }) }])
}

/** @internal */
export const sourcesOf = (adapter: Adapter & { readonly [sources]?: Sources }): ReadonlyArray<NamedSource> => {
  const { activity, quotas } = adapter
  const own = adapter[sources]
  return own?.of === activity ? own.all : [{ name: UNNAMED, activity, ...(quotas !== undefined && { quotas }) }]
}
