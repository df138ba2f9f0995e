import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import Database from "better-sqlite3"
import { Effect, Exit, Layer, Option, Schema, Scope } from "effect"
import {
  Healing,
  HealingQueue,
  HealingRequest,
  HealingStore,
  HealingSuggestion,
  Reviewed,
  Reviewer
} from "effect-healing"
import {
  ApiEvent,
  ApiJob,
  ApiLink,
  ApiPreview,
  ApiStatus,
  HistoryPage,
  NoticePage,
  QueuePage,
  SuggestionPage
} from "effect-healing/http"
import { VERSION } from "../../src/internal/Version.js"
import { makeHttpWorld } from "../support/httpWorld.js"
import { hasPostgres, makeSchema, urlOf } from "../support/postgres.js"
import { isFull } from "../support/property.js"
import { aRequest, insert, openStore } from "../support/storeSamples.js"
import { forFile, NEW, OLD, privateFolder } from "../support/suggestionWorld.js"
import { cli, cliOnTerminal, cliProcess, headOf, loadedIn, type Ran } from "./startCli.js"

/** Without what differs from run to run. */
const steady = (text: string): string =>
  text
    .replaceAll(/\/tmp\/effect-healing-test-\w+/g, "<folder>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<instant>")
    .replaceAll(/\d{4}-\d\d-\d\d [\d:]+Z/g, "<utc>")
    .replaceAll(/\b(\d+ (?:s|min)) ago/g, "<ago>")
    .replaceAll(/\bin \d+ d\b/g, "<ahead>")
    .replaceAll(/--seal \w{12}/g, "--seal <seal>")
    .replaceAll(/\(\w{12}\)\?/g, "(<seal>)?")
    .replaceAll(/[ \t]+$/gm, "")

const decoded = <A, I>(schema: Schema.Schema<A, I>, { stdout }: Ran): A =>
  Schema.decodeUnknownSync(Schema.parseJson(schema))(stdout)

const makeWorld = Effect.gen(function* () {
  const world = yield* makeHttpWorld()
  const { socket } = yield* world.serve
  const at = ["--database", world.database]
  return { ...world, socket, at, run: (...args: ReadonlyArray<string>) => cli([...args, ...at]) }
})

const assertRan = (ran: Ran, stdout: string): void => {
  assert.deepStrictEqual([ran.code, ran.stderr, steady(ran.stdout)], [0, "", stdout])
}

