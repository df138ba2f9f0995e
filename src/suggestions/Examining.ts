/**
 * The file of a suggestion, looked at closely: what it is, what the suggestion would change in it, and whether it may be changed.
 *
 * @internal
 */
import { realpathSync } from "node:fs"
import { basename, dirname, isAbsolute, join } from "node:path"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { realPath } from "../internal/RealPath.js"
import type { FileRole } from "../request/FileRole.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import { EvidenceScope } from "../supervisor/Evidence.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import { hashOf } from "../text/Excerpt.js"
import { placeholder } from "../text/Placeholder.js"
import { conceal } from "../text/Secrets.js"
import { type Diff, diffOf, linesIn } from "./Diff.js"
import { isWithin, type OpenFile, type OpenFolder, openFile, openFolder, problemOf } from "./OpenFolder.js"
import type { Check, CheckName } from "./Preview.js"

/**
 * The longest file that is changed, in bytes.
 *
 * @internal
 */
export const MAX_FILE = 64 * 1024

/**
 * Where a file is, held open.
 *
 * - `path`: without links.
 * - `file`: `undefined` if it is not there.
 * - `text`: what stands in it; `null` if it is not there.
 *
 * @internal
 */
export interface Place {
  readonly path: string
  readonly folder: OpenFolder
  readonly name: string
  readonly file: OpenFile | undefined
  readonly text: string | null
}

/**
 * - `roles`: what the supervisor calls its file for its job.
 * - `place`: `undefined` if its file cannot be changed.
 * - `hash`: of the file as it is; `null` if it is not there, or cannot be told.
 * - `diff`: `undefined` if nothing can be shown.
 *
 * @internal
 */
export interface Examined {
  readonly suggestion: HealingSuggestion
  readonly checks: ReadonlyArray<Check>
  readonly roles: ReadonlyArray<FileRole>
  readonly path: string | null
  readonly hash: string | null
  readonly place: Place | undefined
  readonly diff: Diff | undefined
}

/**
 * - `roots`: the folders that are allowed, without links.
 * - `whyForbidden`: why a file may not be changed, if it may not.
 *
 * @internal
 */
export interface Rules {
  readonly settings: Pick<SuggestionSettings, "asRoot" | "checks" | "checkTimeout">
  readonly roots: ReadonlyArray<string>
  readonly whyForbidden: (path: string) => string | undefined
  readonly supervisor: Context.Tag.Service<Supervisor>
}

/**
 * Whether it changes a file at all.
 *
 * @internal
 */
export const changesFile = ({ suggestion }: HealingSuggestion): boolean =>
  suggestion.targetFile !== null && suggestion.proposedContent !== null

/**
 * Makes all checks, one after the other: those that need one that has failed are left out. What it opens stays open for as long as the scope.
 *
 * - `content`: what is to stand in the file; `null` if it is to go.
 * - `expected`: the hash that the file must have, `null` if it must not be there, and what to say if it has another.
 * - `isOriginal`: whether it has stood in the file before: then it may be anything.
 * - `allowsBigDeletion` (false): whether more than half of the lines may go.
 *
 * Longer than a screen, since it is the list of all checks, each of which needs those before it.
 *
 * @internal
 */
