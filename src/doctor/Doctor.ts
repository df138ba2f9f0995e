/**
 * What could be wrong with a set-up, and what to do. It only looks, but for a trial that the service has sent.
 *
 * @internal
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import type { PolicyIssue } from "../policy/HealingPolicy.js"
import { type Finding, fail, ok, warn } from "./Finding.js"
import * as MachineCheck from "./MachineCheck.js"
import * as ModuleValues from "./ModuleValues.js"
import * as OpenClawCheck from "./OpenClawCheck.js"
import * as Pm2Check from "./Pm2Check.js"
import * as StoreCheck from "./StoreCheck.js"

interface Trial {
  readonly channel: string
  readonly problem: string | null
}

/**
 * What the running service says of itself.
 *
 * - `problems`: what is wrong with policies.
 * - `unhealthy`: what `Healing.health` says.
 * - `trials`: what has come of a trial in each channel; `undefined` if it could not be tried.
 *
 * @internal
 */
export interface Running {
  readonly problems: ReadonlyArray<PolicyIssue>
  readonly unhealthy: ReadonlyArray<string>
  readonly trials?: ReadonlyArray<Trial> | undefined
}

/**
 * - `database`: the SQLite file.
 * - `home`: that of PM2, if its module is meant.
 * - `running`: what the service says, if it answers.
 *
 * @internal
 */
export interface Subject {
  readonly database: string
  readonly home: string | undefined
  readonly running: Running | undefined
}

const ofService = (running: Running | undefined): ReadonlyArray<Finding> => {
  if (running === undefined) {
    return [fail("service", "Nothing answers on the socket of the API", "Start the service, and look at its log")]
  }
  const { problems, trials, unhealthy } = running
  return [
    unhealthy.length === 0 ? ok("service", "The service answers, and says that all is well") : undefined,
    ...unhealthy.map((message) => fail("service", message, "Look at the log of the service")),
    problems.length === 0 ? ok("policies", "No policy has a problem") : undefined,
    ...problems.map(({ expected, job, key }) =>
      warn(
        "policies",
        `The policy of ${job}: ${key === "" ? "" : `${key}: `}${expected}`,
        "Mend the policy where it stands: until then, only a person has the job reviewed"
      )
    ),
    ...(trials === undefined ? [] : ofChannels(trials))
  ].filter((finding) => finding !== undefined)
}

const ofChannels = (trials: ReadonlyArray<Trial>): ReadonlyArray<Finding> => {
  if (trials.length === 0)
    return [
      ok("channels", "There is no channel, so that nobody is told of anything: the setting notify.channels makes one")
    ]
  return trials.map(({ channel, problem }) =>
    problem === null
      ? ok("channels", `A trial was sent through ${channel}`)
      : fail(
          "channels",
          `A trial was not sent through ${channel}: ${problem}`,
          "Mend notify.channels, or what it names"
        )
  )
}

/** @internal */
export const examine = ({
  database,
  home,
  running
}: Subject): Effect.Effect<ReadonlyArray<Finding>, never, CommandExecutor | FileSystem | Path> =>
  Effect.gen(function* () {
    const values = home === undefined ? {} : yield* ModuleValues.read(home)
    const { model, openclaw_command: command } = values
    const openClaw = { ...(command !== undefined && { command }), ...(model !== undefined && { model }) }
    return [
      MachineCheck.node(process.versions.node),
      yield* MachineCheck.sqlite,
      MachineCheck.timeZone(process.env.TZ),
      ...(home === undefined ? [] : yield* Pm2Check.all(home, values)),
      ...ofService(running),
      ...(yield* StoreCheck.all(database, running !== undefined)),
      ...(yield* OpenClawCheck.all(openClaw))
    ]
  })
