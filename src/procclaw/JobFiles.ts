/**
 * What stands of the reviews of a job in its own file, and is not in ProcClaw's answers. Such a file holds the environment of the job and its
 * tokens: nothing else of it is kept, and it is no evidence.
 *
 * @internal
 */
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Predicate from "effect/Predicate"
import { parse } from "yaml"

/** In bytes. The parser takes quadratic time for the keys of a mapping. */
const MAX_FILE = 64 * 1024

/** Files of which it is remembered what stands in them. */
const MAX_FILES = 1000

type Raw = Readonly<Record<string, unknown>>

/** @internal */
export interface JobFiles {
  /** The `review_scope` of the job, and the `day_of_month` of its `review_schedule`, as they are written. */
  readonly read: (job: string) => Raw
}

/** @internal */
export const make = (home: string): JobFiles => {
  const known = new Map<string, { readonly at: number; readonly content: Raw }>()
  return {
    read: (job) => {
      if (!/^[\w.-]+$/.test(job)) return {}
      const path = join(home, "jobs", `${job}.yaml`)
      try {
        const { mtimeMs, size } = statSync(path)
        const before = known.get(job)
        if (before?.at === mtimeMs) return before.content
        const content = size > MAX_FILE ? {} : contentOf(parse(readFileSync(path, "utf8"), { logLevel: "error" }))
        if (known.size >= MAX_FILES) known.clear()
        known.set(job, { at: mtimeMs, content })
        return content
      } catch {
        return {}
      }
    }
  }
}

const contentOf = (document: unknown): Raw => {
  const selfHealing = Predicate.hasProperty(document, "self_healing") ? document.self_healing : undefined
  if (!Predicate.isReadonlyRecord(selfHealing)) return {}
  const { review_schedule, review_scope } = selfHealing
  const day = Predicate.isReadonlyRecord(review_schedule) ? review_schedule.day_of_month : undefined
  return {
    ...(review_scope !== undefined && { review_scope }),
    ...(day !== undefined && { day_of_month: day })
  }
}
