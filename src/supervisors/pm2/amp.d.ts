/** What is used of two packages that bring no types: https://github.com/tj/node-amp, https://github.com/tj/node-amp-message. */

declare module "amp" {
  import type { Writable } from "node:stream"

  const amp: {
    /** Tells each whole message by a `data`, within the `write` that has completed it. */
    readonly Stream: new () => Writable
    /** The parts of a message. */
    readonly decode: (message: Buffer) => ReadonlyArray<Buffer>
  }
  export default amp
}

declare module "amp-message" {
  /** Of the parts of a message, or of one that was received, whose JSON it may fail to parse. */
  export default class Message {
    constructor(partsOrMessage: ReadonlyArray<unknown> | Buffer)
    readonly args: ReadonlyArray<unknown>
    toBuffer(): Buffer
  }
}
