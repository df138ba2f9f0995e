import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Evidence, JobEvent } from "effect-healing"
import * as FailureSignature from "../../src/scheduler/FailureSignature.js"
import { ofText } from "../../src/scheduler/LogLine.js"
import { stableText } from "../../src/scheduler/StableText.js"
import { signatureOfLog } from "../support/failureSignature.js"
import { failureOf, noEvidence } from "../support/schedulerWorld.js"

const signature = (fields: Partial<JobEvent>, evidence: Partial<Evidence> = {}) =>
  FailureSignature.make(failureOf("A", "1", fields), { ...noEvidence, ...evidence }).pipe(
    Effect.provide(NodeContext.layer)
  )

/** Lines of which those of one row are the same failure, and those of different rows are not. */
const lines = [
  ["connect ECONNREFUSED 127.0.0.1:5432"],
  ["connect ECONNREFUSED 127.0.0.1:6379"],
  ["ORA-00942 raised"],
  ["ORA-01017 raised"],
  ["Error 0x80070005"],
  ["Error 0x80070020"],
  ["Cannot find module 'oauth2client'"],
  ["Cannot find module 'sqlite3lib'"],
  ["HTTP 429", "HTTP  429"],
  ["HTTP 500"],
  ["needs version 1.2.34"],
  ["needs version 1.2.35"],
  ["needs openclaw 2026.9.6"],
  ["needs openclaw 2026.9.7"],
  ["CVE-2024-123 found"],
  ["CVE-2024-124 found"],
  ["task_import2024 died"],
  ["task_import2025 died"],
  ["job_id=nightly is missing"],
  ["job_id=weekly is missing"],
  ["ERROR: [42P01] statement failed"],
  ["ERROR: [28P01] statement failed"],
  ["FATAL [0xE0434352] request rejected"],
  ["FATAL [0xC0000005] request rejected"],
  ["connect ECONNREFUSED 127.0.0.1:51820"],
  ["connect ECONNREFUSED 127.0.0.1:61616"],
  ["reset by peer 10.0.0.9:51820", "reset by peer 10.0.0.9:61616"],
  ["uid 1001 has no home"],
  ["uid 1002 has no home"],
  ["cannot write /b/shop_20260318_150153.dump", "cannot write /b/shop_20260519_000001.dump"],
  ["cannot write dump-2026-03-18_15-01-53.csv", "cannot write dump-2026-05-19_00-00-01.csv"],
  [
    "Killed process 4711 (node) total-vm:1234567kB, anon-rss:3456kB",
    "Killed process 9 (node) total-vm:7654321kB, anon-rss:1kB"
  ],
  ["pool is full (total=10, active=10, waiting=17)", "pool is full (total=10, active=10, waiting=3)"],
  ["event 1000 failed"],
  ["event 1026 failed"],
  ["on 18.03.2026 aborted", "on 1.4.2026 aborted"],
  ["2026-11-23T10:00:00.123Z Error: boom", "2026-11-24T11:59:59Z Error: boom", "2026-11-24 11:59:59,001 Error: boom"],
  ["Nov 23 10:00:00 host app: died", "Nov 24 9:59:59 host app: died"],
  ["[Mon Nov 23 10:00:00 2026] aborted", "[Tue Nov 24 11:00:00 2026] aborted"],
  ["at 10:00 AM failed", "at 9:59 PM failed"],
  ["app[712]: crashed", "app[71200]: crashed"],
  ['{"pid":7,"msg":"crashed"}', '{"pid":4711,"msg":"crashed"}'],
  ["cannot write /tmp/tmp_k2j3h4x", "cannot write /tmp/tmp.kQzXwVbNmA"],
  ["timeout after 31 ms", "timeout after 1.5 ms"],
  ["request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 died", "request 00000000-4f89-11d3-9a0c-0305e82c3302 died"],
  ["worker 123456 died", "worker 98765432 died"]
]

describe("stableText", () => {
  it("takes away what differs from run to run, and leaves what tells errors apart", () => {
    const seen = new Map<string, number>()
    for (const [row, same] of lines.entries()) {
      const normal = same.map((line) => stableText(ofText(line).text))
      assert.lengthOf([...new Set(normal)], 1, normal.join(" | "))
      assert.isFalse(seen.has(normal[0] ?? ""), `${same[0]} is not ${lines[seen.get(normal[0] ?? "") ?? 0]?.[0]}`)
      seen.set(normal[0] ?? "", row)
    }
  })
})

