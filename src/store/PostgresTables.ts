/**
 * The tables of the store in PostgreSQL: the same as in SQLite, with its types.
 *
 * Texts are ordered as SQLite orders them, whatever the database is set to (`COLLATE "C"`). Where an index of SQLite has a text of any length in
 * it, that of PostgreSQL has its hash or leaves it out, since it takes 2,704 bytes at most.
 *
 * @internal
 */
import type { ResolvedMigration } from "@effect/sql/Migrator"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

const epoch = `
  CREATE TABLE healing_epoch (
    id BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    commits BIGINT NOT NULL,
    holder TEXT,
    taken_at TIMESTAMP WITH TIME ZONE
  );
  INSERT INTO healing_epoch (id, epoch, commits) VALUES (1, 0, 0);`

const requests = `
  CREATE TABLE healing_requests (
    number BIGINT PRIMARY KEY,
    job TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    priority DOUBLE PRECISION NOT NULL,
    triggers TEXT NOT NULL,
    automatic BIGINT NOT NULL,
    run_id TEXT,
    note TEXT,
    callers_only BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    not_before BIGINT,
    wait_until BIGINT,
    attempts BIGINT NOT NULL,
    starts TEXT NOT NULL,
    last_start BIGINT,
    ended_at BIGINT,
    reason TEXT,
    coalesced_into TEXT,
    report TEXT,
    cooldown DOUBLE PRECISION,
    signatures TEXT
  );
  CREATE UNIQUE INDEX healing_one_pending ON healing_requests (job) WHERE state = 'pending';
  CREATE UNIQUE INDEX healing_one_running ON healing_requests (job) WHERE state = 'running';
  CREATE INDEX healing_pending ON healing_requests (number) WHERE state = 'pending';
  CREATE INDEX healing_completed ON healing_requests (ended_at, job) WHERE state = 'completed';
  CREATE INDEX healing_automatic ON healing_requests (last_start) WHERE automatic = 1 AND last_start IS NOT NULL;
  CREATE INDEX healing_history ON healing_requests (ended_at, number) WHERE ended_at IS NOT NULL;
  CREATE INDEX healing_job_history ON healing_requests (job, ended_at, number) WHERE ended_at IS NOT NULL;
  CREATE INDEX healing_explained ON healing_requests (job) WHERE state = 'completed' AND signatures IS NOT NULL;

  CREATE TABLE healing_queue (
    id BIGINT PRIMARY KEY,
    paused BIGINT NOT NULL,
    rate_limited_until BIGINT,
    rate_limits BIGINT NOT NULL
  );

  CREATE TABLE healing_occurrences (
    number BIGINT PRIMARY KEY,
    job TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    at BIGINT NOT NULL,
    schedule TEXT NOT NULL,
    request BIGINT,
    reason TEXT
  );
  CREATE INDEX healing_occurrences_of_job ON healing_occurrences (job, number);
  CREATE INDEX healing_occurrences_by_time ON healing_occurrences (at);

  CREATE TABLE healing_watched (job TEXT COLLATE "C" PRIMARY KEY, watched BIGINT NOT NULL);`

