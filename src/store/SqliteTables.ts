/**
 * The tables of the store in SQLite, from the first version on.
 *
 * @internal
 */
import type { ResolvedMigration } from "@effect/sql/Migrator"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const requests = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_requests (
    number INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    priority REAL NOT NULL,
    triggers TEXT NOT NULL,
    automatic INTEGER NOT NULL,
    run_id TEXT,
    note TEXT,
    callers_only INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    not_before INTEGER,
    wait_until INTEGER,
    attempts INTEGER NOT NULL,
    starts TEXT NOT NULL,
    last_start INTEGER,
    ended_at INTEGER,
    reason TEXT,
    coalesced_into TEXT,
    report TEXT
  )`
  yield* sql`CREATE UNIQUE INDEX healing_one_pending ON healing_requests (job) WHERE state = 'pending'`
  yield* sql`CREATE UNIQUE INDEX healing_one_running ON healing_requests (job) WHERE state = 'running'`
  yield* sql`CREATE INDEX healing_pending ON healing_requests (number) WHERE state = 'pending'`
  yield* sql`CREATE INDEX healing_completed ON healing_requests (ended_at, job) WHERE state = 'completed'`
  yield* sql`CREATE INDEX healing_automatic ON healing_requests (last_start) WHERE automatic = 1 AND last_start IS NOT NULL`
  yield* sql`CREATE INDEX healing_history ON healing_requests (ended_at, number) WHERE ended_at IS NOT NULL`
  yield* sql`CREATE INDEX healing_job_history ON healing_requests (job, ended_at, number) WHERE ended_at IS NOT NULL`
  yield* sql`CREATE TABLE healing_queue (
    id INTEGER PRIMARY KEY,
    paused INTEGER NOT NULL,
    rate_limited_until INTEGER,
    rate_limits INTEGER NOT NULL
  )`
})

const scheduling = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_occurrences (
    number INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    first INTEGER NOT NULL,
    at INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    request INTEGER,
    reason TEXT
  )`
  yield* sql`CREATE INDEX healing_occurrences_of_job ON healing_occurrences (job, number)`
  yield* sql`CREATE INDEX healing_occurrences_by_time ON healing_occurrences (at)`
  yield* sql`ALTER TABLE healing_requests ADD COLUMN cooldown INTEGER`
  yield* sql`ALTER TABLE healing_requests ADD COLUMN signatures TEXT`
  yield* sql`CREATE INDEX healing_explained ON healing_requests (job, signatures)
    WHERE state = 'completed' AND signatures IS NOT NULL`
})

