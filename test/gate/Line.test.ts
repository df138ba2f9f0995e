import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as FastCheck from "effect/FastCheck"
import * as Line from "../../src/gate/Line.js"

type Operation =
  | { readonly _tag: "Add"; readonly priority: number; readonly deadline: number; readonly notBefore: number }
  | { readonly _tag: "Remove"; readonly at: number }
  | { readonly _tag: "PassMaxWait"; readonly at: number }
  | { readonly _tag: "Release"; readonly until: number }

/** The line as R5 tells it: an array, sorted anew for each question. */
class Model {
  readonly waiters = new Set<Line.Waiter>()

  get inOrder(): ReadonlyArray<Line.Waiter> {
    return Array.from(this.waiters).sort(
      (a, b) =>
        Math.max(a.notBefore, -1) - Math.max(b.notBefore, -1) ||
        Number(b.overdue) - Number(a.overdue) ||
        b.priority - a.priority ||
        a.place - b.place
    )
  }

  get mayGo(): ReadonlyArray<Line.Waiter> {
    return this.inOrder.filter(({ notBefore }) => notBefore === Number.NEGATIVE_INFINITY)
  }

  get mostUrgent(): Line.Waiter | undefined {
    const deadline = Math.min(...Array.from(this.waiters, (waiter) => waiter.deadline))
    return deadline === Number.POSITIVE_INFINITY
      ? undefined
      : Array.from(this.waiters)
          .sort((a, b) => Number(b.overdue) - Number(a.overdue) || b.priority - a.priority || a.place - b.place)
          .find((waiter) => waiter.deadline === deadline)
  }
}

const agree = (line: Line.Line<Line.Waiter>, model: Model) => {
  const inOrder = model.inOrder
  assert.strictEqual(line.size, inOrder.length)
  assert.isTrue(Arr.getEquivalence<Line.Waiter>(Object.is)(Array.from(line), inOrder), "order")
  const mayGo = model.mayGo
  assert.strictEqual(line.first, mayGo[0])
  assert.strictEqual(line.firstDelayed, inOrder[mayGo.length])
  assert.strictEqual(line.mostUrgent, model.mostUrgent)
  for (const place of [0, 1, Math.floor(mayGo.length / 2), mayGo.length - 1]) {
    const waiter = mayGo[place]
    if (waiter !== undefined) assert.strictEqual(line.ahead(waiter), place)
  }
}

const waiter = (
  place: number,
  priority: number,
  deadline = Number.POSITIVE_INFINITY,
  notBefore = Number.NEGATIVE_INFINITY
): Line.Waiter => ({ place, priority, deadline, notBefore, overdue: false })

/** Applies the operations to a line and to its model, and compares the two after each. */
const follow = (operations: ReadonlyArray<Operation>): number => {
  const line = new Line.Line<Line.Waiter>()
  const model = new Model()
  let places = 0
  let longest = 0
  const pick = (at: number) => model.inOrder[Math.floor(at * model.waiters.size)]
  const apply = (operation: Operation) => {
    if (operation._tag === "Add") {
      const added = waiter(places++, operation.priority, operation.deadline, operation.notBefore)
      line.add(added)
      model.waiters.add(added)
      return
    }
    if (operation._tag === "Release") {
      const due = Array.from(model.waiters).filter(({ notBefore }) => notBefore <= operation.until)
      line.release(operation.until)
      for (const { notBefore } of due) assert.strictEqual(notBefore, Number.NEGATIVE_INFINITY)
      return
    }
    const picked = pick(operation.at)
    if (picked === undefined) return
    line.remove(picked)
    if (operation._tag === "Remove") {
      model.waiters.delete(picked)
    } else {
      picked.overdue = true
      picked.deadline = Number.POSITIVE_INFINITY
      line.add(picked)
    }
  }
  for (const operation of operations) {
    apply(operation)
    agree(line, model)
    longest = Math.max(longest, line.size)
  }
  return longest
}

const operation = (
  priority: FastCheck.Arbitrary<number>,
  deadline: FastCheck.Arbitrary<number>
): FastCheck.Arbitrary<Operation> => {
  const at = FastCheck.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const notBefore = FastCheck.oneof(
    { weight: 3, arbitrary: FastCheck.constant(Number.NEGATIVE_INFINITY) },
    { weight: 1, arbitrary: FastCheck.nat(5) }
  )
  return FastCheck.oneof(
    {
      weight: 6,
      arbitrary: FastCheck.record({ _tag: FastCheck.constant("Add" as const), priority, deadline, notBefore })
    },
    {
      weight: 1,
      arbitrary: FastCheck.record({ _tag: FastCheck.constant("Release" as const), until: FastCheck.nat(5) })
    },
    { weight: 2, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Remove" as const), at }) },
    { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("PassMaxWait" as const), at }) }
  )
}

