/**
 * The wire of PM2: AMP messages over its sockets, their parts strings and JSON.
 *
 * @internal
 */
import type { Writable } from "node:stream"
// @ts-expect-error It brings no types: https://github.com/tj/node-amp
import amp from "amp"
// @ts-expect-error It brings no types: https://github.com/tj/node-amp-message
import AmpMessage from "amp-message"
import * as Either from "effect/Either"

const {
  Stream,
  decode
}: {
  /** Tells each whole message by a `data`, within the `write` that has completed it. */
  readonly Stream: new () => Writable
  /** The parts of a message. */
  readonly decode: (message: Buffer) => ReadonlyArray<Buffer>
} = amp

/** What went wrong with a message: with its parts, or with JSON in it that cannot be parsed. */
const Message: new (
  partsOrMessage: ReadonlyArray<unknown> | Buffer
) => { readonly args: ReadonlyArray<unknown>; readonly toBuffer: () => Buffer } = AmpMessage

/**
 * Of one message, in bytes: of a list, which holds the environment of each process, some thousands of those.
 *
 * @internal
 */
export const MAX_MESSAGE = 64 * 1024 * 1024

/**
 * Takes the chunks of a socket, and gives each whole message. It answers `false` to a message that is too long.
 *
 * @internal
 */
export const makeReader = (
  onMessage: (message: Buffer) => void,
  maxMessage: number = MAX_MESSAGE
): ((chunk: Buffer) => boolean) => {
  const stream = new Stream()
  let pending = 0
  stream.on("data", (message: Buffer) => {
    pending = 0
    onMessage(message)
  })
  return (chunk) => {
    pending += chunk.length
    stream.write(chunk)
    return pending <= maxMessage
  }
}

/**
 * What a published message is about, told without parsing the rest, of which a flood of log lines makes a lot.
 *
 * @internal
 */
export const topicOf = (message: Buffer): string => {
  const [topic] = decode(message)
  return topic === undefined ? "" : topic.subarray(2, 2 + MAX_TOPIC).toString()
}

const MAX_TOPIC = 100

/**
 * The parts of a message, none if they cannot be read.
 *
 * @internal
 */
export const partsOf = (message: Buffer): ReadonlyArray<unknown> =>
  Either.getOrElse(
    Either.try(() => new Message(message).args),
    () => []
  )

/** @internal */
export const encode = (parts: ReadonlyArray<unknown>): Buffer => new Message(parts).toBuffer()
