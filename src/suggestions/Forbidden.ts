/**
 * Files that no suggestion may change, whatever is allowed.
 *
 * @internal
 */
import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import * as Predicate from "effect/Predicate"
import picomatch from "picomatch"
import { codeOf } from "../internal/ErrorCode.js"
import { realPath } from "../internal/RealPath.js"
import { isWithin } from "./OpenFolder.js"

/** Folders, and what is in them, by the beginnings of their names. */
const PREFIXES: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\.env/, "an environment"],
  [/^\.(openclaw|clawdbot|moltbot)/, "OpenClaw's own files"]
]

/** Folders, and what is in them, wherever they are. */
const FOLDERS: Readonly<Record<string, string>> = {
  ".git": "a repository's own files",
  ".hg": "a repository's own files",
  ".svn": "a repository's own files",
  node_modules: "an installed package",
  ".ssh": "settings of SSH",
  ".gnupg": "settings of GPG",
  ".pm2": "the supervisor's own files",
  ".procclaw": "the supervisor's own files",
  launchagents: "what launchd starts",
  launchdaemons: "what launchd starts"
}

/** Several folders, one in the other, wherever they are. */
const NESTED: ReadonlyArray<readonly [RegExp, string]> = [
  [/\/\.(config|local\/share)\/systemd(\/|$)/, "what systemd starts"],
  [/\/\.config\/autostart(\/|$)/, "what a session starts"],
  [/\/\.config\/fish(\/|$)/, "a start-up file of a shell"]
]

/** Files by their names, wherever they are. */
const FILES: ReadonlyArray<readonly [RegExp, string]> = [
  [/\.env$/, "an environment"],
  [
    /^\.(bash|ba|z|k|c|tc|fi)?sh(rc|env|_profile|_login|_logout|_aliases)$|^\.bash_(profile|login|logout|aliases)$/,
    "a start-up file of a shell"
  ],
  [
    /^\.(zprofile|zlogin|zlogout|profile|login|logout|inputrc|xprofile|xinitrc|xsession|xsessionrc|pam_environment)$/,
    "a start-up file"
  ],
  [/^(authorized_keys2?|known_hosts|id_(rsa|dsa|ecdsa|ed25519)(_sk)?(\.pub)?|sshd?_config)$/, "settings of SSH"],
  [/^(crontab|anacrontab)$/, "a table of cron"],
  [/\.(service|socket|timer|target|mount|automount|swap|path|slice|scope|device)$/, "what systemd starts"],
  [/^\.(netrc|npmrc|pypirc|pgpass|my\.cnf|git-credentials|gitconfig)$/, "credentials, or what leads to them"],
  [/^(ecosystem(\.config)?|pm2\.config)\.(c?js|mjs|ts|json5?|ya?ml)$/, "settings of the supervisor"],
  [/^procclaw\.ya?ml$/, "settings of the supervisor"]
]

/** Paths from the root on. */
const PATHS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\/(proc|sys|dev)(\/|$)/, "a part of the system"],
  [/^\/etc\/ssh(\/|$)/, "settings of SSH"],
  [/^\/etc\/cron|^\/var\/spool\/(ana)?cron|^\/var\/at(\/|$)/, "a table of cron"],
  [/^\/(etc|run|lib|usr\/lib|usr\/local\/lib)\/systemd(\/|$)/, "what systemd starts"],
  [
    /^\/etc\/(profile|profile\.d|bash|bash\.bashrc|bashrc|zsh|zshrc|environment|csh|fish)(\/|$)/,
    "a start-up file of a shell"
  ],
  [/^\/etc\/(sudoers|sudoers\.d|pam\.d|security|ld\.so[^/]*|init\.d|rc[^/]*)(\/|$)/, "settings of the system"]
]

/** As file systems compare names that make no difference between some: capitals, other forms of the same sign, and signs that nobody sees. */
const fold = (path: string): string =>
  path
    .normalize("NFKC")
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase()

const byName = (path: string): string | undefined => {
  const folded = fold(path).split(sep).join("/")
  const segments = folded.split("/")
  const folder = segments.find((segment) => Object.hasOwn(FOLDERS, segment))
  if (folder !== undefined) return FOLDERS[folder]
  const name = segments.at(-1) ?? ""
  return (
    PREFIXES.find(([pattern]) => segments.some((segment) => pattern.test(segment)))?.[1] ??
    NESTED.find(([pattern]) => pattern.test(folded))?.[1] ??
    FILES.find(([pattern]) => pattern.test(name))?.[1] ??
    PATHS.find(([pattern]) => pattern.test(folded))?.[1]
  )
}

