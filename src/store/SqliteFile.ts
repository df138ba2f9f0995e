/**
 * A store in a SQLite file of our own: made if it is not there, safe from power cuts, and owned by one process at a time.
 *
 * @internal
 */
import { statSync } from "node:fs"
import * as Reactivity from "@effect/experimental/Reactivity"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { flow } from "effect/Function"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import type * as Scope from "effect/Scope"
import { HealingStoreError, isForGood } from "../HealingError.js"
import { inWords } from "../internal/FileProblem.js"
import * as SafeLog from "../internal/SafeLog.js"
import { mayNotWrite, nameProcess } from "./FileTrouble.js"
import type { Journal } from "./Journal.js"
import * as SqlBackup from "./SqlBackup.js"
import { BUSY_TIMEOUT, connect } from "./SqliteConnection.js"
import type { SqliteIdentity } from "./SqliteIdentity.js"
import * as SqliteOwner from "./SqliteOwner.js"
import * as SqliteUpkeep from "./SqliteUpkeep.js"
import { inFile, inMemory, storeError } from "./SqlProblem.js"
import * as SqlStore from "./SqlStore.js"

/** Returns the name that the file has without links, so that it has one owner under all of its names. */
const makeRoom = (filename: string): Effect.Effect<string, HealingStoreError, FileSystem | Path> =>
  Effect.gen(function* () {
    if (filename === "" || filename.includes("\0")) {
      const what = filename === "" ? "no name" : "a NUL character in its name"
      return yield* new HealingStoreError({
        reason: "Unavailable",
        detail: `The file of healing requests has ${what}: name one, or ":memory:" to keep them nowhere`
      })
    }
    const fileSystem = yield* FileSystem
    const path = yield* Path
    yield* fileSystem.makeDirectory(path.dirname(filename), { recursive: true })
    const type = yield* Effect.option(fileSystem.stat(filename))
    if (type._tag === "Some" && type.value.type !== "File") {
      return yield* new HealingStoreError({
        reason: "NotADatabase",
        detail: `${filename} is a ${inWords(type.value.type)}: name a file`
      })
    }
    if (type._tag === "None") return filename
    // This is checked before SQLite looks at it: SQLite would leave files beside it that may only be read, too, and stay in the way.
    yield* Effect.mapError(
      fileSystem.access(filename, { writable: true }),
      (cause) =>
        new HealingStoreError({
          reason: "ReadOnly",
          detail: `${filename} may only be read: ${mayNotWrite(filename) ?? "let this process write it and its folder"}`,
          cause
        })
    )
    return yield* fileSystem.realPath(filename)
  }).pipe(
    Effect.catchTags({
      BadArgument: (error) => Effect.fail(storeError(inFile(filename), "cannot be opened", error)),
      SystemError: (error) =>
        new HealingStoreError({
          reason: error.reason === "PermissionDenied" ? "ReadOnly" : "Unavailable",
          detail:
            error.reason === "AlreadyExists"
              ? `${filename} cannot be opened: a part of its path is a file, and no folder. Name another path`
              : `The folder of ${filename} cannot be made or read (${inWords(error.reason)}): name one that this process can write`,
          cause: error
        })
    })
  )

/**
 * The store, together with its connection.
 *
 * @internal
 */
export interface SqliteFile {
  readonly store: Journal
  readonly sql: SqlClient
}

/**
 * What opening needs.
 *
 * @internal
 */
export type Needs = FileSystem | Path | Scope.Scope

const storeOver = (sql: SqlClient, place: Parameters<typeof SqlStore.make>[0]) =>
  Effect.provideService(SqlStore.make(place), SqlClient, sql)

const openMemory: Effect.Effect<SqliteFile, HealingStoreError, Scope.Scope | Reactivity.Reactivity> = Effect.gen(
  function* () {
    const sql = yield* connect(inMemory, { filename: ":memory:" })
    return { sql, store: yield* storeOver(sql, inMemory) }
  }
)

