/**
 * The commands about what people are told.
 *
 * @internal
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { DeliveryState } from "../store/NoticeJournal.js"
import { oneLine } from "../text/OneLine.js"
import * as Asking from "./Asking.js"
import { open } from "./OpenSource.js"
import { CODES, Problem, problemOf, usage } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

const changing = { ...Where.options, ...Asking.options }

const limit = Options.integer("limit").pipe(
  Options.withDescription("How many at most, 1 to 1,000"),
  Options.withDefault(20)
)

/**
 * What was told and is to be told.
 *
 * @internal
 */
export const notices = Command.make(
  "notices",
  {
    ...Where.options,
    ...Screen.options,
    limit,
    job: Options.text("job").pipe(Options.withDescription("Of this job only"), Options.optional),
    channel: Options.text("channel").pipe(Options.withDescription("Of this channel only"), Options.optional),
    states: Options.choice("state", DeliveryState.literals).pipe(
      Options.withDescription("In this state only; it can be given several times"),
      Options.repeated
    ),
    before: Options.integer("before").pipe(
      Options.withDescription("Those before this number, for the next page"),
      Options.optional
    )
  },
  (options) =>
    Effect.gen(function* () {
      const page = yield* (yield* open(options)).notices({
        limit: options.limit,
        job: Option.getOrUndefined(options.job),
        channel: Option.getOrUndefined(options.channel),
        states: options.states.length === 0 ? undefined : options.states,
        before: Option.getOrUndefined(options.before)
      })
      if (options.json) return yield* Screen.json(page)
      const time = yield* Screen.times(options)
      const rows = yield* Effect.forEach(page.notices, ({ channel, createdAt, notice, number, reason, state }) =>
        Effect.map(Screen.state(state), (shown) => [
          `${number}`,
          time(createdAt),
          channel,
          shown,
          notice.severity,
          oneLine(notice.title),
          oneLine(reason ?? "")
        ])
      )
      yield* Screen.table(["NO", "WHEN", "CHANNEL", "STATE", "SEVERITY", "NOTICE", "WHY"], rows, "Nothing was told")
      if (page.next !== null) yield* Console.log(`For more: --before ${page.next}`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("What people were told and are to be told, the newest first"))

const job = Args.text({ name: "job" }).pipe(Args.withDescription("The name of a job"), Args.optional)

const signature = Options.text("signature").pipe(
  Options.withDescription("The signature of a failure, as its notice has it in JSON"),
  Options.optional
)

/** What is meant, in the words of the API and of people. */
const targetOf = (options: { readonly job: Option.Option<string>; readonly signature: Option.Option<string> }) => {
  const target = {
    ...(Option.isSome(options.job) && { job: options.job.value }),
    ...(Option.isSome(options.signature) && { signature: options.signature.value })
  }
  return Option.isNone(options.job) && Option.isNone(options.signature)
    ? usage("Name a job, or a failure by --signature")
    : Effect.succeed({ target, what: oneLine(Option.getOrElse(options.job, () => "that failure")) })
}

const mute = Command.make(
  "mute",
  {
    ...changing,
    utc: Screen.options.utc,
    json: Screen.options.json,
    job,
    signature,
    for: Options.text("for").pipe(Options.withDescription('For how long, such as "2 hours"; a year at most'))
  },
  (options) =>
    Effect.gen(function* () {
      const { api } = yield* Where.client(options)
      const { target, what } = yield* targetOf(options)
      yield* Asking.confirm(`Tell nothing more of ${what}?`, options)
      const muted = yield* Effect.mapError(api.notices.mute({ payload: { ...target, for: options.for } }), problemOf)
      if (options.json) return yield* Screen.json(muted)
      const time = yield* Screen.times(options)
      yield* Console.log(`Nothing is told of ${what} until ${time(muted.until)}`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets nothing be told of a job, or of a failure, for a time"))

const unmute = Command.make("unmute", { ...changing, job, signature }, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    const { target, what } = yield* targetOf(options)
    yield* Asking.confirm(`Tell of ${what} again?`, options)
    yield* Effect.mapError(api.notices.unmute({ payload: target }), problemOf)
    yield* Console.log(`${what} is told of again`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets it be told of again"))

const channel = Args.text({ name: "channel" }).pipe(
  Args.withDescription("The name of a channel; all of them if not said"),
  Args.optional
)

/** @internal */
export const test = Command.make("notify-test", { ...changing, json: Screen.options.json, channel }, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    yield* Asking.confirm("Send a trial?", options)
    const payload = Option.match(options.channel, { onNone: () => ({}), onSome: (channel) => ({ channel }) })
    const trials = yield* Effect.mapError(api.notices.test({ payload }), problemOf)
    if (options.json) yield* Screen.json(trials)
    else
      for (const { channel, problem } of trials) {
        yield* Console.log(problem === null ? `${channel}: sent` : `${channel}: not sent: ${oneLine(problem)}`)
      }
    if (trials.some(({ problem }) => problem !== null)) return yield* new Problem({ code: CODES.failed, message: "" })
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Sends a trial through a channel, or through all"))

/** @internal */
export const commands = [mute, unmute] as const
