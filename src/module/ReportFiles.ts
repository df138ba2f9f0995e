/**
 * Reports as files of Markdown, for a person to read.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { HealingRequest } from "../request/HealingRequest.js"
import { reportMarkdown } from "../request/ReportMarkdown.js"

/** How many files are kept: the newest. */
export const MAX_REPORTS = 1000

const OWNER_ONLY = 0o700

/** A job may have any name, also one of a file elsewhere. */
const nameOf = ({ job, number }: HealingRequest): string =>
  `${job
    .replaceAll(/[^\w.-]/g, "_")
    .replace(/^\.+/, "_")
    .slice(0, 100)}-${number}.md`

const numberOf = (name: string): number => Number(/-(\d+)\.md$/.exec(name)?.[1] ?? Number.NaN)

/**
 * Writes the report of a completed request into the folder, and answers with its path. Of the others there, those are removed
 * that are older than `retention`, and all but the newest thousand.
 *
 * @internal
 */
export const write = Effect.fnUntraced(function* (
  request: HealingRequest,
  folder: string,
  retention: Duration.Duration
) {
  const fs = yield* FileSystem
  const path = yield* Path
  yield* fs.makeDirectory(folder, { recursive: true, mode: OWNER_ONLY })
  const file = path.join(folder, nameOf(request))
  // It is renamed when it is complete, so nobody reads a half of it.
  const draft = `${file}.draft`
  yield* fs.writeFileString(draft, reportMarkdown(request), { mode: 0o600 })
  yield* fs.rename(draft, file)
  yield* Effect.ignore(prune(folder, retention))
  return file
})

const prune = Effect.fnUntraced(function* (folder: string, retention: Duration.Duration) {
  const fs = yield* FileSystem
  const path = yield* Path
  const oldest = (yield* Clock.currentTimeMillis) - Duration.toMillis(retention)
  const names = (yield* fs.readDirectory(folder)).filter((name) => !Number.isNaN(numberOf(name)))
  const newestFirst = names.sort((a, b) => numberOf(b) - numberOf(a)).map((name) => path.join(folder, name))
  yield* Effect.forEach(newestFirst.slice(MAX_REPORTS), (file) => fs.remove(file), { discard: true })
  yield* Effect.forEach(
    newestFirst.slice(0, MAX_REPORTS),
    Effect.fnUntraced(function* (file) {
      const { mtime } = yield* fs.stat(file)
      if (Option.exists(mtime, (at) => at.getTime() < oldest)) yield* fs.remove(file)
    }),
    { discard: true }
  )
})