const openFile = Effect.fnUntraced(function* (name: string) {
  const file = yield* makeRoom(name)
  const owner = yield* SqliteOwner.make(file)
  const sql = yield* connect(inFile(file), { filename: file })
  const set = Effect.gen(function* () {
    yield* sql`PRAGMA synchronous = FULL`
    yield* sql.unsafe(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
    yield* SqliteUpkeep.prepare(sql)
    return yield* owner.claim(sql)
  })
  const opened = Effect.mapError((error: unknown) => storeError(inFile(file), "cannot be opened", error))
  const former = yield* opened(set)
  if (former !== undefined) {
    yield* SafeLog.warn(leftBy(file, former))
    yield* Effect.sleep(UNTIL_NOTICED)
  }
  const store = yield* storeOver(sql, inFile(file))
  yield* opened(owner.fence(sql))
  const identity = yield* opened(SqliteUpkeep.identify(sql, file))
  const check = checkOf(file, owner, identity)
  yield* Effect.addFinalizer(() =>
    Effect.catchAllCause(Effect.zipRight(check.before, owner.disown(sql)), () => Effect.void)
  )
  const upkeep = yield* opened(SqliteUpkeep.make(sql, identity, check.now))
  return { sql, store: { ...guarded(store, check, upkeep), file, backup: backupOf(sql, file), sizes: sizesOf(file) } }
})

/** A copy has no owner, and no mark: should it be put in the place of a file that is in use, that is seen. */
const backupOf =
  (sql: SqlClient, file: string): Journal["backup"] =>
  (path) => {
    const disown = (copy: string) =>
      connect(inFile(copy), { filename: copy, disableWAL: true }).pipe(
        Effect.flatMap((sql) => Effect.zipRight(sql`DELETE FROM healing_owner`, sql`PRAGMA user_version = 0`)),
        Effect.mapError((error) => storeError(inFile(path), "cannot be written", error)),
        Effect.scoped,
        Effect.provide(Reactivity.layer)
      )
    return SqlBackup.make(sql, inFile(file), path, disown)
  }

const sizesOf = (file: string): Journal["sizes"] =>
  Effect.sync(() => {
    const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0
    return Option.some({ database: sizeOf(file), log: sizeOf(`${file}-wal`) })
  })

/** A process that lost the file looks each second while it reviews something, and ends that then. */
const UNTIL_NOTICED = Duration.seconds(3)

const leftBy = (file: string, pid: number): string =>
  `${nameProcess(pid)} has used ${file} until now, and lives: somebody has removed ${SqliteOwner.lockFileOf(file)}, which kept the file for it. ` +
  "It ends its reviews now, for which this process waits. Stop one of the two"

const lockedAnew = (file: string): string => {
  const lockFile = SqliteOwner.lockFileOf(file)
  return `${lockFile} was removed while this process used it, and is locked anew. Leave it there: its lock ends with the process`
}

/**
 * Whether the file is still this one, and this process its owner. Once it is not, it never is again: the reason is `Owned` or `Replaced`
 * then. Any other reason says that the lock could not be kept now, which may be mended.
 *
 * - `now`: looks, which takes some microseconds.
 * - `before`: what is known before something is written: it looks only if the last look could not tell.
 * - `after`: looks after something was written. That stands, unless the file is not this one or not ours.
 */
interface Check {
  readonly now: Effect.Effect<void, HealingStoreError>
  readonly before: Effect.Effect<void, HealingStoreError>
  readonly after: Effect.Effect<void, HealingStoreError>
  readonly lost: (error: HealingStoreError) => Effect.Effect<never, HealingStoreError>
}

const checkOf = (file: string, owner: SqliteOwner.SqliteOwner, identity: SqliteIdentity): Check => {
  let isLost: HealingStoreError | undefined
  let isUncertain = false

  /** What others have said of it, with who owns it by now. */
  const lost = (error: HealingStoreError): Effect.Effect<never, HealingStoreError> =>
    error.reason !== "Owned"
      ? Effect.fail(error)
      : Effect.flatMap(SqliteOwner.lost(file), (why) => {
          isLost ??= why
          return Effect.fail(isLost)
        })

  // Another owner changes the file, too: so who owns it is asked before whether it was overwritten.
  const now = Effect.suspend(() => isLost ?? identity.elsewhere ?? owner.keep).pipe(
    Effect.flatMap((wasRemoved) => (wasRemoved ? SafeLog.warn(lockedAnew(file)) : Effect.void)),
    Effect.zipRight(Effect.suspend(() => identity.overwritten ?? Effect.void)),
    Effect.catchAll(lost),
    Effect.onExit((exit) =>
      Effect.sync(() => {
        isUncertain = Exit.isFailure(exit)
      })
    )
  )
  return {
    now,
    before: Effect.suspend(() => isLost ?? identity.known ?? (isUncertain ? now : Effect.void)),
    after: Effect.catchIf(
      now,
      (error) => !isForGood(error),
      () => Effect.void
    ),
    lost
  }
}

/**
 * What was written into a file that is no longer this one is not acknowledged, and nothing is written after that. There is one look for
 * each commit, before anybody hears of it: the owner is checked by the statements themselves.
 */
const guarded = (store: Journal, check: Check, upkeep: SqliteUpkeep.SqliteUpkeep): Journal => {
  const guard = <A>(write: Effect.Effect<A, HealingStoreError>) =>
    check.before.pipe(
      Effect.zipRight(Effect.catchAll(write, check.lost)),
      Effect.zipLeft(check.after),
      Effect.uninterruptible
    )

  const pruning =
    (prune: Journal["prune"]): Journal["prune"] =>
    (endedBefore, limit) =>
      Effect.tap(guard(prune(endedBefore, limit)), (removed) => upkeep.committed(removed))

  return {
    ...store,
    check: check.after,
    commit: (changes) => Effect.zipRight(guard(store.commit(changes)), upkeep.committed(changes.length)),
    prune: pruning(store.prune),
    suggestions: { ...store.suggestions, prune: pruning(store.suggestions.prune) }
  }
}

const untraced = Effect.withTracerEnabled(false)

type Asked = Effect.Effect<void, HealingStoreError>

const isAsked = (member: unknown): member is Asked => Effect.isEffect(member)

/** No member of it makes a span. */
const quiet = <A extends object>(members: A): A =>
  // Each member keeps its type, and a function of a journal returns an effect.
  Record.map(members as Record<string, unknown>, (member) => {
    if (isAsked(member)) return untraced(member)
    return typeof member === "function" ? flow(member as (...args: ReadonlyArray<unknown>) => Asked, untraced) : member
  }) as A

/** Most statements are of background work, where each would be a trace of its own. A commit has none. */
const withoutSpans = (store: Journal): Journal => ({
  ...quiet(store),
  commit: store.commit,
  suggestions: quiet(store.suggestions),
  notices: quiet(store.notices)
})

/**
 * Opens the file for as long as the scope is open. `:memory:` is one that nobody sees.
 *
 * @internal
 */
export const open = (filename: string): Effect.Effect<SqliteFile, HealingStoreError, Needs> => {
  // The driver takes it without the spaces around it, too, and without a name keeps everything in a file that it removes.
  const name = filename.trim()
  const opened: Effect.Effect<SqliteFile, HealingStoreError, Needs | Reactivity.Reactivity> =
    name === ":memory:" ? openMemory : openFile(name)
  return opened.pipe(
    Effect.map(({ sql, store }) => ({ sql, store: withoutSpans(store) })),
    untraced,
    Effect.provide(Reactivity.layer)
  )
}
