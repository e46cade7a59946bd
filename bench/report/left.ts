// Where the time of the server goes, as profiles told when they were last looked at, and what that says of the targets.
import { markdownTable } from './table.js'

const profiledOn = '2026-11-25'

/** Parts of the server's CPU in percent, without the start. */
const shares: readonly (readonly [string, ...number[]])[] = [
  ['introspection, gRPC', 4, 47, 24, 4, 2, 11],
  ['introspection, HTTP', 42, 36, 10, 4, 1, 3],
  ['client credentials, opaque', 19, 36, 22, 16, 1, 3],
  ['client credentials, ES256', 14, 23, 17, 40, 1, 3],
  ['refresh, ES256', 16, 25, 19, 21, 7, 10],
  ['code flow, ES256', 18, 33, 28, 10, 4, 6],
  ['revocation', 24, 33, 19, 7, 5, 6],
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

- **gRPC, one at a time**: half is grpc-js and HTTP/2 below it, which the empty call has too; the answer is larger than none.
- **Client credentials and revocation**: most is HTTP, from the parser to one write to the socket for each answer. What a token needs
  besides is one seal or signature. A revocation waits for its commit; PostgreSQL is a quarter of its cost.
- **Refresh**: a signature of ES256 and the commit are most of what is not HTTP.
- **Code flow**: eight requests over HTTP, each with its write, three commits that others share, a signature, and challenges,
  verifiers and cookies that are sealed; oidc-provider in memory has its pages of login and consent in its own process, and asks
  nobody over HTTP. Our own code is spread over many functions, none of which has 2 %.
- **Bytes on the disk for a code flow**: two rows, of a grant and of a consent session, with five and six indexes: 331 and 459 bytes
  where there are millions. In a short run pages that are begun count whole, and a new version of the grant's row at the
  redemption counts until the next one takes its place.
`
