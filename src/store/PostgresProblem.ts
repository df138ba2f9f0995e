/**
 * What goes wrong in a PostgreSQL database, in words.
 *
 * @internal
 */
import type { HealingStoreError } from "../HealingError.js"

/**
 * What is said of trouble that may pass.
 *
 * @internal
 */
export const GOES_ON = "this process tries again, and goes on by itself"

const Unreachable = `the server cannot be reached: see whether it runs, and whether the client names its address; ${GOES_ON}`

/**
 * By the codes that the server gives its errors, or the beginnings of them, and by those of the network. The longest that fits comes first.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 *
 * @internal
 */
export const reasons: ReadonlyArray<readonly [code: string, reason: HealingStoreError["reason"], why: string]> = [
  ["53100", "Full", `the disk of the server is full: free some room; ${GOES_ON}`],
  [
    "53300",
    "Unavailable",
    `the server has no connection left (max_connections): let the clients take fewer; ${GOES_ON}`
  ],
  [
    "53",
    "Unavailable",
    `the server has too little of something (memory, or a limit of its own): see its log; ${GOES_ON}`
  ],
  ["25006", "ReadOnly", "the server only lets read: it is a standby, or set to be read only. Name the primary"],
  [
    "42501",
    "ReadOnly",
    "the role of the client may not do this: GRANT it its schema and the tables healing_*, or make it their owner"
  ],
  ["28", "Unavailable", "the server refuses the user or the password of the client"],
  ["3D000", "Unavailable", "there is no such database: create it (createdb)"],
  ["3F000", "Unavailable", "there is no such schema, or the search_path of the client is empty: create it"],
  ["55P03", "Unavailable", `another program holds the tables locked: end its transaction; ${GOES_ON}`],
  [
    "57014",
    "Unavailable",
    `the server has cancelled the statement, as statement_timeout says or somebody wished; ${GOES_ON}`
  ],
  [
    "25P03",
    "Unavailable",
    `this process stood still in the middle of a transaction, which the server has ended; ${GOES_ON}`
  ],
  ["57P", "Unavailable", `the server starts, or shuts down; ${GOES_ON}`],
  ["40", "Unavailable", `the server has ended the transaction for the sake of another one; ${GOES_ON}`],
  ["58", "Unavailable", `the server has trouble with its files: see its log; ${GOES_ON}`],
  ["XX001", "NotADatabase", "the server finds the data damaged: stop this process, and restore the last backup"],
  [
    "XX002",
    "NotADatabase",
    "the server finds an index damaged: stop this process, and run REINDEX on the tables healing_*"
  ],
  ["08", "Unavailable", Unreachable],
  ["ECONN", "Unavailable", Unreachable],
  ["EHOSTUNREACH", "Unavailable", Unreachable],
  ["ENETUNREACH", "Unavailable", Unreachable],
  ["ENOTFOUND", "Unavailable", Unreachable],
  ["EAI_AGAIN", "Unavailable", Unreachable],
  ["ETIMEDOUT", "Unavailable", Unreachable],
  ["EPIPE", "Unavailable", Unreachable],
  [
    "22",
    "Unavailable",
    "the server refuses a value: somebody else has changed the tables, or this is a bug of effect-healing"
  ]
]

/**
 * What the driver says without a code when a connection ends.
 *
 * @internal
 */
export const isDisconnect = (message: string): boolean =>
  /^(?:Connection terminated|timeout e|Query read timeout|Client (?:was closed|has encountered))/.test(message)

/**
 * Whether a row that is there already is in the way.
 *
 * @internal
 */
export const isConstraint = (code: string): boolean => code === "23505"

/**
 * The error of the server without what it tells of the values in rows.
 *
 * @internal
 */
export const withoutValues = (code: string, message: string): Error =>
  Object.assign(new Error(code.startsWith("22") ? "a value was refused" : message), { code })
