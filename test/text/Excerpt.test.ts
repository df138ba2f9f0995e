import { execFileSync } from "node:child_process"
import * as NodeCrypto from "node:crypto"
import * as NodeFs from "node:fs"
import { FileSystem, Path } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Excerpt from "../../src/text/Excerpt.js"
import { assertWithout, privateKey, type SecretSample, secretSamples } from "../support/secretSamples.js"

/** What is looked at of a file. */
const READ = 256 * 1024

const ENOUGH = 2 * READ

const filler = (length: number): string => "all is well, as it was\n".repeat(Math.ceil(length / 23)).slice(-length)

/** A place in a folder of its own. */
const somewhere = Effect.gen(function* () {
  const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())
  return (yield* Path.Path).join(folder, "it")
})

const written = (content: string | Uint8Array) =>
  Effect.tap(somewhere, (path) => Effect.sync(() => NodeFs.writeFileSync(path, content)))

const onDisk = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, NodeContext.layer)

const sha256 = (content: string | Uint8Array): string =>
  `sha256:${NodeCrypto.createHash("sha256").update(content).digest("hex")}`

/** A file system whose files have no size, as those in /proc. */
const Sizeless = Layer.effect(
  FileSystem.FileSystem,
  Effect.map(FileSystem.FileSystem, (fs) => ({
    ...fs,
    stat: (path: string) => Effect.map(fs.stat(path), (info) => ({ ...info, size: FileSystem.Size(0) }))
  }))
).pipe(Layer.provide(NodeContext.layer))

const every: ReadonlyArray<readonly [name: string, sample: SecretSample]> = [
  ...Object.entries(secretSamples),
  ["a private key", privateKey]
]

/** As much as is read of a file takes a while. */
const few = every.filter(([name]) => ["a variable", "a token of GitHub", "a private key"].includes(name))

describe("what cannot be read is left out, and why", () => {
  const cases: Readonly<Record<string, readonly [make: (path: string) => string, why: string]>> = {
    "a file that is not there": [(path) => path, "no such file"],
    "a path through a file": [
      (path) => {
        NodeFs.writeFileSync(path, "")
        return `${path}/more`
      },
      "bad resource"
    ],
    "a folder": [
      (path) => {
        NodeFs.mkdirSync(path)
        return path
      },
      "a directory"
    ],
    "a pipe, for which nobody waits": [
      (path) => {
        execFileSync("mkfifo", [path])
        return path
      },
      "a pipe"
    ],
    "a link to a pipe": [
      (path) => {
        execFileSync("mkfifo", [`${path}.pipe`])
        NodeFs.symlinkSync(`${path}.pipe`, path)
        return path
      },
      "a pipe"
    ],
    "a device without an end": [() => "/dev/zero", "a character device"],
    "a link to nothing": [
      (path) => {
        NodeFs.symlinkSync(`${path}.gone`, path)
        return path
      },
      "no such file"
    ],
    "a link to itself": [
      (path) => {
        NodeFs.symlinkSync(path, path)
        return path
      },
      "bad resource"
    ],
    "a name that no file can have": [(path) => `${path}\0`, "a name that no file can have"],
    "a name longer than any": [(path) => path + "x".repeat(5000), "unknown"]
  }
  for (const [name, [make, why]] of Object.entries(cases)) {
    it.scoped(
      name,
      () =>
        Effect.gen(function* () {
          const path = make(yield* somewhere)
          const left = { text: "", remarks: [`left out: ${why}`] }
          assert.deepStrictEqual(yield* Excerpt.file(path, 100), { ...left, hash: null, isWhole: false })
          assert.deepStrictEqual(yield* Excerpt.logFile(path, 100), left)
          assert.isNull(yield* Excerpt.fileHash(path))
        }).pipe(onDisk),
      10_000
    )
  }

  it.scoped.skipIf(process.getuid?.() === 0)("a file that is not for us", () =>
    Effect.gen(function* () {
      const path = yield* written("for others")
      NodeFs.chmodSync(path, 0)
      const left = { text: "", remarks: ["left out: permission denied"] }
      assert.deepStrictEqual(yield* Excerpt.file(path, 100), { ...left, hash: null, isWhole: false })
      assert.deepStrictEqual(yield* Excerpt.logFile(path, 100), left)
    }).pipe(onDisk)
  )
})