const suggestions = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_suggestions (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    job TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    suggestion TEXT NOT NULL,
    signatures TEXT NOT NULL,
    is_old INTEGER NOT NULL,
    state TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER,
    warned_at INTEGER,
    "by" TEXT NOT NULL,
    reason TEXT,
    superseded_by TEXT,
    target_file TEXT,
    due_at INTEGER
  )`
  yield* sql`CREATE UNIQUE INDEX healing_suggestions_in_order ON healing_suggestions (request DESC, position)`
  yield* sql`CREATE INDEX healing_suggestions_of_job ON healing_suggestions (job, request DESC, position)`
  yield* sql`CREATE INDEX healing_suggestions_by_state ON healing_suggestions (state, request DESC, position)`
  yield* sql`CREATE INDEX healing_suggestions_for_file ON healing_suggestions (job, target_file, state, request DESC, position)`
  yield* sql`CREATE INDEX healing_suggestions_due ON healing_suggestions (due_at) WHERE due_at IS NOT NULL`
  yield* sql`CREATE INDEX healing_suggestions_ended ON healing_suggestions (changed_at) WHERE expires_at IS NULL`
  yield* sql`CREATE INDEX healing_suggestions_superseded ON healing_suggestions (superseded_by)
    WHERE superseded_by IS NOT NULL`
  yield* sql`CREATE TABLE healing_suggestion_steps (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    "from" TEXT,
    "to" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    reason TEXT
  )`
  yield* sql`CREATE INDEX healing_suggestion_steps_of ON healing_suggestion_steps (id, number)`
  yield* adoptOld
})

/**
 * Suggestions of reviews that are there already can be decided on for 14 days from their review, unless a newer one is for the same file. All
 * of them are written in a few passes: there may be hundreds of thousands.
 */
const adoptOld = Effect.gen(function* () {
  const sql = yield* SqlClient
  const now = yield* Clock.currentTimeMillis
  const term = 14 * 86_400_000
  const by = JSON.stringify({ who: "effect-healing", door: "review" })
  const byClock = JSON.stringify({ who: "effect-healing", door: "clock" })
  const report = sql`CASE WHEN json_valid(report) THEN report ELSE '{}' END`
  yield* sql`INSERT OR IGNORE INTO healing_suggestions (request, position, job, proposed_at, suggestion, signatures, is_old, state,
      changed_at, expires_at, "by", target_file, due_at)
    SELECT number, one.key + 1, job, ended_at, one.value, COALESCE(signatures, '[]'), 1, 'pending',
      ended_at, ended_at + ${term}, ${by}, json_extract(one.value, '$.targetFile'), ended_at + ${term}
    FROM healing_requests, json_each(${report}, '$.suggestions') AS one
    WHERE state = 'completed' AND ended_at IS NOT NULL AND json_type(${report}, '$.suggestions') = 'array'
      AND one.type = 'object'`
  yield* sql`INSERT INTO healing_suggestion_steps (id, at, "to", "by")
    SELECT 'suggestion:' || job || ':' || request || '.' || position, proposed_at, 'pending', ${by}
    FROM healing_suggestions ORDER BY request, position`
  // The first of the newer ones, of which no review has a thousand.
  yield* sql`CREATE TEMP TABLE healing_newer AS
    SELECT request, position, MIN(CASE WHEN json_extract(suggestion, '$.proposedContent') IS NOT NULL
        THEN request * 1000 + position END)
      OVER (PARTITION BY job, target_file ORDER BY request RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS newer
    FROM healing_suggestions WHERE target_file IS NOT NULL`
  yield* sql`UPDATE healing_suggestions SET state = 'superseded', expires_at = NULL, due_at = NULL,
      changed_at = other.proposed_at,
      superseded_by = 'suggestion:' || other.job || ':' || other.request || '.' || other.position
    FROM temp.healing_newer AS found JOIN healing_suggestions AS other
      ON other.request = found.newer / 1000 AND other.position = found.newer % 1000
    WHERE found.newer IS NOT NULL AND found.request = healing_suggestions.request
      AND found.position = healing_suggestions.position`
  yield* sql`DROP TABLE temp.healing_newer`
  yield* sql`UPDATE healing_suggestions SET state = 'expired', changed_at = expires_at, expires_at = NULL, due_at = NULL, "by" = ${byClock},
      reason = 'nobody has decided on it in time'
    WHERE state = 'pending' AND expires_at <= ${now}`
  yield* sql`INSERT INTO healing_suggestion_steps (id, at, "from", "to", "by", reason)
    SELECT 'suggestion:' || job || ':' || request || '.' || position, changed_at, 'pending', state, "by", reason
    FROM healing_suggestions WHERE state <> 'pending' ORDER BY request, position`
})

const applications = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`ALTER TABLE healing_suggestions ADD COLUMN approval TEXT`
  yield* sql`ALTER TABLE healing_suggestions ADD COLUMN watch TEXT`
  yield* sql`ALTER TABLE healing_suggestion_steps ADD COLUMN approval TEXT`
  yield* sql`CREATE TABLE healing_applications (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    original TEXT,
    mode INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    intent TEXT,
    temporary TEXT
  )`
  yield* sql`CREATE UNIQUE INDEX healing_applications_of ON healing_applications (request, position)`
  yield* sql`CREATE INDEX healing_applications_unfinished ON healing_applications (request DESC, position)
    WHERE intent IS NOT NULL`
  yield* sql`CREATE TABLE healing_suggestion_stop (at INTEGER NOT NULL, "by" TEXT NOT NULL, reason TEXT)`
})

const automaticChanges = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_automatic_changes (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    lead INTEGER NOT NULL,
    job TEXT NOT NULL,
    rule TEXT NOT NULL,
    at INTEGER NOT NULL,
    locked_at INTEGER
  )`
  yield* sql`CREATE UNIQUE INDEX healing_automatic_changes_of ON healing_automatic_changes (request, position)`
  yield* sql`CREATE INDEX healing_automatic_changes_by_time ON healing_automatic_changes (at)`
  yield* sql`CREATE INDEX healing_automatic_locks ON healing_automatic_changes (locked_at DESC, request DESC, position)
    WHERE locked_at IS NOT NULL`
})

