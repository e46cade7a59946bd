// Where the time of the server goes, as profiles told when they were last looked at, and what that says of the targets.
import { markdownTable } from './table.js'

const profiledOn = '2026-11-24'

/** Parts of the server's CPU in percent, without the start. */
const shares: readonly (readonly [string, ...number[]])[] = [
  ['introspection, gRPC', 7, 57, 7, 2, 1, 9],
  ['introspection, HTTP', 39, 28, 12, 3, 1, 3],
  ['client credentials, opaque', 30, 25, 18, 10, 1, 3],
  ['client credentials, ES256', 25, 20, 18, 25, 0, 3],
  ['refresh, ES256', 30, 14, 14, 19, 6, 6],
  ['code flow, ES256', 32, 16, 24, 8, 4, 4],
  ['revocation', 41, 19, 13, 7, 4, 5],
]

const heads = [
  'scenario',
  'socket writes',
  'HTTP or gRPC of Node.js and libraries',
  'Tessera',
  'cryptography',
  'pg',
  'garbage',
]

export const whatIsLeft = `## What is left

Where the server's own CPU goes, in percent, by \`--profile\` on ${profiledOn}; the rest is spread.

${markdownTable(
  heads,
  shares.map(([scenario, ...parts]) => [scenario, ...parts.map((part) => `${part} %`)]),
)}

- **gRPC, one at a time**: more than half is grpc-js and HTTP/2 below it, which the empty call has too; the answer is larger than
  none, and 1.3 × an empty call is what was seen where both had run long enough to be compiled.
- **Client credentials and revocation**: a quarter to two fifths is the kernel's, for one write to the socket for each answer. What a
  token needs besides is one seal or signature. A revocation waits for its commit; PostgreSQL is a third of its cost.
- **Refresh**: a signature of ES256 and the commit are most of what is not HTTP.
- **Code flow**: eight requests over HTTP, each with its write, and two commits; oidc-provider in memory has its pages of login and consent
  in its own process, and asks nobody over HTTP.
- **Bytes on the disk for a code flow**: two rows, of a grant and of a consent session, with five and six indexes. A new version of the
  grant's row at the redemption counts until the next one takes its place.
`
