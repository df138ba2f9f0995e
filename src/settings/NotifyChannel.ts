/**
 * The channels through which people are told, as people write them.
 *
 * @since 0.1.0
 */
import { isAbsolute } from "node:path"
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import { didYouMean, expecting, optional, withDefault } from "../internal/Input.js"
import { SuggestionSeverity } from "../request/Report.js"
import { NoticeKind } from "./NoticeKind.js"
import { Glob, MAX_ITEMS, type SettingKind } from "./SettingKind.js"

const MAX_TEXT = 4096

const aText = (what: string) => expecting(what)(Schema.NonEmptyString.pipe(Schema.maxLength(MAX_TEXT)))

const secret = (what: string) =>
  optional(
    expecting(what)(
      Schema.Union(
        Schema.RedactedFromSelf(Schema.NonEmptyString.pipe(Schema.maxLength(MAX_TEXT))),
        Schema.Redacted(Schema.NonEmptyString.pipe(Schema.maxLength(MAX_TEXT)))
      )
    )
  )

const variable = optional(
  expecting("the name of an environment variable, such as SLACK_URL")(
    Schema.String.pipe(Schema.pattern(/^[A-Za-z_]\w{0,255}$/))
  )
)

const secretFile = optional(
  expecting("the absolute path of a file")(
    Schema.String.pipe(
      Schema.maxLength(MAX_TEXT),
      Schema.filter((path) => isAbsolute(path))
    )
  )
)

const filter = {
  kinds: optional(
    expecting(`a list of some of ${NoticeKind.literals.join(", ")}`)(
      Schema.Array(NoticeKind).pipe(Schema.minItems(1), Schema.maxItems(MAX_ITEMS))
    )
  ),
  severity: withDefault(expecting(SuggestionSeverity.literals.join(", "))(SuggestionSeverity), () => "low" as const),
  jobs: optional(
    expecting('a list of 1 to 100 globs of names of jobs, such as "digest-*"')(
      Schema.Array(Glob).pipe(Schema.minItems(1), Schema.maxItems(MAX_ITEMS))
    )
  )
}

const AN_ADDRESS = "an address that begins with https:// or http://"

const url = { url: secret(AN_ADDRESS), urlEnv: variable, urlFile: secretFile }

const token = { token: secret("a token"), tokenEnv: variable, tokenFile: secretFile }

const Webhook = Schema.Struct({
  type: Schema.Literal("webhook"),
  ...filter,
  ...url,
  secret: secret("a secret of Standard Webhooks"),
  secretEnv: variable,
  secretFile
})

const Slack = Schema.Struct({ type: Schema.Literal("slack"), ...filter, ...url })

const Discord = Schema.Struct({ type: Schema.Literal("discord"), ...filter, ...url })

const Ntfy = Schema.Struct({ type: Schema.Literal("ntfy"), ...filter, ...url, ...token })