const suggestions = `
  CREATE TABLE healing_suggestions (
    request BIGINT NOT NULL,
    position BIGINT NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    proposed_at BIGINT NOT NULL,
    suggestion TEXT NOT NULL,
    signatures TEXT NOT NULL,
    is_old BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT,
    warned_at BIGINT,
    approval TEXT,
    watch TEXT,
    "by" TEXT NOT NULL,
    reason TEXT,
    superseded_by TEXT COLLATE "C",
    target_file TEXT COLLATE "C",
    due_at BIGINT
  );
  CREATE UNIQUE INDEX healing_suggestions_in_order ON healing_suggestions (request DESC, position);
  CREATE INDEX healing_suggestions_of_job ON healing_suggestions (job, request DESC, position);
  CREATE INDEX healing_suggestions_by_state ON healing_suggestions (state, request DESC, position);
  CREATE INDEX healing_suggestions_of_job_by_state ON healing_suggestions (job, state, request DESC, position);
  CREATE INDEX healing_suggestions_due ON healing_suggestions (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX healing_suggestions_ended ON healing_suggestions (changed_at) WHERE expires_at IS NULL;
  CREATE INDEX healing_suggestions_superseded ON healing_suggestions (superseded_by) WHERE superseded_by IS NOT NULL;

  CREATE TABLE healing_suggestion_steps (
    number BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    "from" TEXT,
    "to" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    reason TEXT,
    approval TEXT
  );
  CREATE INDEX healing_suggestion_steps_of ON healing_suggestion_steps (id, number);

  CREATE TABLE healing_applications (
    request BIGINT NOT NULL,
    position BIGINT NOT NULL,
    path TEXT NOT NULL,
    original TEXT,
    mode BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    gid BIGINT NOT NULL,
    intent TEXT,
    temporary TEXT
  );
  CREATE UNIQUE INDEX healing_applications_of ON healing_applications (request, position);
  CREATE INDEX healing_applications_unfinished ON healing_applications (request DESC, position) WHERE intent IS NOT NULL;
  CREATE TABLE healing_suggestion_stop (at BIGINT NOT NULL, "by" TEXT NOT NULL, reason TEXT);

  CREATE TABLE healing_automatic_changes (
    request BIGINT NOT NULL,
    position BIGINT NOT NULL,
    lead BIGINT NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    rule TEXT NOT NULL,
    at BIGINT NOT NULL,
    locked_at BIGINT
  );
  CREATE UNIQUE INDEX healing_automatic_changes_of ON healing_automatic_changes (request, position);
  CREATE INDEX healing_automatic_changes_by_time ON healing_automatic_changes (at);
  CREATE INDEX healing_automatic_locks ON healing_automatic_changes (locked_at DESC, request DESC, position)
    WHERE locked_at IS NOT NULL;`

const notices = `
  CREATE TABLE healing_outbox (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    request BIGINT NOT NULL,
    position BIGINT,
    "from" TEXT,
    "to" TEXT NOT NULL,
    door TEXT
  );
  CREATE TABLE healing_notices (
    number BIGINT PRIMARY KEY,
    id TEXT NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    is_urgent BIGINT NOT NULL,
    is_counted BIGINT NOT NULL,
    notice TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    next_try BIGINT,
    ended_at BIGINT,
    reason TEXT
  );
  CREATE INDEX healing_notices_pending ON healing_notices (channel, number) WHERE state = 'pending';
  CREATE INDEX healing_notices_urgent ON healing_notices (channel, number) WHERE state = 'pending' AND is_urgent = 1;
  CREATE INDEX healing_notices_counted ON healing_notices (channel, created_at) WHERE is_counted = 1;
  CREATE INDEX healing_notices_ended ON healing_notices (ended_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX healing_notices_of_job ON healing_notices (job, number);

  CREATE TABLE healing_told (
    job TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
  );
  CREATE UNIQUE INDEX healing_told_of ON healing_told (job, kind, md5(subject));
  CREATE TABLE healing_failing (job TEXT COLLATE "C" PRIMARY KEY, since BIGINT NOT NULL, good BIGINT NOT NULL);
  CREATE TABLE healing_muted (
    job TEXT COLLATE "C",
    signature TEXT COLLATE "C",
    at BIGINT NOT NULL,
    "until" BIGINT NOT NULL,
    "by" TEXT NOT NULL
  );
  CREATE TABLE healing_run_counts (job TEXT COLLATE "C" PRIMARY KEY, runs BIGINT NOT NULL, failures BIGINT NOT NULL);`

/**
 * There was no PostgreSQL before the seventh version.
 *
 * @internal
 */
export const migrations: ReadonlyArray<ResolvedMigration> = [
  [
    7,
    "tables",
    Effect.succeed(
      Effect.flatMap(SqlClient, (sql) =>
        Effect.forEach([epoch, requests, suggestions, notices], (text) => sql.unsafe(text), { discard: true })
      )
    )
  ]
]
