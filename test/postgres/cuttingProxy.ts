/** Between a client and its PostgreSQL: it cuts connections at chosen messages of the client, or holds those up. */
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"

/**
 * - `before`: the server does not get the message.
 * - `after`: the server gets the message, and the client no answer.
 * - `deaf`: the server gets neither the message nor a word that its client is gone.
 */
export type Cut = "before" | "after" | "deaf"

/** The server gets the message when this has come true. */
export interface Hold {
  readonly until: Promise<void>
}

/** Splits a stream of bytes into the messages of the protocol. The first one has no type. */
const messages = (onMessage: (message: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  let isFirst = true
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const start = isFirst ? 0 : 1
      if (rest.length < start + 4) return
      const length = start + rest.readUInt32BE(start)
      if (rest.length < length) return
      isFirst = false
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      onMessage(message)
    }
  }
}

/** The text of a statement that is sent as one, with or without parameters. */
const textIn = (message: Buffer): string | undefined => {
  const type = String.fromCharCode(message[0] ?? 0)
  if (type === "Q") return message.toString("utf8", 5, message.length - 1)
  if (type !== "P") return undefined
  const [, text] = message.toString("utf8", 5).split("\0")
  return text
}

export interface CuttingProxy {
  readonly url: string
  /** What is done at each statement, if anything. */
  cut: (statement: string) => Cut | Hold | undefined
  readonly stop: () => Promise<void>
}

export const makeCuttingProxy = async (url: string): Promise<CuttingProxy> => {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on("error", () => {}).once("close", () => sockets.delete(socket))
    }
    let isCut = false
    const end = (socket: Socket) => () => {
      if (!isCut) socket.destroy()
    }
    client.once("close", end(upstream))
    upstream.once("close", end(client)).on("data", (chunk) => client.write(chunk))
    client.on(
      "data",
      messages((message) => {
        if (isCut) return
        const text = textIn(message)
        const cut = text === undefined ? undefined : proxy.cut(text)
        if (cut === undefined) return void upstream.write(message)
        if (typeof cut === "object") return void cut.until.then(() => upstream.write(message))
        isCut = true
        upstream.removeAllListeners("data")
        client.destroy()
        if (cut === "before") upstream.destroy()
        if (cut === "after") upstream.end(message)
      })
    )
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const own = new URL(url)
  own.port = String(address.port)
  const proxy: CuttingProxy = {
    url: own.href,
    cut: () => undefined,
    stop: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, "close")
    }
  }
  return proxy
}