describe("a file", () => {
  const whole: Readonly<Record<string, string>> = {
    "with nothing in it": "",
    "with a byte order mark": "\ufeffexport {}\n",
    "with the line ends of others": "a\r\nb\rc\n",
    "without a last line end": "a\nb",
    "with colours and other signs": "\u001b[31mred\u001b[0m\u0007\t",
    "with letters of many bytes": "日本語 👩‍👩‍👧 e\u0301 \u202e",
    "as long as is shown": "x".repeat(1000)
  }
  for (const [name, content] of Object.entries(whole)) {
    it.scoped(`${name} is shown byte for byte`, () =>
      Effect.gen(function* () {
        const path = yield* written(content)
        const hash = sha256(content)
        assert.deepStrictEqual(yield* Excerpt.file(path, 1000), { text: content, remarks: [], hash, isWhole: true })
        assert.strictEqual(yield* Excerpt.fileHash(path), hash)
      }).pipe(onDisk)
    )
  }

  // As `sha256sum` tells them
  it.scoped("has the hash that everybody else finds", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        (yield* Excerpt.file(yield* written("abc"), 100)).hash,
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      )
      assert.strictEqual(
        (yield* Excerpt.file(yield* written(""), 100)).hash,
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
      )
      assert.match((yield* Excerpt.file(yield* written(new Uint8Array([0, 255])), 100)).hash ?? "", /^sha256:.{64}$/)
    }).pipe(onDisk)
  )

  it.scoped("longer than is shown says how much was cut", () =>
    Effect.gen(function* () {
      const content = `${"x".repeat(1000)}end`
      assert.deepStrictEqual(yield* Excerpt.file(yield* written(content), 1000), {
        text: "x".repeat(1000),
        remarks: ["cut: 3 characters at the end"],
        hash: sha256(content),
        isWhole: false
      })
    }).pipe(onDisk)
  )

  it.scoped("with a secret is not whole, and says so", () =>
    Effect.gen(function* () {
      const content = "DB_PASSWORD=hunter2-Xq9\nDB_HOST=db\n"
      assert.deepStrictEqual(yield* Excerpt.file(yield* written(content), 1000), {
        text: "DB_PASSWORD=[secret]\nDB_HOST=db\n",
        remarks: ["secrets replaced"],
        hash: sha256(content),
        isWhole: false
      })
    }).pipe(onDisk)
  )

  it.scoped("that is no valid text is shown, but not whole", () =>
    Effect.gen(function* () {
      const content = Buffer.from([0x61, 0xff, 0x62, 0xc3])
      assert.deepStrictEqual(yield* Excerpt.file(yield* written(content), 1000), {
        text: "a\ufffdb\ufffd",
        remarks: ["parts of it are no valid UTF-8"],
        hash: sha256(content),
        isWhole: false
      })
    }).pipe(onDisk)
  )

  it.scoped("that is no text at all is left out", () =>
    Effect.gen(function* () {
      const content = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x00, 0x01])
      assert.deepStrictEqual(yield* Excerpt.file(yield* written(content), 1000), {
        text: "",
        remarks: ["left out: it is no text"],
        hash: sha256(content),
        isWhole: false
      })
    }).pipe(onDisk)
  )

  it.scoped("behind a link is that file", () =>
    Effect.gen(function* () {
      const path = yield* written("linked")
      NodeFs.symlinkSync(path, `${path}.link`)
      const expected = { text: "linked", remarks: [], hash: sha256("linked"), isWhole: true }
      assert.deepStrictEqual(yield* Excerpt.file(`${path}.link`, 100), expected)
    }).pipe(onDisk)
  )

  it.scoped("as long as is read at all has a hash; of a longer one its beginning was read", () =>
    Effect.gen(function* () {
      const last = yield* Excerpt.file(yield* written(filler(READ)), ENOUGH)
      assert.deepStrictEqual(last, { text: filler(READ), remarks: [], hash: sha256(filler(READ)), isWhole: true })
      const longer = yield* written(`${filler(READ)}!`)
      const { remarks, text, ...rest } = yield* Excerpt.file(longer, ENOUGH)
      assert.deepStrictEqual(rest, { hash: null, isWhole: false })
      assert.deepStrictEqual(remarks, ["only its beginning was read"])
      assert.isTrue(filler(READ).startsWith(text))
      assert.strictEqual(text.length, READ - 8192)
      assert.isNull(yield* Excerpt.fileHash(longer))
    }).pipe(onDisk)
  )

  it.scoped("of many bytes per letter is none the worse for a cut within one of them", () =>
    Effect.gen(function* () {
      const { remarks, text } = yield* Excerpt.file(yield* written(`a${"é".repeat(READ / 2)}`), 10)
      assert.strictEqual(text, `a${"é".repeat(9)}`)
      assert.deepStrictEqual(remarks.slice(0, 1), ["only its beginning was read"])
    }).pipe(onDisk)
  )

  // Those in /proc have no size, and others grow between the question for it and the reading.
  it.scoped("that is longer than its size says was not read to its end", () =>
    Effect.gen(function* () {
      const long = yield* written(filler(READ + 5))
      const short = yield* written("short")
      const sizeless = yield* Effect.all([Excerpt.file(long, 100), Excerpt.file(short, 100)]).pipe(
        Effect.provide(Sizeless)
      )
      assert.strictEqual(sizeless[0].hash, null)
      assert.strictEqual(sizeless[0].remarks[0], "only its beginning was read")
      assert.deepStrictEqual(sizeless[1], { text: "short", remarks: [], hash: sha256("short"), isWhole: true })
    }).pipe(onDisk)
  )

  it.scoped("has no part of a secret that the end of what is read parts", () =>
    Effect.gen(function* () {
      for (const [name, one] of few) {
        const at = one.text.indexOf(one.secret) + 19
        const path = yield* written(`${filler(READ - at - 1)}\n${one.text}\n${filler(100)}`)
        assertWithout((yield* Excerpt.file(path, ENOUGH)).text, one, name)
      }
    }).pipe(onDisk)
  )
})