const notices = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_outbox (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    request INTEGER NOT NULL,
    position INTEGER,
    "from" TEXT,
    "to" TEXT NOT NULL,
    door TEXT
  )`
  yield* sql`CREATE TABLE healing_notices (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    job TEXT NOT NULL,
    kind TEXT NOT NULL,
    is_urgent INTEGER NOT NULL,
    is_counted INTEGER NOT NULL,
    notice TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_try INTEGER,
    ended_at INTEGER,
    reason TEXT
  )`
  yield* sql`CREATE INDEX healing_notices_pending ON healing_notices (channel, number) WHERE state = 'pending'`
  yield* sql`CREATE INDEX healing_notices_urgent ON healing_notices (channel, number)
    WHERE state = 'pending' AND is_urgent = 1`
  yield* sql`CREATE INDEX healing_notices_counted ON healing_notices (channel, created_at) WHERE is_counted = 1`
  yield* sql`CREATE INDEX healing_notices_ended ON healing_notices (ended_at) WHERE ended_at IS NOT NULL`
  yield* sql`CREATE INDEX healing_notices_of_job ON healing_notices (job, number)`
  yield* sql`CREATE TABLE healing_told (
    job TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
  )`
  yield* sql`CREATE UNIQUE INDEX healing_told_of ON healing_told (job, kind, subject)`
  yield* sql`CREATE TABLE healing_failing (job TEXT NOT NULL, since INTEGER NOT NULL, good INTEGER NOT NULL)`
  yield* sql`CREATE UNIQUE INDEX healing_failing_of ON healing_failing (job)`
  yield* sql`CREATE TABLE healing_muted (
    job TEXT,
    signature TEXT,
    at INTEGER NOT NULL,
    "until" INTEGER NOT NULL,
    "by" TEXT NOT NULL
  )`
})

const watched = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_watched (job TEXT NOT NULL, watched INTEGER NOT NULL)`
  yield* sql`CREATE UNIQUE INDEX healing_watched_of ON healing_watched (job)`
  yield* sql`CREATE TABLE healing_run_counts (
    job TEXT NOT NULL,
    runs INTEGER NOT NULL,
    failures INTEGER NOT NULL
  )`
  yield* sql`CREATE UNIQUE INDEX healing_run_counts_of ON healing_run_counts (job)`
})

/** @internal */
export const migrations: ReadonlyArray<ResolvedMigration> = [
  [1, "requests", Effect.succeed(requests)],
  [2, "scheduling", Effect.succeed(scheduling)],
  [3, "suggestions", Effect.suspend(() => Effect.succeed(suggestions))],
  [4, "applications", Effect.succeed(applications)],
  [5, "automatic_changes", Effect.succeed(automaticChanges)],
  [6, "notices", Effect.succeed(notices)],
  [7, "watched", Effect.succeed(watched)]
]
