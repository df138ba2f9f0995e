/** Files in a folder of their own, and what proposes to change them. */
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import type { Suggestion } from "effect-healing"
import { hashOf } from "../../src/text/Excerpt.js"
import { aSuggestion } from "./storeSamples.js"

/** What stands in a file, and what is proposed for it. */
export const OLD = "one\ntwo\nthree\nfour\n"
export const NEW = "one\n2\nthree\nfour\n"

/** A folder in which nobody else may write, without links on the way; it goes with the test. */
export const privateFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "effect-healing-test-")))
    chmodSync(folder, 0o755)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** What proposes this content for the file as it is now. */
export const forFile = (path: string, content: string, others: Partial<Suggestion> = {}): Suggestion => ({
  ...aSuggestion,
  targetFile: path,
  proposedContent: content,
  fileHash: hashOf(readFileSync(path)),
  ...others
})