describe("the beginning of a text", () => {
  it("says what was cut, and how much", () => {
    assert.deepStrictEqual(Excerpt.head("12345", 5), { text: "12345", remarks: [] })
    assert.deepStrictEqual(Excerpt.head("12345", 3), { text: "123", remarks: ["cut: 2 characters at the end"] })
    assert.deepStrictEqual(Excerpt.head("PASSWORD=hunter2", 12).remarks, [
      "cut: 5 characters at the end",
      "secrets replaced"
    ])
    assert.deepStrictEqual(Excerpt.head(filler(READ), ENOUGH), { text: filler(READ), remarks: [] })
    const longer = Excerpt.head(filler(READ + 1), 5)
    assert.strictEqual(longer.text, filler(READ + 1).slice(0, 5))
    assert.strictEqual(longer.remarks[0], "only its beginning was read")
  })

  for (const [name, one] of every) {
    it(`has no part of ${name}, wherever it is cut`, () => {
      const text = `${filler(9000)}\n${one.text}\n${filler(20)}`
      const from = text.indexOf(one.text)
      for (let end = from; end <= from + one.text.length; end += 3) {
        // What is shown of a whole text, and all of a text of which no more was read
        assertWithout(Excerpt.head(text, end).text, one, "what is shown")
        const read = Excerpt.head(text.slice(0, end), ENOUGH, true)
        assertWithout(read.text, one, "what was read")
        assert.isNotEmpty(read.text)
        assert.deepStrictEqual(read.remarks.slice(0, 1), ["only its beginning was read"])
      }
    })

    it(`has no part of ${name} among others, wherever it is cut`, () => {
      for (let end = 0; end <= one.text.length + 1; end += 5) {
        const short = Excerpt.shorten(`${"x ".repeat(200)}${one.text} and more`, 400 + end)
        // It is left to whoever puts them together, unless it was cut.
        assertWithout(Excerpt.head(short, ENOUGH).text, one)
        assert.match(short, / \[cut\]$|more$|\[secret\]$/)
        // Nor what is left at the end of what is looked at
        const long = Excerpt.shorten(`${filler(100 + 16_384 - end)}\n${one.text}\n${filler(1000)}`, 100)
        assertWithout(long, one)
        assert.match(long, / \[cut\]$/)
      }
    })
  }

  it("among others is as long as it may be, and says when it was cut", () => {
    assert.strictEqual(Excerpt.shorten("12345", 5), "12345")
    assert.strictEqual(Excerpt.shorten("123456", 5), "12345 [cut]")
    assert.strictEqual(Excerpt.shorten(filler(60_000), 50), `${filler(60_000).slice(0, 50)} [cut]`)
    // It is left to others to take out the secrets of what is short, and to say that they did.
    assert.strictEqual(Excerpt.shorten("PASSWORD=hunter2", 20), "PASSWORD=hunter2")
    assert.match(Excerpt.shorten(`PASSWORD=${"x1".repeat(15_000)}`, 100), / \[cut\]$/)
    // What is short enough without its secrets was not cut.
    assert.strictEqual(Excerpt.shorten("PASSWORD=hunter2-Xq9-correct-horse", 20), "PASSWORD=[secret]")
  })
})