/** The folder of this package; where it was bundled into another one, the file that it is in. */
const ownFolder = (): ReadonlyArray<string> => {
  // A bundle of CommonJS does not say where it is.
  const url: string | undefined = import.meta.url
  if (url === undefined) return []
  const file = realPath(fileURLToPath(url))
  const folder = dirname(dirname(dirname(file)))
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    return Predicate.hasProperty(found, "name") && found.name === "effect-healing" ? [folder] : [file]
  } catch {
    return [file]
  }
}

/**
 * What OpenClaw has in the environment, beside its folder: its configuration, and the workspaces that this names.
 *
 * - `stateFolder`, `config`: the values of `OPENCLAW_STATE_DIR` and `OPENCLAW_CONFIG_PATH`.
 */
const ofOpenClaw = ({ config, stateFolder }: OpenClawPaths): ReadonlyArray<string> | undefined => {
  const folder = expanded(stateFolder || "~/.openclaw")
  const file = config ? expanded(config) : join(folder, "openclaw.json")
  const workspaces = workspacesIn(file)
  return workspaces && [folder, file, ...workspaces]
}

/** In JSON5, so that a name may stand without quotes. What is no path there does no harm; `undefined` if it cannot be read. */
const workspacesIn = (file: string): ReadonlyArray<string> | undefined => {
  try {
    const found = readFileSync(file, "utf8").matchAll(/\bworkspace["']?\s*:\s*(["'])(.*?)\1/g)
    return Array.from(found, ([, , path = ""]) => expanded(path)).filter(isAbsolute)
  } catch (error) {
    return codeOf(error) === "ENOENT" ? [] : undefined
  }
}

/** As a shell reads a path: the folder of the user, and variables. */
const expanded = (path: string): string =>
  path
    .replace(/^~(?=\/|$)/, homedir())
    .replaceAll(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (found, one?: string, other?: string) => process.env[one ?? other ?? ""] ?? found
    )

/** @internal */
export interface OpenClawPaths {
  readonly stateFolder: string | undefined
  readonly config: string | undefined
}

/**
 * - `globs`: what the user forbids. One that is not absolute counts wherever it matches; one that matches a folder counts for all in it.
 * - `database`: the path of the database, if it is a file.
 * - `own`: paths of files and folders that are the supervisor's, or that hold settings.
 *
 * Returns why a file may not be changed, if it may not: give both its path and the same without links.
 *
 * @internal
 */
export const make = ({
  database,
  globs,
  openClaw,
  own
}: {
  readonly globs: ReadonlyArray<string>
  readonly database: string | undefined
  readonly own: ReadonlyArray<string>
  readonly openClaw: OpenClawPaths
}): ((path: string) => string | undefined) => {
  const anywhere = globs.map(expanded).flatMap((glob) => {
    if (!isAbsolute(glob)) return [glob, `**/${glob.replace(/^(\.\/)+/, "")}`]
    // What it begins with may be a link.
    const { base } = picomatch.scan(glob)
    return [glob, `${realPath(base)}${glob.slice(base.length)}`]
  })
  const matches = picomatch(
    anywhere.flatMap((glob) => [glob, `${glob.replace(/\/+$/, "")}/**`]),
    { dot: true, nocase: true }
  )
  const ofPackage = ownFolder()
  const databaseFile = database === undefined ? undefined : realPath(resolve(database))
  return (path) => {
    const inside = (folders: ReadonlyArray<string>) =>
      folders.some((folder) => isWithin(fold(realPath(resolve(folder))), fold(path)))
    // A line feed is a sign like others, for which a star of a glob does not stand.
    if (globs.length > 0 && (matches(path) || matches(path.replaceAll(/[\r\n]/g, "_"))))
      return "suggestions.forbidden names it"
    // Its log, its lock and its copies begin with its name.
    if (databaseFile !== undefined && fold(path).startsWith(fold(databaseFile)))
      return "it is the database, or beside it"
    if (inside(ofPackage)) return "it is a file of effect-healing"
    if (inside(own)) return "it is a file of the supervisor, or holds settings"
    const ofClaw = ofOpenClaw(openClaw)
    if (ofClaw === undefined) return "OpenClaw's configuration cannot be read, so its workspaces are not known"
    if (inside(ofClaw)) return "it is one of OpenClaw's own files"
    const kind = byName(path)
    return kind === undefined ? undefined : `it is ${kind}`
  }
}
