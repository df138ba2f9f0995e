/**
 * What a file has beside its content, its permissions and its owner, and would lose, since another one takes its place.
 *
 * @internal
 */
import { execFile } from "node:child_process"
import * as Effect from "effect/Effect"

/** Nobody waits longer for a list. */
const TIMEOUT = 2000

const output = (command: string, args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.async((resume) => {
    const options = { timeout: TIMEOUT, maxBuffer: 64 * 1024, env: { PATH: process.env.PATH, LC_ALL: "C" } }
    const child = execFile(command, args, options, (error, stdout) =>
      resume(Effect.succeed(error === null ? stdout : ""))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** The sign behind the permissions: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ls.html, "optional alternate access method flag". */
const ofList: Readonly<Record<string, string>> = {
  "+": "its access list",
  "@": "its extended attributes",
  ".": "its security context"
}

/**
 * As far as the programs of the system tell: `ls`, `getfattr` and `lsattr` where they are installed.
 *
 * @internal
 */
export const lossesOf = (path: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    Effect.all(
      [
        output("ls", ["-ld", "--", path]),
        output("getfattr", ["--absolute-names", "-m", "-", "--", path]),
        output("lsattr", ["-d", "--", path])
      ],
      { concurrency: "unbounded" }
    ),
    ([list, attributes, flags]) => {
      const sign = ofList[/^[-\w]{10}(.)/.exec(list)?.[1] ?? ""]
      const names = attributes.split("\n").filter((line) => /^(user|trusted|security)\./.test(line))
      const set = /^([-\w]+)\s/.exec(flags)?.[1]?.replaceAll(/[-e]/g, "") ?? ""
      return [
        ...(sign === undefined ? [] : [sign]),
        ...names.map((name) => `its extended attribute ${name}`),
        ...(set === "" ? [] : [`its attributes ${set} (lsattr)`])
      ]
    }
  )