describe("a log", () => {
  /** The same as a text and as a file. */
  const both = (text: string, maxLength = ENOUGH) =>
    Effect.gen(function* () {
      const shown = Excerpt.logText(text, maxLength)
      assert.deepStrictEqual(yield* Excerpt.logFile(yield* written(text), maxLength), shown)
      return shown
    })

  it.scoped("is shown from its end, and says how much was cut", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* both(""), { text: "", remarks: [] })
      assert.deepStrictEqual(yield* both("12345", 5), { text: "12345", remarks: [] })
      assert.deepStrictEqual(yield* both("12345", 3), {
        text: "345",
        remarks: ["cut: 2 characters at the beginning"]
      })
      assert.deepStrictEqual(yield* both("12345", 0), { text: "", remarks: ["cut: 5 characters at the beginning"] })
    }).pipe(onDisk)
  )

  it.scoped("that is longer than is read begins with its first whole line", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* both(filler(READ)), { text: filler(READ), remarks: [] })
      const text = `old\nparted\n${filler(READ - 4)}`
      assert.deepStrictEqual(yield* both(text), { text: filler(READ - 4), remarks: ["only its end was read"] })
    }).pipe(onDisk)
  )

  it.scoped("of one endless line is shown, without its beginning", () =>
    Effect.gen(function* () {
      const { remarks, text } = yield* both(`${"x ".repeat(READ)}end`)
      assert.deepStrictEqual(remarks, ["only its end was read"])
      assert.match(text, /end$/)
      assert.strictEqual(text.length, READ - 8192)
      // Nor does it take all else with it.
      assert.strictEqual((yield* both(`${"x ".repeat(READ)}\nend`)).text.length, READ - 8192)
    }).pipe(onDisk)
  )

  it.scoped("may be no text", () =>
    Effect.gen(function* () {
      const path = yield* written(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x00, 0x62, 0x0a]))
      assert.deepStrictEqual(yield* Excerpt.logFile(path, 100), { text: "a\ufffdb\n", remarks: [] })
    }).pipe(onDisk)
  )

  it("has lines only, and no colours", () => {
    const text = "\u001b[1;31mred\u001b[0m\r\n10%\r20%\r\u0007\u001b]0;title\u0007\tdone\u001b(B\n"
    assert.deepStrictEqual(Excerpt.logText(text, 100), { text: "red\n10%\n20%\n\tdone\n", remarks: [] })
    const link = "\u001b]8;;https://example.com\u001b\\here\u001b]8;;\u001b\\ \u009b1mbold\u009b0m"
    assert.strictEqual(Excerpt.logText(link, 100).text, "here bold")
    assert.deepStrictEqual(Excerpt.logText("\u001b[31mPASSWORD=hunter2-Xq9 at\u001b[0m 7\n", 100), {
      text: "PASSWORD=[secret] at 7\n",
      remarks: ["secrets replaced"]
    })
  })

  for (const [name, one] of few) {
    it(`has no part of ${name} that the beginning of what is read parts`, () => {
      const at = one.text.indexOf(one.secret)
      for (const from of [at + 1, at + Math.floor(one.secret.length / 3)]) {
        const parted = `${filler(100)}\n${one.text}\n`
        const lines = Excerpt.logText(`${parted}${filler(READ - one.text.length - 1 + from)}`, ENOUGH)
        assertWithout(lines.text, one, "a log of lines")
        assert.isNotEmpty(lines.text)
      }
    })

    if (!one.text.includes("\n")) {
      it(`has no part of ${name} in an endless line`, () => {
        const at = one.text.indexOf(one.secret) + 3
        const { text } = Excerpt.logText(`x ${one.text} ${"x ".repeat(READ)}`.slice(0, READ + at + 2), ENOUGH)
        assertWithout(text, one)
        assert.isNotEmpty(text)
      })
    }
  }

  for (const [name, one] of every) {
    it(`has no part of ${name}, wherever it is cut`, () => {
      const text = `${filler(20)}\n${one.text}\n${filler(500)}`
      for (let shown = 500; shown <= 502 + one.text.length; shown++) {
        assertWithout(Excerpt.logText(text, shown).text, one)
      }
    })

    it(`has no part of ${name} between the colours`, () => {
      const { text } = one
      for (const code of ["\u001b[31m", "\u001b[0m\u001b[1;33m", "\0", "\b"]) {
        for (let at = 0; at <= text.length; at += 3) {
          const split = `ok\n${text.slice(0, at)}${code}${text.slice(at)}\n`
          assertWithout(Excerpt.logText(split, 1000).text, one, `${JSON.stringify(code)} at ${at}`)
        }
      }
    })

    it(`has no part of ${name} behind what parts it from a word`, () => {
      for (const code of ["\r", "\u001b[31m", "\u001b[0m\u001b[1;33m", "\u009b31m", "\0"]) {
        const joined = `done${code}${one.text}\n`
        assertWithout(Excerpt.logText(joined, 1000).text, one, JSON.stringify(code))
      }
    })
  }
})
