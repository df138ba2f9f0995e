/**
 * The daemon of PM2, the module, and what its processes are to the running state.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../pm2/daemon/Client.js"
import { type Process, processesOf } from "../pm2/daemon/Payload.js"
import { MODULE } from "../pm2/Home.js"
import { matcher, NAMESPACE, type OpenClawRules, pattern, roleOf, VARIABLE } from "../pm2/OpenClawRules.js"
import { type Finding, fail, ok, warn } from "./Finding.js"
import type { ModuleValues } from "./ModuleValues.js"

/** By which PM2 calls a process that runs. */
const ONLINE = "online"

const moduleOf = (processes: ReadonlyArray<Process>): Finding => {
  const found = processes.find(({ isModule, job }) => isModule && job === MODULE)
  if (found === undefined) return fail("module", `PM2 has no module ${MODULE}`, `pm2 install ${MODULE}`)
  return found.status === ONLINE
    ? ok("module", `The module ${MODULE} is online, restarted ${found.restarts} times`)
    : fail("module", `The module ${MODULE} is ${found.status}`, `pm2 logs ${MODULE} --err --nostream says why`)
}

const rulesOf = ({ openclaw_name: name, openclaw_namespace: namespace = NAMESPACE }: ModuleValues): OpenClawRules => ({
  namespace,
  isNamed: Option.match(Option.flatMap(Option.fromNullable(name), pattern), {
    onNone: () => () => false,
    onSome: matcher
  })
})

const namesOf = (processes: ReadonlyArray<Process>): string =>
  Array.from(new Set(processes.map(({ job }) => job))).join(", ")

/** Which of them hold reviews up, and which are left out since they would do so for ever. */
const jobsOf = (processes: ReadonlyArray<Process>, rules: OpenClawRules): ReadonlyArray<Finding> => {
  const counting = processes.filter((process) => roleOf(process, rules) === "counts")
  const always = processes.filter((process) => roleOf(process, rules) === "always")
  const todo = `Put them into the namespace "${rules.namespace}", or ${VARIABLE}: "true" into their env; without one, reviews run beside everything`
  return [
    counting.length === 0
      ? warn("jobs", "No process counts as an OpenClaw job", todo)
      : ok("jobs", `OpenClaw jobs, for whose end reviews wait: ${namesOf(counting)}`),
    ...(always.length === 0
      ? []
      : [
          warn(
            "jobs",
            `Always up, so that no review waits for them: ${namesOf(always)}`,
            'Set autorestart: false for what ends by itself, or HEALING_OPENCLAW: "while-up" for what is to count all the while'
          )
        ])
  ]
}

/**
 * - `home`: that of PM2.
 * - `values`: what was set of the module.
 *
 * @internal
 */
export const all = (home: string, values: ModuleValues): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const { list } = yield* Client.open(home, () => {})
    const found = processesOf(yield* list, VARIABLE)
    if (Option.isNone(found)) {
      return [
        fail(
          "pm2",
          "PM2 tells its processes in a way that is not known",
          "Update effect-healing: pm2 install effect-healing"
        )
      ]
    }
    const { processes } = found.value
    return [
      ok("pm2", `PM2 answers in ${home}, with ${processes.length} processes`),
      moduleOf(processes),
      ...jobsOf(processes, rulesOf(values))
    ]
  }).pipe(
    Effect.scoped,
    Effect.catchAll(({ reason }) =>
      Effect.succeed([
        fail("pm2", `${reason}`, "Start it: pm2 resurrect, or pm2 ping; name another one with --home or PM2_HOME")
      ])
    )
  )