describe("the command", () => {
  it.scopedLive("reads what runs and what was, in tables, and as JSON in the shapes of the API", () =>
    Effect.gen(function* () {
      const { openClaw, propose, queue, run } = yield* makeWorld
      const suggestion = yield* propose
      yield* openClaw.started("a/b c?d=é%")
      yield* queue.submit({ job: "digest", trigger: "failure" })
      assertRan(
        yield* run("status"),
        [
          "in review   nothing",
          "waiting     digest, since <ago>",
          "held up by  OpenClaw jobs running: a/b c?d=é%",
          "OpenClaw    a/b c?d=é%",
          ""
        ].join("\n")
      )
      assertRan(
        yield* run("queue"),
        "ID                STATE    ASKED FOR  BECAUSE OF  NOT BEFORE\nhealing:digest:2  pending  <ago>    failure     -\n"
      )
      assertRan(
        yield* run("history"),
        "ID                STATE      ENDED    WHAT IT SAYS\nhealing:digest:1  completed  <ago>  It can be mended\n"
      )
      assertRan(
        yield* run("jobs"),
        [
          "JOB         KIND     OPENCLAW  REVIEW   LAST               NEXT  PROBLEM",
          "digest      process  yes       pending  completed <ago>  -",
          "a/b c?d=é%  process  no        -        -                  -",
          ""
        ].join("\n")
      )
      assertRan(
        yield* run("suggestions", "--utc"),
        "ID                     STATE    SEVERITY  EXPIRES               WHAT IT SAYS\nsuggestion:digest:1.1  pending  high      <utc>  Remove old logs\n"
      )
      assert.include((yield* run("report", "digest")).stdout, "# Review of digest\n")
      assert.include((yield* run("report", "healing:digest:1")).stdout, "It can be mended")
      assert.match((yield* run("show", "healing:digest:2")).stdout, /^state +pending$/m)
      assert.match(
        (yield* run("show", suggestion)).stdout,
        /^steps +\d+ s ago {2}pending, by effect-healing \(review\)$/m
      )

      assert.strictEqual(decoded(ApiStatus, yield* run("status", "--json")).waiting, 1)
      assert.lengthOf(decoded(Schema.Array(ApiJob), yield* run("jobs", "--json")), 2)
      assert.strictEqual(decoded(QueuePage, yield* run("queue", "--json")).total, 1)
      assert.lengthOf(decoded(HistoryPage, yield* run("history", "--json", "--state", "completed")).requests, 1)
      assert.lengthOf(decoded(HistoryPage, yield* run("history", "--json", "--state", "failed")).requests, 0)
      assert.lengthOf(decoded(SuggestionPage, yield* run("suggestions", "--json")).suggestions, 1)
      assert.strictEqual(decoded(HealingRequest, yield* run("show", "--json", "healing:digest:2")).state, "pending")
      assert.strictEqual(decoded(HealingRequest, yield* run("report", "--json", "digest")).state, "completed")
      assert.lengthOf(decoded(ApiPreview, yield* run("diff", "--json", suggestion)).members, 1)
    })
  )

  it.scopedLive("brings a person from a suggestion to a change and back, who approves only what was seen", () =>
    Effect.gen(function* () {
      const { at, file, propose, run, suggestions } = yield* makeWorld
      const id = yield* propose
      const shown = yield* run("diff", id)
      assert.include(shown.stdout, "-two\n+2\n")
      assert.include(steady(shown.stdout), `To approve exactly this: effect-healing approve ${id} --seal <seal>\n`)
      const [, seal = ""] = /--seal (\w{12})$/m.exec(shown.stdout) ?? []
      const stateOf = Effect.map(suggestions.get(id), (found) => Option.getOrThrow(found).state)

      // Nobody approves what was not seen: no seal, another one, part of one, or that of another file.
      for (const args of [[], ["--yes"], ["--seal", "0".repeat(12)], ["--seal", seal.slice(0, 11)], ["--seal", ""]]) {
        const refused = yield* run("approve", id, ...args)
        assert.include([1, 2], refused.code, args.join(" "))
        assert.match(refused.stderr, /^error: (An approval is of exactly what was seen|What would be changed is not)/)
        assert.strictEqual(yield* stateOf, "pending")
      }
      // Nor does a yes in advance, on a terminal.
      assert.strictEqual((yield* cli(["approve", id, "--yes", ...at], { answers: ["y"] })).code, 2)
      assert.strictEqual(yield* stateOf, "pending")
      writeFileSync(file, `${OLD}five\n`)
      assert.strictEqual((yield* run("approve", id, "--seal", seal)).code, 1)
      writeFileSync(file, OLD)
      assert.strictEqual((yield* cli(["approve", id, ...at], { answers: ["n"] })).code, 1)
      assert.strictEqual((yield* cli(["approve", id, ...at], { answers: [] })).code, 1)
      assert.strictEqual(yield* stateOf, "pending")

      assert.include((yield* run("approve", id, "--seal", seal, "--reason", "seen")).stdout, "is approved")
      const step = (yield* suggestions.steps(id)).at(-1)
      assert.deepStrictEqual([step?.to, step?.reason, step?.by.door], ["approved", "seen", "socket"])
      assert.strictEqual((yield* run("withdraw", id)).code, 0)
      const typed = yield* cli(["approve", id, ...at], { answers: ["y"] })
      assert.strictEqual(typed.code, 0)
      assert.include(stripVTControlCharacters(typed.stdout), "Approve exactly this")
      assert.include((yield* run("apply", id)).stdout, "is applied")
      assert.strictEqual(readFileSync(file, "utf8"), NEW)
      assert.strictEqual(decoded(HealingSuggestion, yield* run("rollback", "--json", id)).state, "rolled_back")
      assert.strictEqual(readFileSync(file, "utf8"), OLD)
      // Rules would not have touched it, since there are none.
      assert.match((yield* run("rehearse")).stdout, new RegExp(`^${id} +left +- +rolled_back`, "m"))
      const unlocked = yield* run("unlock", "digest")
      assert.deepStrictEqual([unlocked.code, unlocked.stdout], [2, ""])
      const twice = yield* run("reject", id)
      assert.deepStrictEqual([twice.code, twice.stdout], [1, ""])
      assert.match(twice.stderr, /^error: The suggestion .* is rolled_back since /)
    })
  )

  it.scopedLive("asks for reviews and waits for them, and ends as they do", () =>
    Effect.gen(function* () {
      const { at, openClaw, queue, run } = yield* makeWorld
      assert.deepStrictEqual(yield* run("heal", "digest", "--wait"), {
        code: 0,
        stdout: "The review of digest is completed: all is well\nTo read it: effect-healing report healing:digest:1\n",
        stderr: ""
      })
      const misspelt = yield* run("heal", "digset")
      assert.deepStrictEqual(
        [misspelt.code, misspelt.stderr],
        [1, 'error: The supervisor has no job "digset": did you mean digest?\n']
      )
      yield* openClaw.started("digest")
      const late = yield* run("heal", "digest", "--wait", "--max-wait", "100 millis")
      assert.strictEqual(late.code, 3)
      assert.match(late.stderr, /^error: The review of digest is skipped: /)
      assert.strictEqual((yield* run("heal", "digest")).stdout, "healing:digest:3 waits for its turn\n")
      assert.strictEqual(
        (yield* run("heal", "digest")).stdout,
        "healing:digest:3 waits for its turn, together with an earlier wish\n"
      )
      assert.strictEqual((yield* run("cancel", "healing:digest:3")).stdout, "healing:digest:3 is cancelled\n")
      assert.strictEqual((yield* run("cancel", "digest")).stdout, "No review of digest waits or runs\n")
      // On a terminal, what it waits for is shown as long as it waits.
      const waits = yield* Effect.fork(cli(["heal", "digest", "--wait", "--yes", ...at], { answers: [] }))
      while ((yield* queue.pending).length === 0) yield* Effect.sleep("5 millis")
      // Until it has seen how it stands.
      yield* Effect.sleep("200 millis")
      yield* openClaw.finished("digest")
      const { code, stdout } = yield* waits
      assert.strictEqual(code, 0)
      assert.include(stripVTControlCharacters(stdout), "waits, held up by OpenClaw jobs running: digest")
      yield* run("pause")
      assert.include((yield* run("status")).stdout, "held up by  a pause of the queue")
      const asked = yield* cli(["resume", ...at], { answers: ["no"] })
      assert.deepStrictEqual([asked.code, (yield* run("status")).stdout.includes("a pause")], [1, true])
      assert.strictEqual((yield* cli(["resume", ...at], { answers: ["yes"] })).code, 0)
      assert.notInclude((yield* run("status")).stdout, "a pause")
      yield* run("stop", "--reason", "not today")
      assert.match((yield* run("status")).stdout, /^stopped +Nothing is applied/m)
      assert.strictEqual((yield* run("go-on")).stdout, "Suggestions can be applied\n")
    })
  )

  it.scopedLive("tells what people were told, mutes, and tries the channels", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld({
        notify: {
          channels: { pager: { type: "command", command: ["true"] }, broken: { type: "command", command: ["false"] } }
        }
      })
      yield* world.serve
      const run = (...args: ReadonlyArray<string>) => cli([...args, "--database", world.database])
      assert.strictEqual((yield* run("notices")).stdout, "Nothing was told\n")
      const trial = yield* run("notify-test")
      assert.deepStrictEqual(
        [trial.code, trial.stdout],
        [1, "pager: sent\nbroken: not sent: the program has ended with 1\n"]
      )
      assert.strictEqual((yield* run("notify-test", "pager")).code, 0)
      assert.match((yield* run("notify-test", "pagr")).stderr, /did you mean pager\?/)
      assert.match(
        (yield* run("mute", "digest", "--for", "2 hours", "--utc")).stdout,
        /^Nothing is told of digest until \d{4}-/
      )
      yield* world.queue.heal({ job: "digest" })
      yield* world.queue.heal({ job: "other" })
      while ((yield* world.notices.list({ channel: "pager", states: ["sent"] })).length === 0)
        yield* Effect.sleep("5 millis")
      assert.match(
        steady((yield* run("notices", "--channel", "pager")).stdout),
        /^NO +WHEN +CHANNEL +STATE +SEVERITY +NOTICE +WHY\n\d +<ago> +pager +sent +low +other was reviewed\n$/
      )
      assert.lengthOf(decoded(NoticePage, yield* run("notices", "--json", "--job", "digest")).notices, 0)
      assert.strictEqual((yield* run("unmute", "digest")).stdout, "digest is told of again\n")
      assert.deepStrictEqual(yield* world.notices.muted, [])
      assert.strictEqual((yield* run("mute", "--for", "1 hour")).code, 2)
    })
  )

  it.scopedLive("reads a file whose service does not run, and leaves it as it is", () =>
    Effect.gen(function* () {
      const folder = yield* privateFolder
      const database = join(folder, "healing.db")
      const file = join(folder, "job.sh")
      writeFileSync(file, OLD)
      const scope = yield* Scope.make()
      const report = { summary: "It can be mended", suggestions: [forFile(file, NEW)] }
      const ReviewerLive = Layer.succeed(Reviewer, { review: () => Effect.succeed(Reviewed.Completed({ report })) })
      const live = Healing.layerSqlite({ filename: database, settings: { quietPeriod: 0 } }).pipe(
        Layer.provide([ReviewerLive, NodeContext.layer])
      )
      yield* Effect.gen(function* () {
        const queue = yield* HealingQueue
        yield* queue.heal({ job: "digest" })
        yield* queue.pause
        yield* queue.submit({ job: "inbox", note: "please" })
      }).pipe(Effect.provide(live), Scope.extend(scope))
      yield* Scope.close(scope, Exit.void)
      const before = readFileSync(database)
      const run = (...args: ReadonlyArray<string>) => cli([...args, "--database", database])
      const note = `Nothing runs there: this is what stands in ${database}\n`
      for (const [args, expected] of [
        [["status"], /^held up by {2}nothing runs there$/m],
        [["jobs"], /^inbox +unknown +no +pending +-/m],
        [["queue"], /^healing:inbox:2 +pending/m],
        [["history"], /^healing:digest:1 +completed/m],
        [["show", "healing:inbox:2"], /^note +please$/m],
        [["show", "suggestion:digest:1.1"], /^title +Remove old logs$/m],
        [["report", "digest"], /^# Review of digest$/m],
        [["suggestions"], /^suggestion:digest:1\.1 +pending/m]
      ] as const) {
        const { code, stderr, stdout } = yield* run(...args)
        assert.deepStrictEqual([code, stderr], [0, note], args.join(" "))
        assert.match(stdout, expected)
      }
      assert.lengthOf(decoded(HistoryPage, yield* run("history", "--json")).requests, 1)
      const page = decoded(HistoryPage, yield* run("history", "--json", "--limit", "1"))
      const behind = yield* run("history", "--json", "--before", page.next ?? "")
      assert.lengthOf(decoded(HistoryPage, behind).requests, 0)
      const nowhere = yield* run("history", "--before", "yesterday")
      assert.deepStrictEqual([nowhere.code, nowhere.stdout], [2, ""])
      assert.include(nowhere.stderr, "before: expected the next of a page")
      const unknown = yield* run("show", "healing:x:9")
      assert.deepStrictEqual([unknown.code, unknown.stdout], [1, ""])
      for (const args of [["heal", "digest"], ["diff", "suggestion:digest:1.1"], ["pause"], ["watch"]]) {
        const refused = yield* run(...args)
        assert.deepStrictEqual([refused.code, refused.stdout], [5, ""], args.join(" "))
        assert.match(refused.stderr, /^error: Nothing listens on .*: start it first\n$/)
      }
      assert.isTrue(before.equals(readFileSync(database)))
      // One that an older version has written is not brought up to date by a reader.
      const older = new Database(database)
      older.exec(
        "DELETE FROM healing_migrations WHERE migration_id = (SELECT MAX(migration_id) FROM healing_migrations)"
      )
      older.close()
      const refused = yield* run("history")
      assert.strictEqual(refused.code, 1)
      assert.include(refused.stderr, "start what uses it once, which brings it up to date")
    })
  )

  it.scopedLive.skipIf(!hasPostgres)("moves what a file has into PostgreSQL, with no password in its arguments", () =>
    Effect.gen(function* () {
      const database = join(yield* privateFolder, "healing.db")
      yield* Effect.scoped(
        Effect.flatMap(openStore(Layer.provide(HealingStore.layerSqlite(database), NodeContext.layer)), ({ commit }) =>
          commit([insert(aRequest(1)), insert(aRequest(2, { job: "B" }))])
        )
      )
      const url = new URL(urlOf(yield* makeSchema))
      const { host, password, pathname } = url
      const run = (...args: ReadonlyArray<string>) => cli(["move", "--database", database, ...args])
      const refused = yield* run(url.href)
      assert.deepStrictEqual([refused.code, refused.stdout], [2, ""])
      assert.include(refused.stderr, "PGPASSWORD")
      assert.notInclude(refused.stderr, password)
      const wrong = new URL(url)
      wrong.password = `${password}wrong`
      const kept = yield* cli(["move", "--database", database], { env: { DATABASE_URL: wrong.href } })
      assert.strictEqual(kept.code, 1)
      assert.match(kept.stderr, /refuses the user or the password/)
      assert.notInclude(kept.stderr, password)
      const unsure = yield* cli(["move", "--database", database], { env: { DATABASE_URL: url.href }, answers: ["n"] })
      assert.include(unsure.stderr, "Nothing was done")
      assert.deepStrictEqual(yield* cli(["move", "--database", database], { env: { DATABASE_URL: url.href } }), {
        code: 0,
        stdout: `2 rows moved to ${host}${pathname}. ${database} is left as it was, and is not opened again\n`,
        stderr: ""
      })
      const after = yield* cli(["queue", "--database", database])
      assert.strictEqual(after.code, 1)
      assert.include(after.stderr, "was moved into PostgreSQL")
    })
  )

  it.scopedLive("says what is wrong with what was asked, and ends as its help says", () =>
    Effect.gen(function* () {
      const { at, database, socket } = yield* makeWorld
      const code = (...args: ReadonlyArray<string>) => Effect.map(cli(args), (ran) => ran.code)
      const help = yield* cli([])
      assert.strictEqual(help.code, 0)
      assert.include(help.stdout, `effect-healing ${VERSION}: reviews of supervised jobs`)
      assert.include(help.stdout, "0 done, 1 failed, 2 wrong usage, 3 timed out, 4 not permitted, 5 nothing runs there")
      assert.strictEqual(help.stdout, (yield* cli(["--help"])).stdout)
      assert.strictEqual(yield* code("heal", "--help"), 0)
      assert.strictEqual(yield* code("hael", "digest"), 2)
      assert.strictEqual(yield* code("heal"), 2)
      assert.strictEqual(yield* code("history", "--limit", "0", ...at), 2)
      assert.strictEqual(yield* code("history", "--limit", "many", ...at), 2)
      assert.strictEqual(yield* code("status", "--database", "/nowhere/healing.db"), 5)
      assert.strictEqual(yield* code("status", "--socket", "/nowhere/api.sock"), 5)
      assert.strictEqual(yield* code("status", "--home", "/nowhere"), 5)
      assert.strictEqual(yield* code("status", "--socket", socket), 0)
      assert.strictEqual((yield* cli(["status"], { env: { PM2_HOME: "/nowhere" } })).code, 5)
      writeFileSync(`${database}.broken`, "nothing of SQLite's".repeat(100))
      const broken = yield* cli(["history", "--database", `${database}.broken`])
      assert.strictEqual(broken.code, 1)
      assert.include(broken.stderr, `error: ${database}.broken `)
    })
  )

  it.scopedLive("makes, rotates and revokes tokens, in files that nobody else can read", () =>
    Effect.gen(function* () {
      const { database, run } = yield* makeWorld
      const file = join(`${database}-run`, "tokens", "grafana")
      assert.strictEqual((yield* run("token", "make", "grafana", "--read-only")).stdout, `The token is in ${file}\n`)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const first = readFileSync(file, "utf8")
      assert.match(first, /^healing_read_/)
      assert.strictEqual((yield* run("token", "list")).stdout, "LABEL    RIGHTS\ngrafana  read\n")
      const rotated = yield* run("token", "rotate", "grafana")
      assert.notStrictEqual(readFileSync(file, "utf8"), first)
      assert.notInclude(rotated.stdout, readFileSync(file, "utf8").trim())
      assert.strictEqual((yield* run("token", "make", "grafana")).code, 2)
      assert.strictEqual((yield* run("token", "revoke", "grafana")).code, 0)
      assert.strictEqual((yield* run("token", "revoke", "grafana")).code, 2)
      assert.strictEqual((yield* run("token", "list")).stdout, "There is no token\n")
    })
  )

  it.scopedLive("prints a link to the page, and nothing else that somebody could take for one", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld({ http: { port: 0 } })
      const { url = "" } = yield* world.serve
      const { code, stderr, stdout } = yield* cli(["open", "--database", world.database])
      assert.deepStrictEqual(
        [code, stderr],
        [0, "It is good once, and for two minutes. Whoever has it decides under your name.\n"]
      )
      const link = stdout.trim()
      assert.match(link, new RegExp(`^${url}/page#code=[\\w-]{43}$`))
      const told = decoded(ApiLink, yield* cli(["open", "--json", "--database", world.database]))
      assert.notStrictEqual(told.url, link)
    })
  )

  it.scopedLive("says how to get a page that no browser could reach", () =>
    Effect.gen(function* () {
      const { run } = yield* makeWorld
      const { code, stderr, stdout } = yield* run("open")
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, /^error: There is no port .* pm2 set effect-healing:http_port 9877/)
    })
  )

  it.scopedLive("has colours where they are wanted, and no others", () =>
    Effect.gen(function* () {
      const { at, propose } = yield* makeWorld
      yield* propose
      const args = ["history", ...at]
      const plain = yield* cli(args)
      const coloured = yield* cli(args, { hasColours: true })
      assert.include(coloured.stdout, "\u001b[32mcompleted\u001b[39m")
      assert.strictEqual(steady(stripVTControlCharacters(coloured.stdout)), steady(plain.stdout))
      for (const words of [args, [], ["heal", "--help"]]) assert.notInclude((yield* cli(words)).stdout, "\u001b")
    })
  )
})