const orNever = (deadline: FastCheck.Arbitrary<number>): FastCheck.Arbitrary<number> =>
  FastCheck.oneof(deadline, FastCheck.constant(Number.POSITIVE_INFINITY))

const negative = FastCheck.double({ max: -Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true })

const kinds = {
  "of any priority and deadline": operation(negative, orNever(FastCheck.double({ min: 0, noNaN: true }))),
  "of few priorities and deadlines": operation(FastCheck.integer({ min: -3, max: -1 }), orNever(FastCheck.nat(3))),
  "of one priority and one deadline": operation(FastCheck.constant(-10), FastCheck.constant(300_000))
}

describe("Line", () => {
  for (const [name, anOperation] of Object.entries(kinds)) {
    it(`is a sorted array, for waiters ${name}`, () => {
      FastCheck.assert(
        FastCheck.property(FastCheck.array(anOperation, { maxLength: 60 }), (operations) => {
          follow(operations)
        }),
        { numRuns: 300 }
      )
    })

    it(`is a sorted array, however long, for waiters ${name}`, () => {
      let longest = 0
      FastCheck.assert(
        FastCheck.property(
          FastCheck.array(anOperation, { minLength: 900, maxLength: 1000, size: "max" }),
          (operations) => {
            longest = Math.max(longest, follow(operations))
          }
        ),
        // The short ones find the small counterexamples; to shrink a long one takes minutes.
        { numRuns: 3, endOnFailure: true }
      )
      assert.isAbove(longest, 200)
    })
  }

  it("is emptied from anywhere, one by one", () => {
    const all = Arr.makeBy(250, (place) => waiter(place, -1 - (place % 7), place % 5 === 0 ? undefined : place % 11))
    FastCheck.assert(
      FastCheck.property(FastCheck.shuffledSubarray(all, { minLength: all.length }), (leaving) => {
        const line = new Line.Line<Line.Waiter>()
        const model = new Model()
        for (const waiter of all) {
          line.add(waiter)
          model.waiters.add(waiter)
        }
        for (const waiter of leaving) {
          line.remove(waiter)
          model.waiters.delete(waiter)
          agree(line, model)
        }
        assert.strictEqual(line.size, 0)
        assert.isUndefined(line.first)
        assert.isUndefined(line.mostUrgent)
      }),
      { numRuns: 5, endOnFailure: true }
    )
  })

  it("says of each waiter how many stand before it", () => {
    const waiters = Arr.makeBy(300, (place) => waiter(place, -1 - (place % 3)))
    const line = new Line.Line<Line.Waiter>()
    for (const waiter of waiters) line.add(waiter)
    assert.deepStrictEqual(
      Array.from(line, (waiter) => line.ahead(waiter)),
      Arr.range(0, 299)
    )
  })

  it("takes the first so many, and leaves them in the line", () => {
    const line = new Line.Line<Line.Waiter>()
    for (const place of Arr.range(0, 9)) line.add(waiter(place, place < 5 ? -2 : -1))
    const places = (count: number) => line.take(count).map(({ place }) => place)
    assert.deepStrictEqual(places(0), [])
    assert.deepStrictEqual(places(7), [5, 6, 7, 8, 9, 0, 1])
    assert.deepStrictEqual(places(100), [5, 6, 7, 8, 9, 0, 1, 2, 3, 4])
    assert.strictEqual(line.size, 10)
  })

  it("is not changed by the leaving of one who is not in it", () => {
    const line = new Line.Line<Line.Waiter>()
    const [stays, leaves] = [waiter(0, -1, 5), waiter(1, -1, 5)]
    line.add(stays)
    line.add(leaves)
    line.remove(leaves)
    line.remove(leaves)
    // An equal one is another one.
    line.remove(waiter(0, -1, 5))
    assert.deepStrictEqual(Array.from(line), [stays])
    assert.strictEqual(line.mostUrgent, stays)
  })

  it("lets everybody leave while it is walked along", () => {
    const line = new Line.Line<Line.Waiter>()
    for (const place of Arr.range(0, 249)) line.add(waiter(place, -1 - (place % 4), place % 9))
    const expected = Array.from(line)
    const seen: Array<Line.Waiter> = []
    for (const waiter of line) {
      seen.push(waiter)
      line.remove(waiter)
    }
    assert.isTrue(Arr.getEquivalence<Line.Waiter>(Object.is)(seen, expected))
    assert.strictEqual(line.size, 0)
  })
})
