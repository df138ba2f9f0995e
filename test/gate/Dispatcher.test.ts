import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { Dispatcher, type Situation } from "../../src/gate/Dispatcher.js"
import type { Lane } from "../../src/gate/Lanes.js"
import { byTurn } from "../../src/gate/Line.js"
import * as Ticket from "../../src/gate/Ticket.js"

interface Options {
  readonly enabled?: boolean
  readonly maxConcurrent?: number
  readonly onMaxWait?: "fail" | "run"
}

/** A dispatcher, and what it has told of each ticket. */
const makeWorld = ({ enabled = true, maxConcurrent = 1, onMaxWait = "fail" }: Options = {}) => {
  const dispatcher = new Dispatcher({ enabled, maxConcurrent, onMaxWait })
  const lane = dispatcher.lanes.make()
  const told: Array<string> = []
  let places = 0

  /** What its owner does when it is told of a grant. */
  let onGrant = (_: Ticket.Ticket) => {}

  const owner: Ticket.Owner<Ticket.Ticket> = {
    granted: (ticket) => {
      told.push(`${ticket.job} granted`)
      onGrant(ticket)
    },
    begun: () => {},
    deadlinePassed: ({ job }, at, _, ahead) => {
      told.push(`${job} passed at ${at}, ${ahead} ahead`)
      return undefined
    },
    timedOut: ({ job }) => told.push(`${job} timed out`),
    closed: () => {}
  }

  const enter = (job: string, options: Partial<Ticket.TicketOptions> = {}): Ticket.Ticket => {
    const ticket: Ticket.Ticket = {
      ...Ticket.make({
        job,
        lane,
        priority: -10,
        place: places++,
        notBefore: Number.NEGATIVE_INFINITY,
        deadline: Number.POSITIVE_INFINITY,
        calledAt: 0,
        limit: Number.POSITIVE_INFINITY,
        ...options
      }),
      owner
    }
    ticket.stage = "waiting"
    ticket.lane.line.add(ticket)
    return ticket
  }

  return {
    dispatcher,
    lane,
    told,
    enter,
    whenGranted: (f: (ticket: Ticket.Ticket) => void) => {
      onGrant = f
    },
    decide: (situation: Partial<Situation> = {}) =>
      dispatcher.decide({ at: 0, quietAt: 0, started: 0, ...situation }, () => [])
  }
}

/** Its review has begun: the last check was made. */
const begin = (ticket: Ticket.Ticket, turn: Partial<Ticket.Turn>) => {
  assert.isDefined(ticket.turn)
  ticket.stage = "reviewing"
  Object.assign(ticket.turn, turn)
}

