/**
 * A stand-in for the provider of the model: it speaks as much of OpenAI's chat completions as the OpenClaw CLI needs, and
 * costs nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Effect, Queue, Schema } from "effect"

/** What the model does: it calls tools, one after the other, and then answers; or it is not to be had. */
export type Behaviour =
  | { readonly calls: ReadonlyArray<{ readonly name: string; readonly args: object }>; readonly text: string }
  | { readonly retryAfter: number }
  | "hang"

const Request = Schema.parseJson(
  Schema.Struct({
    tools: Schema.optionalWith(Schema.Array(Schema.Struct({ function: Schema.Struct({ name: Schema.String }) })), {
      default: () => []
    }),
    messages: Schema.Array(Schema.Struct({ role: Schema.String, content: Schema.Unknown }))
  })
)

const decode = Schema.decodeUnknownSync(Request)

export interface Asked {
  /** The tools that it was offered. */
  readonly tools: ReadonlyArray<string>
  /** What the tools have answered that it has called. */
  readonly results: ReadonlyArray<string>
  readonly authorization: string | undefined
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

const chunk = (choices: ReadonlyArray<object>, usage?: object) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "mock-1", choices, usage })}\n\n`

const usage = { prompt_tokens: 111, completion_tokens: 7, total_tokens: 118 }

const answer = (response: ServerResponse, behaviour: Behaviour, called: number) => {
  if (behaviour === "hang") return
  if ("retryAfter" in behaviour) {
    response.writeHead(429, { "content-type": "application/json", "retry-after": `${behaviour.retryAfter}` })
    response.end(JSON.stringify({ error: { message: "Rate limit reached", code: "rate_limit_exceeded" } }))
    return
  }
  const call = behaviour.calls[called]
  const delta =
    call === undefined
      ? { role: "assistant", content: behaviour.text }
      : {
          role: "assistant",
          tool_calls: [
            {
              index: 0,
              id: `call_${called}`,
              type: "function",
              function: { name: call.name, arguments: JSON.stringify(call.args) }
            }
          ]
        }
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.write(chunk([{ index: 0, delta, finish_reason: null }]))
  response.write(chunk([{ index: 0, delta: {}, finish_reason: call === undefined ? "stop" : "tool_calls" }]))
  response.end(`${chunk([], usage)}data: [DONE]\n\n`)
}

export const makeProvider = (behaviour: Behaviour) =>
  Effect.gen(function* () {
    const asked = yield* Queue.unbounded<Asked>()
    const serve = async (request: IncomingMessage, response: ServerResponse) => {
      // Whether it is there at all, which the gateway asks before each of its cron jobs.
      if (request.method === "GET") {
        response.writeHead(200, { "content-type": "application/json" })
        return response.end(JSON.stringify({ object: "list", data: [{ id: "mock-1", object: "model" }] }))
      }
      const { messages, tools } = decode(await bodyOf(request))
      const results = messages.filter(({ role }) => role === "tool").map(({ content }) => JSON.stringify(content))
      Queue.unsafeOffer(asked, {
        tools: tools.map((tool) => tool.function.name),
        results,
        authorization: request.headers.authorization
      })
      answer(response, behaviour, results.length)
    }
    const server = yield* Effect.acquireRelease(
      Effect.async<ReturnType<typeof createServer>>((resume) => {
        const server = createServer((request, response) => void serve(request, response))
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close().closeAllConnections())
    )
    const address = server.address()
    const port = typeof address === "object" ? address?.port : undefined
    return { url: `http://127.0.0.1:${port}/v1`, asked }
  })

/** What OpenClaw's configuration says of its models so that it asks this provider. */
export const modelsOf = (url: string, apiKey: string) => ({
  mode: "merge",
  catalogRefresh: { enabled: false },
  providers: {
    mock: {
      baseUrl: url,
      apiKey,
      api: "openai-completions",
      models: [
        {
          id: "mock-1",
          name: "Mock",
          reasoning: false,
          input: ["text"],
          cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
          contextWindow: 120_000,
          maxTokens: 4096
        }
      ]
    }
  }
})