export const examine = (
  { roots, settings, supervisor, whyForbidden }: Rules,
  suggestion: HealingSuggestion,
  {
    allowsBigDeletion = false,
    content,
    expected,
    isOriginal
  }: {
    readonly content: string | null
    readonly expected: { readonly hash: string | null; readonly otherwise: string }
    readonly isOriginal: boolean
    readonly allowsBigDeletion?: boolean
  }
): Effect.Effect<Examined, never, Scope.Scope> =>
  Effect.gen(function* () {
    const checks: Array<Check> = []
    let found: Omit<Examined, "suggestion" | "checks"> = {
      roles: [],
      path: null,
      hash: null,
      place: undefined,
      diff: undefined
    }
    /** Returns whether it has passed. */
    const say = (check: CheckName, problem: string | undefined, passed: string): boolean => {
      checks.push({ check, passed: problem === undefined, detail: problem ?? passed })
      return problem === undefined
    }
    const answer = (): Examined => ({ suggestion, checks, ...found })
    const target = suggestion.suggestion.targetFile ?? ""

    say("user", whyNotAs(settings.asRoot), "the process may write files")
    const named = yield* rolesOf(supervisor, suggestion.job, target)
    found = { ...found, roles: "problem" in named ? [] : named.roles }
    const isNamed = say(
      "evidence",
      "problem" in named ? named.problem : undefined,
      "the supervisor names the file for this job"
    )

    const path = resolved(target)
    if (!say("path", "problem" in path ? path.problem : undefined, "the file can be reached") || "problem" in path) {
      return answer()
    }
    const { real } = path
    const isInRoot = say("roots", whyOutside(roots, real), "the file is in an allowed folder")
    const isAllowed = say("forbidden", whyForbidden(target) ?? whyForbidden(real), "nobody forbids to change the file")
    // What is not one of its files is not looked into.
    if (!isNamed || !isAllowed) return answer()
    found = { ...found, path: real }

    const opened = yield* Effect.either(openPlace(real))
    if (opened._tag === "Left") {
      say("kind", opened.left, "it is a regular file")
      return answer()
    }
    const { file, folder, name } = opened.right
    if (isInRoot) say("folders", whyOthersWrite(folder, roots), "nobody else can write to its folders")
    if (!say("kind", file && whyNoRegularFile(file), "it is a regular file")) return answer()
    say("owner", file && whyOtherOwner(file), "its owner stays the same")
    const text = file === undefined ? null : textOf(file.bytes)
    // What stands in it now is not kept when it is taken back.
    const why = text === undefined ? NO_TEXT : isOriginal ? undefined : whyNotShown(text)
    if (!say("text", why, "it is text without a secret")) return answer()
    const before = text ?? null
    const hash = file === undefined ? null : hashOf(file.bytes)
    found = { ...found, hash, place: { path: real, folder, name, file, text: before } }
    const whyBad = isOriginal ? undefined : whyNoContent(content ?? "", before ?? "")
    if (!isOriginal && !say("content", whyBad, "the new content is whole")) return answer()
    const diff = diffOf(name, before, content ?? "")
    found = { ...found, diff }

    say("unchanged", hash === expected.hash ? undefined : expected.otherwise, "the file is as it is to be")
    if (isOriginal) return answer()
    const isBig = diff.removed > linesIn(before ?? "") / 2
    say(
      "deletion",
      isBig && !allowsBigDeletion
        ? `${diff.removed} of its ${linesIn(before ?? "")} lines would go: allow that with bigDeletion if it is meant`
        : undefined,
      isBig ? "more than half of its lines go, which is allowed" : "at most half of its lines go"
    )
    return answer()
  })

const whyNotAs = (asRoot: boolean): string | undefined => {
  const uid = process.getuid?.()
  if (uid === undefined) return "files can only be changed on a system that knows their owners"
  return uid === 0 && !asRoot
    ? "the process runs as root: set suggestions.asRoot, or better run it as another user"
    : undefined
}

/** What a screen does not show, or shows elsewhere: signs of control, and those that turn the direction of a line around. */
const hidden = /[^\P{Cc}\t\n\r]|\r(?!\n)|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu

const whyNoContent = (content: string, before: string): string | undefined => {
  if (content.includes(placeholder)) return `it holds ${placeholder}, where something was taken out`
  // Whoever approves it must have seen all of it.
  if (conceal(content) !== content) return "it holds what looks like a secret, which is not shown"
  const known = new Set(before.match(hidden))
  if (content.match(hidden)?.some((sign) => !known.has(sign)) === true) {
    return "it holds signs that a screen does not show, and that the file does not have"
  }
  if (/[\0\ufffd\p{Cs}]/u.test(content)) return "it is no whole text"
  return Buffer.byteLength(content) > MAX_FILE ? "it is longer than 64 KiB" : undefined
}

/** How long a supervisor may take to say which files a job has. */
const PATIENCE = Duration.seconds(30)

