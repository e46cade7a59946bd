// Where the time of the server goes, as profiles told when they were last looked at, and what that says of the targets.
import { markdownTable } from './table.js'

const profiledOn = '2026-12-01'

/** Parts of the server's CPU in percent, without the start. */
const shares: readonly (readonly [string, ...number[]])[] = [
  ['introspection, gRPC', 4, 56, 21, 3, 1, 8],
  ['introspection, HTTP', 39, 40, 11, 3, 1, 2],
  ['client credentials, opaque', 18, 36, 24, 17, 1, 3],
  ['client credentials, ES256', 15, 28, 17, 35, 1, 3],
  ['refresh, ES256', 15, 27, 19, 22, 6, 9],
  ['code flow, ES256', 17, 31, 29, 11, 2, 7],
  ['revocation', 23, 39, 18, 8, 2, 5],
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
- **Requests that touch no database**: what the machine does, they do. Where a peer costs more than where the targets were set,
  as the table above tells, they do too, by as much: discovery took between 37 and 61 µs in two runs of one day.
- **Client credentials and revocation**: most is HTTP, from the parser to one write to the socket for each answer. What a token needs
  besides is one seal or signature. A revocation waits for its commit; PostgreSQL is a quarter of its cost.
- **Refresh**: a signature of ES256 and the commit are most of what is not HTTP.
- **Code flow**: eight requests over HTTP, each with its write, three commits that others share, a signature, and challenges,
  verifiers and cookies that are sealed; oidc-provider in memory has its pages of login and consent in its own process, and asks
  nobody over HTTP. Our own code is spread over many functions, none of which has 2 %.
- **Bytes on the disk for a code flow**: two rows, of a grant and of a consent session, with five and six indexes; what they take
  where there are millions is told below, in the section on growth. In a run of seconds pages that are begun count whole, and so
  do rows from before the redemption, some 150 bytes each, until a vacuum gives their places to others: the first scenario that
  writes makes the room that the next one finds.
- **Sessions of a subject and revocations, in a database that has grown**: a thousand clients are all at hand, a million are not. A
  list shows its clients, which one statement more reads. A client that authenticates is two more: one that takes as long whether
  there is such a client or not, and when that has succeeded one for the client itself.
- **Two workers**: on two cores they share these with the load generator and PostgreSQL, so that what an operation costs varies
  by a tenth and more from run to run; the ratios of introspection lay between 1.6 and 2.6 in four runs of one day.
`
