import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, inject, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { HealingEvent, HealingStore, type NotifyChannel } from "effect-healing"
import { lineOf, time } from "../../src/module/LogLines.js"
import { type BadSettings, load } from "../../src/module/ModuleSettings.js"
import * as ReportFiles from "../../src/module/ReportFiles.js"
import { secretSource } from "../../src/settings/NotifyChannel.js"
import { active, makeGateway } from "../openclaw/gateway/makeGateway.js"
import { makeFake } from "../openclaw/makeFake.js"
import { answer } from "../openclaw/reviewWorld.js"
import { inTime, makeDaemon, planted } from "../pm2/makeDaemon.js"
import { isFull } from "../support/property.js"
import { aRequest } from "../support/storeSamples.js"
import { startModule } from "./startModule.js"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-healing-module-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe("the module", () => {
  it.scopedLive("has a crash reviewed when no OpenClaw job runs any more, writes the report and says where", () =>
    Effect.gen(function* () {
      const fake = yield* makeFake({ generation: "exec", turns: [{ text: answer() }] })
      const daemon = yield* makeDaemon
      yield* daemon.start(
        { name: "digest" },
        { name: "api", autorestart: true, namespace: "default" },
        { name: "worker", namespace: "default", env: { HEALING_POLICY: "{nonsense" } }
      )
      const module = yield* startModule(daemon.home, {
        openclaw_command: fake.command,
        model: "mock/mock-1",
        quiet_period: "100 millis",
        max_wait: "10 minutes"
      })
      yield* module.says(/^watches PM2 in /)
      yield* module.says(/^warn: The policy of "worker" is wrong, .*: expected a mapping of enabled, /)
      yield* module.status(
        /^OpenClaw jobs: digest; running: digest; in review: none; waiting: none; a problem with the policy of worker: expected a mapping of /
      )

      yield* daemon.make("api", "throw boom")
      yield* module.says(/^api: a review is wanted \(failure\) and waits for its turn: healing:api:1$/)
      yield* module.status(
        /; waiting: api \(failure\), since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, held up by OpenClaw jobs running: digest; /
      )
      yield* module.says(/^status: waiting: api \(failure\), since /)
      assert.lengthOf(yield* fake.turnCalls, 0)
      assert.deepStrictEqual(
        daemon.alive().flatMap(({ job }) => (job === "digest" ? [job] : [])),
        ["digest"]
      )

      yield* daemon.make("digest", "exit 0")
      yield* module.says(/^api: the review begins$/)
      assert.notInclude(
        daemon.alive().map(({ job }) => job),
        "digest"
      )
      yield* module.says(/^api: the review is completed, see .*: The disk was full\.$/)
      const folder = join(daemon.home, "effect-healing")
      const file = join(folder, "reports", "api-1.md")
      assert.include((yield* module.lines).join("\n"), `see ${file}:`)
      assert.include(readFileSync(file, "utf8"), "The disk was full.")
      assert.deepStrictEqual([mode(folder), mode(join(folder, "reports")), mode(file)], ["700", "700", "600"])
      assert.isTrue(existsSync(join(folder, "healing.db")))
      const [turn] = yield* fake.turnCalls
      assert.include(turn?.prompt, "boom")
      assert.notInclude(JSON.stringify([yield* module.lines, readFileSync(file, "utf8"), turn?.prompt]), planted)

      // What `pm2 trigger` does.
      const announced = (yield* module.messages).filter(({ type }) => type === "axm:action")
      assert.deepStrictEqual(
        announced.map(({ data }) => data.action_name),
        [
          ...["heal", "status", "report", "cancel", "pause", "resume", "backup", "notify-test"],
          ...["suggestions", "preview", "approve", "reject", "apply", "rollback", "rehearse", "unlock", "stop", "go_on"]
        ]
      )
      rmSync(file)
      assert.strictEqual(yield* module.trigger("report", "api"), `${file}: The disk was full.`)
      assert.isTrue(existsSync(file))
      assert.strictEqual(yield* module.trigger("report", "digest"), "there is no report about digest")
      assert.match(
        (yield* module.trigger("heal")) ?? "",
        /^name a process, as in: pm2 trigger effect-healing heal api$/
      )
      assert.strictEqual(
        yield* module.trigger("heal", "apo"),
        "PM2 has no process named apo that is reviewed; there are: digest, api, worker"
      )
      assert.strictEqual(
        yield* module.trigger("heal", "digest"),
        "healing:digest:2 waits for its turn, for 10m at most"
      )
      yield* module.says(/^digest: the review is completed, see /)
      assert.lengthOf(yield* fake.turnCalls, 2)

      rmSync(fake.command)
      yield* module.trigger("heal", "api")
      yield* module.says(/^api: no review was possible: there is no program /)
      const report = (yield* module.trigger("report", "api")) ?? ""
      assert.match(report, /^the last review has failed: there is no program .*; \/.*api-1\.md: The disk was full\.$/)

      assert.match((yield* module.trigger("report")) ?? "", /^digest, .*: \/.*digest-2\.md; api, .*: \/.*api-1\.md$/)
      assert.strictEqual(yield* module.trigger("pause"), "the queue is paused")
      yield* module.says(/^the queue is paused$/)
      yield* module.trigger("heal", "api")
      yield* module.status(/; waiting: api \(manual\), since .*, held up by a pause of the queue/)
      assert.strictEqual(yield* module.trigger("cancel", "api"), "the review of api is cancelled")
      assert.strictEqual(yield* module.trigger("cancel", "api"), "no review of api waits or runs")
      assert.strictEqual(yield* module.trigger("resume"), "the queue goes on")

      // PM2 has gone.
      yield* Effect.sync(() => module.child.disconnect())
      assert.strictEqual(yield* module.exited, 0)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("stops with one line for a bad setting, starts with a better one, and ends when it is told to", () =>
    Effect.gen(function* () {
      const home = yield* temporary
      const bad = yield* startModule(home, { max_wait: "10 parsecs" })
      assert.strictEqual(yield* bad.exited, 78)
      assert.deepStrictEqual(yield* bad.lines, [
        'error: stopped: max_wait is "10 parsecs", and should be a duration of zero or more with its unit, such as "5 minutes", or "infinity". To mend it: pm2 set effect-healing:max_wait "<value>"'
      ])
      assert.deepStrictEqual(readdirSync(home), [])

      const good = yield* startModule(home, { max_wait: "10 minutes", openclaw_command: "no-such-openclaw" })
      yield* good.says(/^watches PM2 in /)
      yield* good.says(
        /^error: there is no program "no-such-openclaw": install OpenClaw, or name its path: .* openclaw_command$/
      )
      yield* Effect.sync(() => good.child.kill("SIGINT"))
      assert.strictEqual(yield* good.exited, 0)

      const closedTerminal = yield* startModule(home, {})
      yield* closedTerminal.says(/^watches PM2 in /)
      yield* Effect.sync(() => closedTerminal.child.kill("SIGHUP"))
      assert.strictEqual(yield* closedTerminal.exited, 0)

      writeFileSync(join(home, "effect-healing", "healing.db"), "This is a letter to my aunt, and no database.\n")
      const broken = yield* startModule(home, {})
      assert.strictEqual(yield* broken.exited, 78)
      const [line, ...others] = yield* broken.lines
      assert.deepStrictEqual(others, [])
      assert.match(line ?? "", /^error: stopped: .*healing\.db.*\. Then: pm2 restart effect-healing$/)
    })
  )
})

describe("a gateway of OpenClaw", () => {
  it.scopedLive.runIf(isFull)("counts beside PM2, when it is named, and its cron jobs are reviewed", () =>
    Effect.gen(function* () {
      const gateway = yield* makeGateway
      gateway.answers["cron.list"] = { payload: { jobs: [{ id: "c", name: "inbox" }] } }
      gateway.answers["usage.status"] = {
        payload: { providers: [{ displayName: "Anthropic", windows: [{ label: "5h", usedPercent: 62 }] }] }
      }
      const fake = yield* makeFake({ generation: "exec", turns: [{ text: answer() }] })
      const daemon = yield* makeDaemon
      yield* daemon.start({ name: "api", namespace: "default" })
      const folder = yield* temporary
      const tokenFile = join(folder, "token")
      writeFileSync(tokenFile, "token-of-the-gateway\n", { mode: 0o600 })
      const module = yield* startModule(daemon.home, {
        openclaw_command: fake.command,
        model: "mock/mock-1",
        quiet_period: "100 millis",
        openclaw_gateway: gateway.url,
        openclaw_gateway_token_file: tokenFile
      })
      yield* module.says(/^watches PM2 in /)
      yield* module.status(
        /^OpenClaw jobs: gateway:openclaw cron: inbox; running: none; .*; quota: Anthropic, 5h: 62% used/
      )
      gateway.answers["gateway.restart.preflight"] = active(1)
      gateway.tell("agent", {})
      yield* module.status(/; running: gateway:openclaw gateway; /)
      gateway.tell("cron", {
        jobId: "c",
        action: "finished",
        job: { name: "inbox" },
        runAtMs: 7,
        status: "error",
        error: "no"
      })
      yield* module.says(/^gateway:openclaw cron: inbox: a review is wanted \(failure\) and waits for its turn/)
      yield* module.status(/held up by OpenClaw jobs running: gateway:openclaw gateway/)
      gateway.answers["cron.runs"] = { payload: { entries: [] } }
      gateway.answers["gateway.restart.preflight"] = active(0)
      yield* module.says(/^gateway:openclaw cron: inbox: the review is completed, see /)
      assert.deepInclude(gateway.asked[0]?.params, { auth: { token: "token-of-the-gateway" } })
      assert.notInclude((yield* module.lines).join(), "token-of-the-gateway")
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

describe("its database", () => {
  it.scopedLive.runIf(isFull)("is copied while it is in use, and given up when another process owns it", () =>
    Effect.gen(function* () {
      const home = yield* temporary
      const module = yield* startModule(home, {})
      yield* module.says(/^watches PM2 in /)
      const database = join(home, "effect-healing", "healing.db")
      const answer = yield* module.trigger("backup")
      const [, copy = ""] =
        /^the database is copied to (.*\/effect-healing\/backups\/healing-.*\.db)$/.exec(answer ?? "") ?? []
      assert.isTrue(existsSync(copy), answer)
      assert.match(String(yield* module.trigger("backup", copy)), /there is such a file already/)

      rmSync(`${database}-owner`)
      yield* Effect.provide(Layer.build(HealingStore.layerSqlite(database)), NodeContext.layer)
      assert.match(String(yield* module.trigger("pause")), /healing\.db is owned by the process \d+ /)
      assert.strictEqual(yield* module.exited, 1)
      yield* module.says(/^fatal: .*healing\.db is owned by the process \d+ .*stop one of the two$/)
    })
  )
})

describe.runIf(isFull)("at length, the module", () => {
  it.scopedLive(
    "is installed, set, restarted, updated and removed by PM2 itself",
    () =>
      Effect.gen(function* () {
        const fake = yield* makeFake({ generation: "exec", turns: [{ text: answer() }] })
        const daemon = yield* makeDaemon
        yield* daemon.pm2("install", inject("packed").tarball)

        const logs = ["error", "out"].map((name) => join(daemon.home, "logs", `effect-healing-${name}.log`))
        const lines = Effect.sync(() =>
          logs.filter((log) => existsSync(log)).flatMap((log) => readFileSync(log, "utf8").split("\n"))
        )
        const says = (wanted: RegExp, times = 1) =>
          inTime(
            lines.pipe(
              Effect.repeat({
                schedule: Schedule.spaced("50 millis"),
                until: (all) => all.filter((line) => wanted.test(line)).length >= times
              })
            ),
            `line ${times} of ${wanted.source}`
          )
        const statusOf = Effect.map(daemon.pm2("jlist"), (json) => /"status":"([^"]*)"/.exec(json)?.[1])
        // PM2's command waits for ever if the answer comes before the daemon has told it from how many processes there will be one.
        const trigger = (...args: ReadonlyArray<string>) =>
          daemon
            .pm2("trigger", "effect-healing", ...args)
            .pipe(Effect.timeout("20 seconds"), Effect.retry({ times: 5 }))
        let starts = 0
        const started = Effect.suspend(() => says(/: watches PM2 in /, ++starts))

        yield* started
        yield* daemon.pm2("set", "effect-healing:openclaw_command", fake.command)
        yield* started
        yield* daemon.pm2("set", "effect-healing:model", "mock/mock-1")
        yield* started

        yield* daemon.start({ name: "digest" }, { name: "api", autorestart: true, namespace: "default" })
        yield* inTime(Effect.repeat(trigger("status"), { until: (out) => /; running: digest;/.test(out) }), "digest")
        yield* daemon.make("api", "throw boom")
        yield* says(/: api: a review is wanted \(failure\)/)
        assert.match(
          yield* trigger("status"),
          /waiting: api \(failure\), since .*, held up by OpenClaw jobs running: digest"/
        )
        yield* daemon.make("digest", "exit 0")
        yield* says(/: api: the review is completed, see .*api-1\.md: The disk was full\.$/)
        assert.match(yield* trigger("report", "api"), /api-1\.md: The disk was full\."/)
        // Never of itself.
        assert.match(yield* trigger("heal", "effect-healing"), /there are: digest, api"/)

        yield* daemon.pm2("set", "effect-healing:max_wait", "10 parsecs")
        yield* says(/: error: stopped: max_wait is "10 parsecs"/)
        yield* inTime(Effect.repeat(statusOf, { until: (status) => status === "stopped" }), "stopped")
        yield* daemon.pm2("set", "effect-healing:max_wait", "10 minutes")
        yield* started
        assert.lengthOf(
          (yield* lines).filter((line) => line.includes("stopped:")),
          1
        )

        yield* daemon.pm2("restart", "effect-healing")
        yield* started
        yield* daemon.pm2("update")
        yield* started
        yield* daemon.pm2("kill")
        yield* daemon.pm2("ping")
        yield* started
        yield* inTime(Effect.repeat(trigger("report", "api"), { until: (out) => /disk was full/.test(out) }), "report")
        assert.lengthOf(yield* fake.turnCalls, 1)
        assert.notInclude((yield* lines).join("\n"), planted)

        yield* daemon.pm2("uninstall", "effect-healing")
        assert.notInclude(yield* daemon.pm2("jlist"), "effect-healing")
        assert.isTrue(existsSync(join(daemon.home, "effect-healing", "reports", "api-1.md")))
      }).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )
})

describe("its settings", () => {
  const loaded = (settings: Readonly<Record<string, unknown>>) =>
    load.pipe(
      Effect.withConfigProvider(
        ConfigProvider.fromMap(new Map([["effect-healing", JSON.stringify(settings)]]), { pathDelim: "/" })
      ),
      Effect.provide(NodeContext.layer)
    )

  it.effect("are the defaults without any", () =>
    Effect.gen(function* () {
      const { healing, pm2, reviewer } = yield* load.pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map())),
        Effect.provide(NodeContext.layer)
      )
      assert.strictEqual(Duration.format(healing.maxWait), "5m")
      assert.deepStrictEqual(pm2, { namespace: undefined, name: undefined, exclude: ["effect-healing"] })
      assert.deepStrictEqual(reviewer, { command: undefined, model: undefined, thinking: undefined })
    })
  )

  it.scoped("come from PM2, over those of the YAML file", () =>
    Effect.gen(function* () {
      const file = join(yield* temporary, "healing.yaml")
      writeFileSync(
        file,
        "healing:\n  max_wait: 1 hour\n  cooldown: 2 hours\n  jobs:\n    api: { min_runs: 2 }\n  notify:\n    channels:\n      chat: { type: app, severity: high }\n"
      )
      const { gateway, healing, pm2, reviewer } = yield* loaded({
        openclaw_gateway: "ws://127.0.0.1:18789",
        max_wait: "10 minutes",
        max_concurrent: "2",
        enabled: "false",
        openclaw_namespace: "agents",
        openclaw_name: "^agent-",
        exclude: "nginx, cron",
        openclaw_command: "/opt/openclaw",
        model: "mock/mock-1",
        thinking: "low",
        notify_slack: "https://hooks.example.com/secret",
        notify_webhook_file: "/home/you/webhook",
        notify_webhook_secret_file: "/home/you/webhook-secret",
        notify_openclaw: "whatsapp:+15550100",
        config: file
      })
      assert.deepStrictEqual(
        [healing.maxWait, healing.cooldown].map((duration) => Duration.toMinutes(duration)),
        [10, 120]
      )
      assert.deepStrictEqual([healing.maxConcurrent, healing.enabled], [2, false])
      const { slack, ...others } = healing.notify.channels
      assert.strictEqual(
        Redacted.value(secretSource(slack as NotifyChannel, "url")?.value as Redacted.Redacted),
        "https://hooks.example.com/secret"
      )
      assert.deepStrictEqual<unknown>(others, {
        chat: { type: "app", severity: "high" },
        webhook: {
          type: "webhook",
          severity: "low",
          urlFile: "/home/you/webhook",
          secretFile: "/home/you/webhook-secret"
        },
        openclaw: {
          type: "openclaw",
          severity: "low",
          channel: "whatsapp",
          target: "+15550100",
          command: "/opt/openclaw"
        }
      })
      assert.deepStrictEqual(healing.jobs, { api: { min_runs: 2 } } as object)
      assert.deepStrictEqual(pm2, {
        namespace: "agents",
        name: /^agent-/,
        exclude: ["effect-healing", "nginx", "cron"]
      })
      assert.deepStrictEqual(gateway, { url: "ws://127.0.0.1:18789" })
      assert.deepStrictEqual(reviewer, { command: "/opt/openclaw", model: "mock/mock-1", thinking: "low" })
    })
  )

  const refused: ReadonlyArray<readonly [settings: Readonly<Record<string, string>>, lines: ReadonlyArray<string>]> = [
    [
      { max_wiat: "sk-secret" },
      [
        "max_wiat is not a setting, and should be a known one (did you mean max_wait?). To mend it: pm2 unset effect-healing:max_wiat, then pm2 restart effect-healing"
      ]
    ],
    [
      { openclaw_name: "(", openclaw_command: "./openclaw", model: "gpt-5", max_concurrent: "0" },
      [
        'openclaw_name is "(", and should be a regular expression, such as ^agent-. To mend it: pm2 set effect-healing:openclaw_name "<value>"',
        'openclaw_command is "./openclaw", and should be the name of a program, or its absolute path. To mend it: pm2 set effect-healing:openclaw_command "<value>"',
        'model is "gpt-5", and should be a model by its provider, such as anthropic/claude-sonnet-4-5. To mend it: pm2 set effect-healing:model "<value>"',
        'max_concurrent is "0", and should be a whole number of 1 or more. To mend it: pm2 set effect-healing:max_concurrent "<value>"'
      ]
    ],
    [
      {
        notify_slack: "hooks.example.com/secret",
        notify_openclaw: "+15550100",
        notify_ntfy: "https://ntfy.sh/topic",
        notify_ntfy_file: "/home/you/ntfy"
      },
      [
        'notify_slack is what is not shown here, and should be an address that begins with https:// or http://. To mend it: pm2 set effect-healing:notify_slack "<value>"',
        'notify_openclaw is what is not shown here, and should be a channel of OpenClaw and whom to tell there, such as whatsapp:+15550100. To mend it: pm2 set effect-healing:notify_openclaw "<value>"',
        "notify_ntfy is there beside notify_ntfy_file, and should be one of the two. To mend it: pm2 unset effect-healing:notify_ntfy"
      ]
    ],
    [
      { openclaw_gateway: "http://127.0.0.1:18789", openclaw_gateway_token_file: "token" },
      [
        'openclaw_gateway is what is not shown here, and should be the address of a gateway of OpenClaw, such as ws://127.0.0.1:18789. To mend it: pm2 set effect-healing:openclaw_gateway "<value>"',
        'openclaw_gateway_token_file is "token", and should be the absolute path of a file that only its user may read (chmod 600). To mend it: pm2 set effect-healing:openclaw_gateway_token_file "<value>"'
      ]
    ],
    [
      { openclaw_gateway: "ws://127.0.0.1:18789", openclaw_gateway_token_file: "/nowhere/token" },
      [
        'openclaw_gateway_token_file is /nowhere/token, which cannot be read: no such file, and should be a file of at most 4 KiB that only its user may read (chmod 600). To mend it: pm2 set effect-healing:openclaw_gateway_token_file "<value>"'
      ]
    ],
    [
      { openclaw_gateway_token_file: "/home/you/token" },
      [
        'openclaw_gateway_token_file is there without openclaw_gateway, and should be beside it. To mend it: pm2 set effect-healing:openclaw_gateway "<value>"'
      ]
    ],
    [
      { config: "/nowhere/healing.yaml" },
      [
        'config is /nowhere/healing.yaml (no such file), and should be a readable YAML file. To mend it: edit the file, then pm2 restart effect-healing; or name another one: pm2 set effect-healing:config "<value>"'
      ]
    ]
  ]
  for (const [settings, lines] of refused) {
    it.effect(`are refused: ${Object.keys(settings).join(", ")}`, () =>
      Effect.gen(function* () {
        const error: BadSettings = yield* Effect.flip(loaded(settings))
        assert.deepStrictEqual(error.lines, lines)
      })
    )
  }

  it.scoped("are refused in the file", () =>
    Effect.gen(function* () {
      const file = join(yield* temporary, "healing.yaml")
      writeFileSync(file, "healing:\n  max_wait: soon\n")
      const error = yield* Effect.flip(loaded({ config: file }))
      assert.deepStrictEqual(error.lines, [
        `max_wait in ${file} is "soon", and should be a duration of zero or more with its unit, such as "5 minutes", or "infinity". To mend it: edit the file, then pm2 restart effect-healing`
      ])
    })
  )
})

describe("its reports", () => {
  const completed = (number: number, job: string) =>
    aRequest(number, { job, state: "completed", endedAt: 0, report: { summary: "Well." } })

  it.scopedLive("stay in their folder whatever their job is called, and are limited in age and number", () =>
    Effect.gen(function* () {
      const folder = join(yield* temporary, "reports")
      const write = (number: number, job: string) => ReportFiles.write(completed(number, job), folder, Duration.days(1))
      yield* write(1, "old")
      utimesSync(join(folder, "old-1.md"), 0, 0)
      writeFileSync(join(folder, "notes.txt"), "mine")
      utimesSync(join(folder, "notes.txt"), 0, 0)
      yield* write(2, "../../etc/passwd")
      yield* write(3, "..")
      assert.deepStrictEqual(readdirSync(folder).sort(), ["_-3.md", "__.._etc_passwd-2.md", "notes.txt"])
      for (let number = 4; number < 1010; number++) writeFileSync(join(folder, `api-${number}.md`), "")
      yield* write(1010, "api")
      const names = readdirSync(folder)
      assert.lengthOf(names, ReportFiles.MAX_REPORTS + 1)
      assert.includeMembers(names, ["notes.txt", "api-11.md", "api-1010.md"])
      assert.notInclude(names, "api-10.md")
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

describe("its lines", () => {
  const request = aRequest(7, { job: "api", triggers: ["failure", "manual"] })
  const at = 0
  const lines: ReadonlyArray<readonly [Parameters<typeof lineOf>[0], string]> = [
    [
      HealingEvent.Submitted({ at, request: { ...request, notBefore: 0 } }),
      `api: a review is wanted (failure, manual) and waits until ${time(0)}: healing:api:7`
    ],
    [
      HealingEvent.Coalesced({ at, request }),
      "api: its waiting review is wanted once more (failure, manual); further wishes are only counted"
    ],
    [HealingEvent.GivenBack({ at, request }), "api: the review waits again"],
    [
      HealingEvent.Retrying({ at, request, reason: "no\nnetwork" }),
      "api: the review has failed, and it is tried again: no network"
    ],
    [
      HealingEvent.Ended({ at, request: { ...request, state: "failed", reason: "no model" } }),
      "api: the review has failed: no model"
    ],
    [
      HealingEvent.GivenBack({
        at,
        request: { ...request, notBefore: 60_000, reason: "the supervisor has no job named api" }
      }),
      `api: the review waits until it can begin, since the supervisor has no job named api; the next look is at ${time(60_000)}`
    ],
    [
      HealingEvent.Explained({ at, job: "api" }),
      "api: it has failed as before, and is not reviewed again. To have it reviewed all the same: pm2 trigger effect-healing heal api"
    ],
    [HealingEvent.Started({ at, request }), "api: the review begins"],
    [HealingEvent.Paused({ at }), "the queue is paused"],
    [HealingEvent.Resumed({ at }), "the queue goes on"]
  ]
  for (const [event, line] of lines) {
    it(`tell of ${event._tag}: ${line}`, () => assert.strictEqual(lineOf(event), line))
  }

  it("say that a review has failed only if it has begun, and how often it was wanted", () => {
    const failed = HealingEvent.Ended({ at, request: { ...request, state: "failed", reason: "there is no program" } })
    assert.strictEqual(lineOf(failed, { hasBegun: false }), "api: no review was possible: there is no program")
    const retrying = HealingEvent.Retrying({ at, request, reason: "no answer" })
    assert.match(
      lineOf(retrying, { hasBegun: false }),
      /^api: no review was possible, and it is tried again: no answer$/
    )
    assert.match(lineOf(HealingEvent.Started({ at, request }), { wishes: 36 }), /begins, which was wanted 37 times$/)
  })

  it("have the times of the time zone of the machine, as PM2 writes them", () => {
    assert.match(time(0), /^19(69|70)-\d\d-\d\d \d\d:\d\d:\d\d$/)
  })
})