/** What the supervisor calls a file of a job, by whatever path, or why it does not name it. */
const rolesOf = (
  supervisor: Rules["supervisor"],
  job: string,
  target: string
): Effect.Effect<{ readonly roles: ReadonlyArray<FileRole> } | { readonly problem: string }> =>
  Effect.gen(function* () {
    const info = (yield* supervisor.jobs).find(({ id }) => id === job)
    if (info === undefined) return { problem: `the supervisor has no job named ${job}` }
    const { files } = yield* supervisor.evidence(info, EvidenceScope.Failure({ runId: null, limit: 1 }))
    if (!files.some(({ path }) => path === target)) {
      return { problem: `the supervisor does not name the file for ${job}` }
    }
    // A link may have another role than what it leads to.
    const real = realPath(target)
    return { roles: files.filter(({ path }) => realPath(path) === real).map(({ role }) => role) }
  }).pipe(
    Effect.disconnect,
    Effect.timeoutFail({
      duration: PATIENCE,
      onTimeout: () => ({ detail: `it has not answered within ${Duration.format(PATIENCE)}` })
    }),
    Effect.interruptible,
    Effect.catchAll(({ detail }) =>
      Effect.succeed({ problem: `the supervisor does not say which files ${job} has: ${detail}` })
    )
  )

/** Without links. The file itself need not be there. */
const resolved = (target: string): { readonly real: string } | { readonly problem: string } => {
  if (!isAbsolute(target) || target.includes("\0")) return { problem: "its path is not absolute" }
  try {
    return { real: realpathSync.native(target) }
  } catch {
    try {
      return { real: join(realpathSync.native(dirname(target)), basename(target)) }
    } catch (error) {
      return { problem: problemOf(error) }
    }
  }
}

const whyOutside = (roots: ReadonlyArray<string>, path: string): string | undefined => {
  if (roots.length === 0) return "nothing may be changed: name a folder in suggestions.allowedRoots"
  return roots.some((root) => isWithin(root, path) && root !== path)
    ? undefined
    : `it is, without links, ${path}, and in none of suggestions.allowedRoots`
}

const openPlace = (path: string) =>
  Effect.gen(function* () {
    const folder = yield* openFolder(dirname(path))
    const name = basename(path)
    return { folder, name, file: yield* openFile(folder, name, MAX_FILE) }
  })

const OTHERS = 0o022n

const STICKY = 0o1000n

/**
 * Within a root nobody else may write to a folder; above it, somebody who can put a folder in the place of another can write everywhere below.
 */
const whyOthersWrite = ({ above }: OpenFolder, roots: ReadonlyArray<string>): string | undefined => {
  const own = BigInt(process.getuid?.() ?? -1)
  const bad = above.find(({ path, stat: { mode, uid } }) => {
    if (uid !== 0n && uid !== own) return true
    if ((mode & OTHERS) === 0n) return false
    return roots.some((root) => isWithin(root, path)) || (mode & STICKY) === 0n
  })
  return (
    bad && `others than this user and root can write to ${bad.path}: take that away (chmod go-w), or its owner (chown)`
  )
}

const SET_ID = 0o6000n

const whyNoRegularFile = ({ stat }: OpenFile): string | undefined => {
  if (!stat.isFile()) return "it is no regular file"
  if (stat.nlink !== 1n) return `it has ${stat.nlink} names (hard links), and the others would keep the old content`
  return (stat.mode & SET_ID) === 0n ? undefined : "it runs as its owner or group (set-uid)"
}

const whyOtherOwner = ({ stat: { gid, uid } }: OpenFile): string | undefined => {
  const own = process.getuid?.()
  if (own === 0) return undefined
  if (Number(uid) !== own) return "it belongs to another user, and would belong to this one afterwards"
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])]
  return groups.includes(Number(gid)) ? undefined : "it belongs to a group that this user is not in"
}

const NO_TEXT = "it is no text in UTF-8 of at most 64 KiB"

/** The same bytes again when it is encoded; `undefined` if it is no text. */
const textOf = (bytes: Uint8Array): string | undefined => {
  if (bytes.length > MAX_FILE || bytes.includes(0)) return undefined
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const whyNotShown = (text: string | null): string | undefined =>
  text === null || conceal(text) === text
    ? undefined
    : "it holds what looks like a secret, and its original would be kept: move that into the environment"