const Telegram = Schema.Struct({
  type: Schema.Literal("telegram"),
  ...filter,
  ...token,
  chatId: expecting("the id of a chat, such as -1001234567890, or the name of a channel, such as @alerts")(
    Schema.Union(Schema.Int, Schema.NonEmptyString.pipe(Schema.maxLength(256)))
  ),
  server: optional(
    expecting(AN_ADDRESS)(Schema.String.pipe(Schema.maxLength(MAX_TEXT), Schema.pattern(/^https?:\/\/[^/?#@\s]+$/)))
  )
})

const Address = Schema.String.pipe(Schema.maxLength(320), Schema.pattern(/^[^\s@,;<>"]+@[^\s@,;<>"]+$/))

const Email = Schema.Struct({
  type: Schema.Literal("email"),
  ...filter,
  ...url,
  from: expecting("an e-mail address")(Address),
  to: expecting("a list of 1 to 100 e-mail addresses")(
    Schema.Array(Address).pipe(Schema.minItems(1), Schema.maxItems(MAX_ITEMS))
  )
})

const Command = Schema.Struct({
  type: Schema.Literal("command"),
  ...filter,
  command: expecting('a command, which is a list of 1 to 100 words, such as ["/usr/local/bin/tell", "--json"]')(
    Schema.Array(Schema.NonEmptyString.pipe(Schema.maxLength(MAX_TEXT))).pipe(
      Schema.minItems(1),
      Schema.maxItems(MAX_ITEMS)
    )
  )
})

const OpenClaw = Schema.Struct({
  type: Schema.Literal("openclaw"),
  ...filter,
  channel: expecting("the name of one of OpenClaw's channels, such as whatsapp")(
    Schema.String.pipe(Schema.pattern(/^[\w-]{1,64}$/))
  ),
  target: expecting("whom to tell there, such as +15550100")(
    Schema.String.pipe(Schema.maxLength(256), Schema.pattern(/^[^\s-]\S*$/))
  ),
  account: optional(
    expecting("the name of an account of OpenClaw")(Schema.String.pipe(Schema.pattern(/^\w[\w.-]{0,63}$/)))
  ),
  command: withDefault(aText("the name of a program, or its path"), () => "openclaw")
})

const App = Schema.Struct({ type: Schema.Literal("app"), ...filter })

/**
 * One channel, told apart by `type`. All may have a filter: `kinds` of notices (all), from which `severity` on (`low`), of which `jobs`, by
 * globs of their names (all; notices about no job go to channels without `jobs`).
 *
 * What is secret is named in one of three ways: by itself (`url`), by the environment variable that has it (`urlEnv`), or by a file that only
 * its user may read (`urlFile`).
 *
 * - `webhook`: JSON of `Notice` by POST to a `url`, signed as Standard Webhooks says if there is a `secret`.
 * - `slack`: an incoming webhook of Slack, or of what understands the same, such as Mattermost.
 * - `discord`: a webhook of Discord.
 * - `ntfy`: the `url` of a topic, such as `https://ntfy.sh/my-topic`, and its `token` if it has one.
 * - `telegram`: the `token` of a bot, and the chat (`chatId`) in which it is. `server` is that of a Bot API server of one's own.
 * - `email`: over SMTP, by a `url` such as `smtps://user:password@mail.example.com`, `from` one address `to` others.
 * - `command`: a program gets JSON of `Notice` on its standard input. No shell takes part.
 * - `openclaw`: by a `channel` of the user's OpenClaw, such as `whatsapp`, to a `target`.
 * - `app`: the `Notifier` of the app.
 *
 * @since 0.1.0
 * @category schemas
 */
export const NotifyChannel = Schema.Union(Webhook, Slack, Discord, Ntfy, Telegram, Email, Command, OpenClaw, App)

/**
 * @since 0.1.0
 * @category models
 */
export type NotifyChannel = typeof NotifyChannel.Type

/**
 * @since 0.1.0
 * @category models
 */
export type NotifyChannelInput = typeof NotifyChannel.Encoded

const ofType = <A, I>(schema: Schema.Schema<A, I> & { readonly fields: object }) => ({
  keys: Object.keys(schema.fields),
  decode: Schema.decodeUnknownEither(schema, { errors: "first", onExcessProperty: "error" })
})

interface ChannelType {
  readonly keys: ReadonlyArray<string>
  readonly decode: (given: unknown) => Either.Either<NotifyChannel, ParseResult.ParseError>
}

const types: Readonly<Record<NotifyChannel["type"], ChannelType>> = {
  webhook: ofType(Webhook),
  slack: ofType(Slack),
  discord: ofType(Discord),
  ntfy: ofType(Ntfy),
  telegram: ofType(Telegram),
  email: ofType(Email),
  command: ofType(Command),
  openclaw: ofType(OpenClaw),
  app: ofType(App)
}

/** In which places of each type something secret may stand, and whether it has to. */
const secrets: Readonly<Record<NotifyChannel["type"], Readonly<Record<string, boolean>>>> = {
  webhook: { url: true, secret: false },
  slack: { url: true },
  discord: { url: true },
  ntfy: { url: true, token: false },
  telegram: { token: true },
  email: { url: true },
  command: {},
  openclaw: {},
  app: {}
}

const MAX_CHANNELS = 20

const NAME = /^[\w-]{1,64}$/

type Channels = Readonly<Record<string, NotifyChannel>>

/** Why something is wrong, without anything that was found: an address is a secret. */
class Wrong {
  constructor(
    readonly where: ReadonlyArray<string>,
    readonly expected: string
  ) {}
}

const isType = (type: unknown): type is NotifyChannel["type"] => Predicate.isString(type) && Object.hasOwn(types, type)

/** The ways to name something secret, of which there may be one. */
const waysOf = (field: string): ReadonlyArray<string> => [field, `${field}Env`, `${field}File`]

const decodeChannel = (
  name: string,
  raw: unknown,
  spell: (key: string) => string
): Either.Either<NotifyChannel, Wrong> => {
  const wrong = (expected: string, ...where: ReadonlyArray<string>) =>
    Either.left(new Wrong([name, ...where], expected))
  if (!NAME.test(name)) return wrong("a name of 1 to 64 letters, digits, _ and -")
  if (!Predicate.isReadonlyRecord(raw)) return wrong("a mapping with a type")
  const given = Record.filter(raw, (value) => value !== undefined && value !== null)
  const { type } = given
  if (!isType(type)) return wrong(Object.keys(types).join(", "), "type")
  const { decode, keys } = types[type]
  const decoded = decode(given)
  if (Either.isLeft(decoded)) {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)
    const [field = "", ...others] = (issue?.path ?? []).map(String)
    const where = [spell(field), ...others]
    if (issue?._tag === "Unexpected")
      return wrong(`a known key (${didYouMean(spell(field), keys.map(spell))})`, ...where)
    const expected = issue?.message ?? ""
    return wrong(expected.startsWith("expected ") ? expected.slice("expected ".length) : "something else", ...where)
  }
  for (const [field, isNeeded] of Object.entries(secrets[type])) {
    const ways = waysOf(field)
    const found = ways.filter((way) => way in given).length
    if (found > 1 || (isNeeded && found === 0)) return wrong(`one of ${ways.map(spell).join(", ")}`)
  }
  return Either.right(decoded.right)
}

const decodeAll = (raw: unknown, spell: (key: string) => string): Either.Either<Channels, Wrong> => {
  if (!Predicate.isReadonlyRecord(raw) || Array.isArray(raw))
    return Either.left(new Wrong([], "a mapping of names to channels"))
  if (Object.keys(raw).length > MAX_CHANNELS) return Either.left(new Wrong([], `at most ${MAX_CHANNELS} channels`))
  return Either.map(
    Either.all(
      Object.entries(raw).map(([name, one]) =>
        Either.map(decodeChannel(name, one, spell), (channel) => [name, channel] as const)
      )
    ),
    (all) => Object.fromEntries(all)
  )
}

/** Files spell keys in snake case. */
const camelCased = (raw: unknown): unknown =>
  Predicate.isReadonlyRecord(raw) && !Array.isArray(raw)
    ? Record.map(raw, (one) =>
        Predicate.isReadonlyRecord(one) && !Array.isArray(one)
          ? Object.fromEntries(Object.entries(one).map(([key, value]) => [Str.snakeToCamel(key), value]))
          : one
      )
    : raw

const inCode = Schema.Record({ key: Schema.String, value: NotifyChannel })

const toParseError = ({ expected, where }: Wrong): ParseResult.ParseError =>
  new ParseResult.ParseError({
    // What was found is left out.
    issue: new ParseResult.Type(inCode.ast, undefined, [...where, expected].join(": "))
  })

/** @internal */
export const channels: SettingKind<Channels, typeof inCode.Encoded> = {
  inCode,
  decode: {
    code: (raw) =>
      Either.mapLeft(
        decodeAll(raw, (key) => key),
        toParseError
      ),
    yaml: (raw) => Either.mapLeft(decodeAll(camelCased(raw), Str.camelToSnake), toParseError),
    environment: undefined
  },
  expected: "a mapping of names to channels, each with its type",
  expectedInText: "a mapping of names to channels, each with its type",
  explain: (error) => ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? "",
  isSecret: true,
  fallback: {}
}

/**
 * The environment variables that have something secret. No child process is to get them.
 *
 * @internal
 */
export const secretVariables = (all: Channels): ReadonlyArray<string> =>
  Arr.dedupe(
    Object.values(all).flatMap((channel) =>
      Object.entries(channel).flatMap(([key, value]) =>
        key.endsWith("Env") && Predicate.isString(value) ? [value] : []
      )
    )
  )

/**
 * How something secret of a channel is named.
 *
 * @internal
 */
export interface SecretSource {
  readonly value: Redacted.Redacted | undefined
  readonly variable: string | undefined
  readonly file: string | undefined
}

/**
 * Of the field `url`, `token` or `secret`; `undefined` if it is not there.
 *
 * @internal
 */
export const secretSource = (channel: NotifyChannel, field: string): SecretSource | undefined => {
  const given: Readonly<Record<string, unknown>> = { ...channel }
  const [value, variable, file] = waysOf(field).map((way) => given[way])
  if (value === undefined && variable === undefined && file === undefined) return undefined
  return {
    value: Redacted.isRedacted(value) ? (value as Redacted.Redacted) : undefined,
    variable: Predicate.isString(variable) ? variable : undefined,
    file: Predicate.isString(file) ? file : undefined
  }
}
