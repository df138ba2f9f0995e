/**
 * Tokens for those who come over TCP: a file each, whose name is the label, and whose content is the token. What is removed there does not
 * count any more from that moment on.
 *
 * @since 0.1.0
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { HealingInvalid } from "../HealingError.js"
import { fileProblem } from "../internal/FileProblem.js"
import * as SafeLog from "../internal/SafeLog.js"

/**
 * A token. The first part of its text says what it is good for.
 *
 * - `label`: 1 to 64 letters, digits, dots, hyphens and underscores; the first one is a letter or a digit.
 * - `rights`: `all`, or `read` only.
 *
 * @since 0.1.0
 * @category models
 */
export interface Token {
  readonly label: string
  readonly rights: "all" | "read"
  readonly token: Redacted.Redacted
}

/** What a token looks like: 256 bits, in the alphabet of URLs. */
const TOKEN = /^healing_(all|read)_[\w-]{43}$/

const LABEL = /^[a-zA-Z0-9][\w.-]{0,63}$/

/** There may be so many. */
const MAX_TOKENS = 100

const wrong = (path: string, message: string) => new HealingInvalid({ issues: [{ path, message }] })

const unwritten = (error: PlatformError) => wrong("token", `it could not be written: ${fileProblem(error)}`)

const parse = (label: string, content: string): Option.Option<Token> => {
  const text = content.trim()
  const [, rights] = TOKEN.exec(text) ?? []
  return rights === "all" || rights === "read"
    ? Option.some({ label, rights, token: Redacted.make(text) })
    : Option.none()
}

const generate = (rights: Token["rights"]): Effect.Effect<string> =>
  Effect.sync(() => `healing_${rights}_${randomBytes(32).toString("base64url")}`)

/**
 * Makes a token, and answers with the path of its file. It fails with `HealingInvalid` if the label is no label, if there is one with that
 * label, or if it cannot be written.
 *
 * @internal
 */
export const make = (folder: string, { label, rights }: Pick<Token, "label" | "rights">) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    if (!LABEL.test(label))
      return yield* wrong(
        "label",
        "expected 1 to 64 letters, digits, dots, hyphens and underscores, of which the first is a letter or a digit"
      )
    yield* Effect.mapError(fs.makeDirectory(folder, { recursive: true, mode: 0o700 }), unwritten)
    const others = yield* Effect.mapError(fs.readDirectory(folder), unwritten)
    if (others.length >= MAX_TOKENS) return yield* wrong("label", `there are ${others.length} tokens: revoke one first`)
    const file = (yield* Path).join(folder, label)
    const write = fs.writeFileString(file, `${yield* generate(rights)}\n`, { mode: 0o600, flag: "wx" })
    yield* Effect.mapError(write, (error) =>
      error._tag === "SystemError" && error.reason === "AlreadyExists"
        ? wrong("label", "there is a token with this label: rotate it, or take another label")
        : unwritten(error)
    )
    return file
  })

const isLabel = (label: string): Effect.Effect<void, HealingInvalid> =>
  LABEL.test(label) ? Effect.void : wrong("label", "expected the label of a token")

/**
 * Puts another token in the place of this one, which does not count from then on. Answers with the path of its file. It fails with
 * `HealingInvalid` if no token has that label.
 *
 * @internal
 */
export const rotate = (folder: string, label: string) =>
  Effect.gen(function* () {
    yield* isLabel(label)
    const found = (yield* Effect.mapError(all(folder), unwritten)).find((token) => token.label === label)
    if (found === undefined) return yield* wrong("label", "there is no token with this label")
    const fs = yield* FileSystem
    const path = yield* Path
    const file = path.join(folder, label)
    // Its name is no label, so it does not count before it has its place.
    const draft = path.join(folder, `.${label}`)
    const write = fs.writeFileString(draft, `${yield* generate(found.rights)}\n`, { mode: 0o600 })
    yield* Effect.mapError(Effect.zipRight(write, fs.rename(draft, file)), unwritten)
    return file
  })

/**
 * Removes a token, which does not count from then on. It fails with `HealingInvalid` if no token has that label.
 *
 * @internal
 */
export const revoke = (folder: string, label: string) =>
  Effect.gen(function* () {
    yield* isLabel(label)
    const file = (yield* Path).join(folder, label)
    yield* Effect.mapError((yield* FileSystem).remove(file), (error) =>
      error._tag === "SystemError" && error.reason === "NotFound"
        ? wrong("label", "there is no token with this label")
        : wrong("token", `it could not be removed: ${fileProblem(error)}`)
    )
  })

/**
 * Those that count. A file that others may read, or that is no token, is left out; `warn` gets its label, and why. It fails if they cannot be
 * read at all.
 *
 * @internal
 */
export const all = (folder: string, warn: (label: string, why: string) => Effect.Effect<void> = () => Effect.void) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const names = (yield* fs.exists(folder)) ? yield* fs.readDirectory(folder) : []
    const labels = names.filter((name) => LABEL.test(name)).slice(0, MAX_TOKENS)
    const found = yield* Effect.forEach(labels, (label) => read(folder, label, warn))
    return found.flatMap(Option.toArray)
  })

const read = (folder: string, label: string, warn: (label: string, why: string) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const file = (yield* Path).join(folder, label)
    const { mode, type, uid } = yield* fs.stat(file)
    const isOurs = Option.match(uid, { onNone: () => true, onSome: (uid) => uid === process.getuid?.() })
    if (type !== "File" || (mode & 0o077) !== 0 || !isOurs) {
      yield* warn(label, `others may read it, or have written it: chmod 600 ${file}`)
      return Option.none<Token>()
    }
    const token = parse(label, yield* fs.readFileString(file))
    if (Option.isNone(token)) yield* warn(label, `${file} holds no token: remove it, and make another one`)
    return token
  }).pipe(
    // It was revoked meanwhile.
    Effect.catchIf(
      (error) => error._tag === "SystemError" && error.reason === "NotFound",
      () => Effect.succeed(Option.none<Token>())
    )
  )

/**
 * The same, again and again, with one warning for each file. While they cannot be read, those count that did before.
 *
 * @internal
 */
export const reader = (folder: string) => {
  const warned = new Set<string>()
  let last: ReadonlyArray<Token> = []
  const warn = (label: string, why: string) => {
    if (warned.has(label) || warned.size >= MAX_TOKENS) return Effect.void
    warned.add(label)
    return SafeLog.warn(`The token ${label} does not count: ${why}`)
  }
  return all(folder, warn).pipe(
    Effect.tap((tokens) =>
      Effect.sync(() => {
        last = tokens
      })
    ),
    Effect.orElseSucceed(() => last)
  )
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/**
 * The token that this is, if it is one of these. It takes the same time whichever it is, and however much of it is right.
 *
 * @internal
 */
export const find = (tokens: ReadonlyArray<Token>, given: Redacted.Redacted): Option.Option<Token> => {
  const wanted = digest(Redacted.value(given))
  return tokens.reduce<Option.Option<Token>>(
    (found, one) => (timingSafeEqual(digest(Redacted.value(one.token)), wanted) ? Option.some(one) : found),
    Option.none()
  )
}
