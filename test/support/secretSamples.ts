/** What the tests of reviews plant: secrets as they are found in the wild, and the parts of them that must not be found. */
import { assert } from "@effect/vitest"

const opaque = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAcLfX"

const keyLines = [
  `MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7${opaque.slice(0, 12)}`,
  `${opaque.slice(3, 30)}q+7${opaque.slice(0, 34)}`,
  `${opaque.slice(9, 31)}Z/9${opaque.slice(1, 36)}+Kw`
]

export interface SecretSample {
  /** How it stands in a text. */
  readonly text: string
  readonly secret: string
}

// In two parts, so that no scanner takes this file for a leak.
export const secretSamples: Readonly<Record<string, SecretSample>> = {
  "a variable": { text: "DB_PASSWORD=hunter2-Xq9-correct-horse", secret: "hunter2-Xq9-correct-horse" },
  "a field of JSON": { text: `{"apiKey":"${opaque}"}`, secret: opaque },
  "a token of OpenAI": { text: `${"s"}k-proj-${opaque}`, secret: opaque },
  "a token of GitHub": { text: `${"gh"}p_${opaque}`, secret: opaque },
  "a key of AWS": { text: `${"AK"}IAQ3EGRTYUIOPLKJHG`, secret: "Q3EGRTYUIOPLKJHG" },
  "a token of Slack": { text: `${"xo"}xb-123456789012-1234567890123-${opaque}`, secret: opaque },
  "a header": { text: `Authorization: Bearer ${opaque}`, secret: opaque },
  "a URL": { text: "postgres://digest:s3cr3t-Pa55word@db.internal/app", secret: "s3cr3t-Pa55word" },
  "a signed URL": { text: `https://files.example.com/a?X-Amz-Signature=${opaque}`, secret: opaque },
  "a flag": { text: `curl -u digest:${opaque} https://example.com`, secret: opaque }
}

export const privateKey: SecretSample = {
  text: `-----${"BEGIN"} PRIVATE KEY-----\n${keyLines.join("\n")}\n-----END PRIVATE KEY-----`,
  secret: keyLines.join("\n")
}

/** So many characters of a secret are worth having. */
const PART = 12

export const assertWithout = (text: string, { secret }: SecretSample, what = ""): void => {
  for (let from = 0; from + PART <= secret.length; from++) {
    const part = secret.slice(from, from + PART)
    if (text.includes(part)) assert.fail(`${what} leaves ${part}`)
  }
}