describe("a decision", () => {
  it("R1, R5: grants the turns that there are, in their order", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(
          FastCheck.record({ priority: FastCheck.integer({ min: -4, max: -1 }), inSecond: FastCheck.boolean() })
        ),
        FastCheck.integer({ min: 1, max: 4 }),
        (wishes, maxConcurrent) => {
          const { decide, dispatcher, enter, lane } = makeWorld({ maxConcurrent })
          const second = dispatcher.lanes.make()
          const tickets = wishes.map(({ inSecond, priority }, index) =>
            enter(`${index}`, { priority, lane: inSecond ? second : lane })
          )
          decide()
          const expected = tickets.toSorted(byTurn).slice(0, maxConcurrent)
          assert.deepStrictEqual(Array.from(dispatcher.turns), expected)
          for (const ticket of tickets)
            assert.strictEqual(ticket.stage, expected.includes(ticket) ? "granted" : "waiting")
          assert.strictEqual(dispatcher.lanes.waiting, tickets.length - expected.length)
        }
      )
    )
  })

  it("R2: grants none before it is quiet, nor while healing is switched off", () => {
    for (const [options, quietAt, granted] of [
      [{}, 11, []],
      [{}, Number.POSITIVE_INFINITY, []],
      [{}, 10, ["x granted"]],
      [{ enabled: false }, 0, []]
    ] as const) {
      const { decide, enter, told } = makeWorld(options)
      enter("x")
      decide({ at: 10, quietAt })
      assert.deepStrictEqual<ReadonlyArray<string>>(told, granted)
    }
  })

  it("R6: a grant at the same instant wins over a deadline", () => {
    const { decide, enter, told } = makeWorld()
    enter("x", { deadline: 10 })
    enter("y", { deadline: 10 })
    enter("z", { deadline: 11 })
    assert.strictEqual(decide({ at: 10 }), 1)
    assert.deepStrictEqual(told, ["x granted", "y passed at 10, 0 ahead"])
  })

  it("R6: lets an overdue one go first, while jobs run", () => {
    const { decide, enter, told } = makeWorld({ onMaxWait: "run" })
    enter("first", { priority: -1 })
    const overdue = enter("overdue", { deadline: 10 })
    decide({ at: 10, quietAt: Number.POSITIVE_INFINITY })
    assert.deepStrictEqual(told, ["overdue granted"])
    assert.isTrue(overdue.overdue)
  })

  it("R3: passes a hundred deadlines, and the others in the next one", () => {
    const { decide, enter, told } = makeWorld()
    for (let i = 0; i < 250; i++) enter(`${i}`, { deadline: i })
    for (const passed of [100, 200, 250]) {
      decide({ at: 1000, quietAt: Number.POSITIVE_INFINITY })
      assert.lengthOf(told, passed)
    }
  })

  it("R10: has those give way who may, for an instance that has started since their last check", () => {
    const { decide, enter, told } = makeWorld({ maxConcurrent: 3 })
    const tickets = ["may", "later", "not"].map((job) => enter(job))
    decide()
    const gaveWay: Array<string> = []
    tickets.forEach((ticket, index) => {
      begin(ticket, { started: index === 1 ? 3 : 2, giveWay: index === 2 ? undefined : () => gaveWay.push(ticket.job) })
    })
    for (const started of [2, 3, 3]) decide({ started, quietAt: Number.POSITIVE_INFINITY })
    assert.deepStrictEqual(gaveWay, ["may"])
    assert.lengthOf(told, 3)
  })

  it("tells of a review that has taken as long as it may, once", () => {
    const { decide, enter, told } = makeWorld()
    const ticket = enter("x")
    decide()
    begin(ticket, { limitAt: 20 })
    for (const at of [19, 20, 21]) decide({ at })
    assert.deepStrictEqual(told, ["x granted", "x timed out"])
  })

  it("looks at the lanes anew between two grants, since an owner may hold one while it is told", () => {
    const { decide, enter, lane, told, whenGranted } = makeWorld({ maxConcurrent: 3 })
    whenGranted(() => lane.hold("day", { until: 100, heldBy: () => ({ _tag: "Paused" }), isForGranted: true }))
    enter("x")
    enter("y")
    decide({ at: 99 })
    assert.deepStrictEqual(told, ["x granted"])
    decide({ at: 100 })
    assert.deepStrictEqual(told, ["x granted", "y granted"])
  })
})

describe("the next instant at which something is to be decided", () => {
  const nothing = Number.POSITIVE_INFINITY

  const cases: Record<
    string,
    readonly [(world: ReturnType<typeof makeWorld>) => unknown, quietAt: number, next: number]
  > = {
    "is none if nobody waits": [() => {}, 50, nothing],
    "is the end of the quiet period": [({ enter }) => enter("x"), 50, 50],
    "is a deadline before that": [({ enter }) => enter("x", { deadline: 40 }), 50, 40],
    "is a deadline alone while a job runs": [({ enter }) => enter("x", { deadline: 40 }), nothing, 40],
    "is the end of a delay": [({ enter }) => enter("x", { notBefore: 60 }), 50, 60],
    "is the end of a hold": [
      ({ enter, lane }: { readonly enter: (job: string) => unknown; readonly lane: Lane<Ticket.Ticket> }) => {
        lane.hold("rate limit", { until: 70, heldBy: () => ({ _tag: "Paused" }), isForGranted: true })
        enter("x")
      },
      50,
      70
    ],
    "is the limit of a review that runs, while all turns are taken": [
      ({ decide, enter }) => {
        const ticket = enter("x")
        decide()
        begin(ticket, { limitAt: 80 })
        enter("y")
      },
      0,
      80
    ],
    "is the limit of one that would begin now": [
      ({ decide, enter }) => {
        enter("x", { limit: 30 })
        decide()
      },
      0,
      30 + 1
    ]
  }
  for (const [name, [arrange, quietAt, next]] of Object.entries(cases)) {
    it(name, () => {
      const world = makeWorld()
      arrange(world)
      assert.strictEqual(world.dispatcher.nextInstant({ at: 1, quietAt }), next)
    })
  }

  it("is none that only a switch could bring", () => {
    const world = makeWorld({ enabled: false })
    world.enter("x")
    assert.strictEqual(world.dispatcher.nextInstant({ at: 1, quietAt: 50 }), nothing)
  })
})
