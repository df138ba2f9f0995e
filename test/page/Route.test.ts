import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Route from "../../src/page/Route.js"
import { parameters, runsOf } from "../support/property.js"

const file = "test/page/Route.test.ts"

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter((text) => !/\p{Surrogate}/u.test(text))

const route: fc.Arbitrary<Route.Route> = fc.record({
  view: fc.constantFrom(...Route.VIEWS),
  id: fc.option(text, { nil: undefined }),
  query: fc.array(fc.tuple(fc.constantFrom("job", "state", "minutes"), text), { maxLength: 4 })
})

describe("the address of a view", () => {
  it("says all of it, whatever a job is called", () => {
    fc.assert(
      fc.property(route, (route) => {
        const address = Route.format(route)
        assert.match(address, /^#\/[!-~]+$/)
        assert.deepStrictEqual(Route.parse(address), route)
        // As a browser understands it.
        assert.deepStrictEqual(Route.parse(new URL(address, "http://localhost/page").hash), route)
      }),
      parameters(runsOf({ few: 500, many: 20_000 }), file)
    )
  })

  it("is the first view, where it is none", () => {
    const first: Route.Route = { view: "now", id: undefined, query: [] }
    for (const hash of ["", "#", "#/", "#/nowhere", "#now", "#/nowhere/x?y=z", "#code=x", "#/constructor"]) {
      assert.deepStrictEqual(Route.parse(hash), first, hash)
    }
    assert.deepStrictEqual(Route.parse("#/jobs/%E0%A4%A"), { view: "jobs", id: undefined, query: [] })
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (hash) => {
        Route.parse(hash)
      }),
      parameters(runsOf({ few: 500, many: 20_000 }), file)
    )
  })

  it("keeps its other filters when one changes", () => {
    const route = Route.parse("#/history?job=a&state=failed&state=skipped")
    assert.deepStrictEqual(Route.valuesOf(route, "state"), ["failed", "skipped"])
    assert.strictEqual(Route.format(Route.withValues(route, "state", ["failed"])), "#/history?job=a&state=failed")
    assert.strictEqual(Route.format(Route.withValues(route, "job", [])), "#/history?state=failed&state=skipped")
  })
})