/** What Node.js 20 prints of an `error` event that nobody handles. */
const unhandled = (message: string, code: string) => `node:events:502
      throw er; // Unhandled 'error' event
      ^

${message}
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)
Emitted 'error' event on Socket instance at:
    at emitErrorNT (node:internal/streams/destroy:170:8)
    at emitErrorCloseNT (node:internal/streams/destroy:128:3) {
  errno: -111,
  code: '${code}',
  syscall: 'connect',
  address: '127.0.0.1',
  port: 5432
}

Node.js v20.20.0
`

describe("a failure is known", () => {
  it.effect.each([
    ["./run.sh: line 7: API_KEY: unbound variable", "./run.sh: line 7: REGION: unbound variable"],
    ["cp: kann '/srv/a' nicht öffnen: Keine Berechtigung", "cp: kann '/srv/b' nicht öffnen: Keine Berechtigung"],
    [
      "Missing environment variables:\n    API_URL: where the API is",
      "Missing environment variables:\n    REDIS_URL: the queue"
    ],
    [
      "Error: cannot parse\n  file: /etc/app/a.yml\n  rule: syntax",
      "Error: cannot parse\n  file: /etc/app/b.yml\n  rule: syntax"
    ],
    ["/srv/a.js\n  4:7  error  Unexpected console statement", "/srv/b.js\n  4:7  error  Unexpected console statement"],
    ["Error: Invalid expression\n\n  on a.tf line 4:", "Error: Invalid expression\n\n  on b.tf line 4:"]
  ])("by %s, and by %s", ([one, other]) =>
    Effect.gen(function* () {
      const signatures = [yield* signatureOfLog(one ?? ""), yield* signatureOfLog(other ?? "")]
      assert.notInclude(signatures, null)
      assert.strictEqual(new Set(signatures).size, 2)
    })
  )
})

describe("a failure", () => {
  it.effect("is told by the message of its error, and not by what stands behind that", () =>
    Effect.gen(function* () {
      const one = yield* signatureOfLog(unhandled("Error: connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED"))
      assert.isNotNull(one)
      assert.strictEqual(
        yield* signatureOfLog(unhandled("Error: connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED")),
        one
      )
      assert.notStrictEqual(
        yield* signatureOfLog(unhandled("Error: connect ECONNREFUSED 127.0.0.1:80", "ECONNREFUSED")),
        one
      )
      assert.notStrictEqual(yield* signatureOfLog(unhandled("Error: read ECONNRESET", "ECONNRESET")), one)
      const thrown = (message: string) => `${message}\n    at handleError (/srv/job.js:3:9)\n\nNode.js v20.20.0\n`
      assert.notStrictEqual(
        yield* signatureOfLog(thrown("TypeError: x")),
        yield* signatureOfLog(thrown("RangeError: y"))
      )
    })
  )

  it.effect("is told by its last line, and not by an older error in the log", () =>
    Effect.gen(function* () {
      const before = yield* signatureOfLog("Error: disk full\n")
      assert.notStrictEqual(yield* signatureOfLog("Error: disk full\nstarting\n429 Too Many Requests\n"), before)
      assert.notStrictEqual(yield* signatureOfLog(`Error: disk full\n${"working\n".repeat(40)}`), before)
    })
  )

  it.effect("of which nothing is known but its exit code cannot be told", () =>
    Effect.gen(function* () {
      assert.isNull(yield* signatureOfLog(""))
      assert.isNull(yield* signature({ exitCode: 1, lastError: "" }))
      const run = { id: "1", outcome: "failed", startedAt: 1, endedAt: 2, exitCode: null, signal: "SIGKILL" } as const
      assert.isNotNull(yield* signature({ exitCode: null, lastError: null }, { runs: [run] }))
    })
  )

  it.effect("is another one with each change of its exit code, command and files, however long they are", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const paths = Array.from({ length: 7 }, (_, index) => `${folder}/${index}.js`)
      for (const path of paths) yield* fs.writeFileString(path, "1")
      yield* fs.writeFileString(`${folder}/0.js`, "x".repeat(300_000))
      const files = paths.map((path) => ({ path, role: "script" as const }))
      const seen = new Set<string | null>()
      const look = (fields: Partial<JobEvent> = {}, evidence: Partial<Evidence> = {}) =>
        Effect.map(signature(fields, { files, ...evidence }), (one) => seen.add(one).size)
      assert.strictEqual(yield* look(), 1)
      assert.strictEqual(yield* look(), 1)
      assert.strictEqual(yield* look({ exitCode: 2 }), 2)
      assert.strictEqual(yield* look({}, { command: "node other.js" }), 3)
      yield* fs.writeFileString(`${folder}/6.js`, "2")
      assert.strictEqual(yield* look(), 4)
      yield* fs.writeFileString(`${folder}/0.js`, "y".repeat(300_001))
      assert.strictEqual(yield* look(), 5)
      assert.notInclude([...seen].join(), "boom")
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})
