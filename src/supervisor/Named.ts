/**
 * An adapter whose source in the running state has a name of its own.
 *
 * @internal
 */
import type { Adapter } from "./Adapter.js"
import { withSources } from "./Sources.js"

/** @internal */
export const named = (name: string, adapter: Adapter): Adapter => {
  const { activity, quotas } = adapter
  return withSources(adapter, [{ name, activity, ...(quotas !== undefined && { quotas }) }])
}
