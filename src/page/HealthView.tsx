/**
 * Whether all is well, and what the doctor finds.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { VNode } from "preact"
import { Answer, useAsked } from "./Asked.js"
import { JobLink } from "./Links.js"
import { useMay, usePage } from "./Page.js"
import { problemText } from "./PolicyProblem.js"
import { Shown } from "./Shown.js"
import { Facts, Heads, Instant, State } from "./Words.js"

const Health = () => {
  const { api } = usePage()
  const asked = useAsked("health", api.status.healthz(), ["jobs", "requests"])
  return (
    <Answer asked={asked}>
      {({ healthy, lastCommit, lastReview, oldestPending, problems = [] }) => (
        <>
          <p>
            <State state={healthy ? "ok" : "fail"} /> {healthy ? "All is well." : "Not all is well:"}
          </p>
          <ul>
            {problems.map(({ _tag, message }) => (
              <li key={_tag}>
                <Shown text={message} />
              </li>
            ))}
          </ul>
          <Facts
            facts={[
              [
                "Last written to the database",
                typeof lastCommit === "number" ? <Instant at={lastCommit} /> : "not yet"
              ],
              ["Last review", typeof lastReview === "number" ? <Instant at={lastReview} /> : "not yet"],
              ["The oldest that waits", typeof oldestPending === "number" ? <Instant at={oldestPending} /> : "none"]
            ]}
          />
        </>
      )}
    </Answer>
  )
}

const Policies = () => {
  const { api } = usePage()
  const problems = Effect.catchTag(api.status.problems(), "NotProvided", () => Effect.succeed([]))
  const asked = useAsked("problems", problems, ["jobs"])
  return (
    <Answer asked={asked}>
      {(problems) =>
        problems.length === 0 ? (
          <p class="quiet">No policy of a job is wrong.</p>
        ) : (
          <ul>
            {problems.map((problem) => (
              <li key={`${problem.job} ${problem.key}`}>
                <JobLink job={problem.job} />: <Shown text={problemText(problem)} />
              </li>
            ))}
          </ul>
        )
      }
    </Answer>
  )
}

const Doctor = () => {
  const { api } = usePage()
  // It starts programs, so that it looks once for each who comes here, and when they want it.
  const asked = useAsked("doctor", api.status.doctor())
  return (
    <>
      <Answer asked={asked}>
        {(findings) => (
          <table class="list">
            <Heads names={["Check", "Outcome", "What was found, and what to do"]} />
            <tbody>
              {findings.map(({ check, message, outcome, todo }, index) => (
                <tr key={String(index)}>
                  <th scope="row" data-label="Check">
                    {check}
                  </th>
                  <td data-label="Outcome">
                    <State state={outcome} />
                  </td>
                  <td data-label="What was found">
                    <Shown text={message} />
                    {todo === null ? null : (
                      <p>
                        → <Shown text={todo} />
                      </p>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
      <button type="button" onClick={asked.again}>
        Look again
      </button>
    </>
  )
}

/** @internal */
export const HealthView = (): VNode => {
  const mayDecide = useMay("decide")
  return (
    <>
      <Health />
      <section aria-labelledby="policies">
        <h2 id="policies">Policies</h2>
        <Policies />
      </section>
      <section aria-labelledby="doctor">
        <h2 id="doctor">What the doctor finds</h2>
        {mayDecide ? <Doctor /> : <p class="quiet">It is shown to those who may decide.</p>}
      </section>
    </>
  )
}
