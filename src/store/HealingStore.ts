/**
 * Where requests and their reviews are kept.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HealingStoreError } from "../HealingError.js"
import type { Journal } from "./Journal.js"
import * as MemoryStore from "./MemoryStore.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteMove from "./SqliteMove.js"
import * as SqliteVersions from "./SqliteVersions.js"
import { inClient } from "./SqlProblem.js"
import * as SqlStore from "./SqlStore.js"

/**
 * Where requests, reviews and occurrences are kept. One process owns a store at a time. Times are milliseconds since 1970.
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingStore extends Context.Tag("effect-healing/HealingStore")<HealingStore, Journal>() {
  /**
   * A store in memory: for tests, and for apps whose requests need not survive them.
   *
   * @since 0.1.0
   */
  static readonly layerMemory: Layer.Layer<HealingStore> = Layer.sync(this, () => MemoryStore.make())

  /**
   * A store in the database of a client of your own: of SQLite, or of PostgreSQL 13 and newer (`@effect/sql-pg`). Its tables begin with
   * `healing_`, and are in the first schema of the search path. That no other process works on them at the same time, and that a commit
   * survives a power cut, is up to you. Inside of a transaction of that client nothing may be asked of the queue: it would wait for the end
   * of that. It fails with the reason `Unsupported` for any other database.
   *
   * PostgreSQL: whoever opens the store last owns it. Nothing that another process commits lands from then on; that one is told so at its next
   * commit, and within a second of a review if it can reach the database (`Owned`). If the process before has not closed its store, the new one waits for three seconds. Each commit is one transaction, which the server ends if this process stands still in it for 10 seconds. If the connection is
   * lost while a commit is on its way, the store asks the server for a minute whether it was written; if it cannot be told, the
   * queue stops with the reason `InDoubt`.
   *
   * A client of `@effect/sql-sqlite-node` 0.53 comes with better-sqlite3 12, which aborts the process on Node 24.19 and later 24s.
   * The layer refuses it there (`Unsupported`), and says how to get 13.
   *
   * @since 0.1.0
   */
  static readonly layerSql: Layer.Layer<HealingStore, HealingStoreError, SqlClient> = Layer.scoped(
    this,
    Effect.zipRight(SqliteVersions.checkClient, SqlStore.make(inClient))
  )

  /**
   * Moves all that a SQLite file of `layerSqlite` has into the PostgreSQL database of the client, whose tables have to be empty, in one
   * transaction. Returns how many rows there were. The file is left as it was, but for a mark: whoever opens it later is told where its
   * content is (`Moved`). It fails if a process uses the file (`Owned`) or the database, or if something in the file does not fit (`Unavailable`,
   * with the row, or the rows of which it is one); nothing was moved then. An error says so if the mark alone could not be written. The command `effect-healing move` does the same.
   *
   * - `filename`: the path of the file.
   *
   * @since 0.1.0
   */
  static readonly moveSqlite: (
    filename: string
  ) => Effect.Effect<number, HealingStoreError, SqlClient | FileSystem | Path> = SqliteMove.move

  /**
   * A store in a SQLite file, which is made with its folders if it is not there; `:memory:` for none. Commits survive a power cut
   * (`synchronous = FULL`). One process at a time owns the file, by a lock on a second file beside it, `<filename>-owner`,
   * and others may read it meanwhile. The lock ends with its process, however that ends.
   *
   * Who reads the file within the same process, by a client of `@effect/sql-sqlite-node`, says `readonly: true, disableWAL: true`:
   * with two copies of SQLite in one process, the other one would remove the log of the last commits when it closes.
   *
   * @since 0.1.0
   */
  static readonly layerSqlite = (filename: string): Layer.Layer<HealingStore, HealingStoreError, FileSystem | Path> =>
    Layer.scoped(
      this,
      Effect.map(SqliteFile.open(filename), ({ store }) => store)
    )
}