describe.runIf(isFull)("the command as a process", () => {
  it.scopedLive("asks on a terminal, in colours unless they are not wanted, and not off it", () =>
    Effect.gen(function* () {
      const { at, propose, suggestions } = yield* makeWorld
      const id = yield* propose
      const args = ["approve", id, ...at]
      const off = yield* cliProcess(args)
      assert.deepStrictEqual([off.code, off.stdout], [2, ""])
      const end = yield* cliOnTerminal(args, "\u0004")
      assert.strictEqual(end.code, 1)
      assert.include(end.stdout, "\u001b[31m-two\u001b[39m")
      const plain = yield* cliOnTerminal(["diff", id, ...at], "", { NO_COLOR: "1" })
      assert.notInclude(plain.stdout, "\u001b[31m")
      assert.strictEqual((yield* cliOnTerminal(args, "y\n")).code, 0)
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(id)).state, "approved")
      assert.strictEqual((yield* cliProcess(["status", "--home", "/nowhere"])).code, 5)
      assert.strictEqual((yield* cliProcess(["--help"])).code, 0)
    })
  )

  it.scopedLive("watches what happens, a line of JSON each, until nobody reads it", () =>
    Effect.gen(function* () {
      const { at, queue } = yield* makeWorld
      // It ends when it has something to say that nobody reads any more.
      yield* Effect.forkScoped(
        Effect.forever(Effect.all([queue.pause, queue.resume, Effect.sleep("50 millis")], { discard: true }))
      )
      const { code, stdout } = yield* headOf(at)
      assert.strictEqual(code, 0)
      assert.strictEqual(decoded(ApiEvent, { code, stdout, stderr: "" })._tag, "Snapshot")
    })
  )

  for (const shell of ["bash", "zsh", "fish"] as const) {
    const isThere = shell !== "zsh" || ["/bin/zsh", "/usr/bin/zsh"].some(existsSync)
    it.live.runIf(isThere)(`completes its words in ${shell}`, () =>
      Effect.gen(function* () {
        const { code, stdout } = yield* cliProcess(["completions", shell])
        assert.strictEqual(code, 0)
        for (const word of ["status", "approve", "completions", "--database"])
          assert.include(stdout, word.replace(/^--/, ""))
        if (shell === "fish") return
        assert.deepStrictEqual(yield* loadedIn(shell, stdout), { code: 0, stdout: "loaded\n", stderr: "" })
      })
    )
  }
})
