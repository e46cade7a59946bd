// docs/performance.md and its pictures, from the results of a run; and the results themselves beside them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../services/kit/project_root.js'
import { growthSection } from '../growth/report.js'
import { memorySection } from '../memory/report.js'
import type { Report } from '../results.js'
import { codeFlowEs256 } from '../scenarios/code_flow.js'
import { hydraCosts } from '../targets.js'
import { drawBars, type Group } from './bars.js'
import { whatIsLeft } from './left.js'
import { scalingHeads, scalingRows } from './scaling.js'
import { documentFile, withSection } from './sections.js'
import {
  markdownTable,
  peerHeads,
  peerRows,
  resultHeads,
  resultRow,
  targetHeads,
  targetRows,
  titleOf,
} from './table.js'

const folder = join(projectRoot, 'docs')
const published = join(projectRoot, 'bench/results/published.json')

export function publish(report: Report): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'performance.svg'), drawBars(cpuChart(report)))
  writeFileSync(join(folder, 'performance_hydra.svg'), drawBars(hydraChart(report)))
  const document = withSection(withSection(describe(report), growthSection), memorySection)
  writeFileSync(documentFile, document)
  writeFileSync(published, `${JSON.stringify(report, undefined, 2)}\n`)
  process.stdout.write('published: docs/performance.md\n')
}

const parts = ['server', 'PostgreSQL']

/** What all servers of the run cost. */
function cpuChart(report: Report) {
  const names = [...new Set(report.results.map(({ scenario }) => scenario))]
  const groups = names.flatMap((name): Group[] => {
    const results = report.results.filter(({ scenario, cpuUs }) => scenario === name && cpuUs)
    const [first] = results
    if (!first || results.length < 2) return []
    const bars = results.map(({ server, cpuUs }) => ({
      label: server,
      parts: [cpuUs?.server ?? 0, cpuUs?.postgres ?? 0],
    }))
    return [{ title: titleOf(first), bars }]
  })
  return { title: 'CPU for each operation, measured in one run', unit: 'µs', legend: parts, groups }
}

/** Tessera beside what Hydra was measured to cost on another machine. */
function hydraChart(report: Report) {
  const groups = report.results.flatMap((result): Group[] => {
    const hydra = hydraCosts[result.scenario]
    if (!hydra || !result.cpuUs || result.server !== 'tessera') return []
    const { server, postgres } = result.cpuUs
    const bars = [
      { label: 'tessera', parts: [server, postgres] },
      {
        label: `Hydra ${hydra.kind.split(',', 1)[0]?.replace('ID token ', '')}`.trim(),
        parts: [hydra.serverUs, hydra.postgresUs],
      },
    ]
    return [{ title: titleOf(result), bars }]
  })
  return { title: 'CPU for each operation, beside ORY Hydra elsewhere', unit: 'µs', legend: parts, groups }
}

function describe(report: Report): string {
  const { machine, settings, servers } = report
  const results = markdownTable(
    resultHeads,
    report.results.map((result) => resultRow(report, result)),
  )
  return `# Performance

Written by \`npm run bench -- --publish\` on ${report.startedAt.slice(0, 10)}, at commit ${report.commit}: what each kind of
request costs, measured side by side in one run.

| | |
|---|---|
| machine | ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.os} |
| versions | Node.js ${report.node}, PostgreSQL ${report.postgres} |
| load | ${settings.concurrency} calls under way, ${settings.rounds} rounds of ${settings.seconds} s at each server in turn (code flows: ${codeFlowEs256.timesAsLong} times as long), over the loopback |

${servers.map(({ name, version, description }) => `- **${name}** ${version}: ${description}`).join('\n')}

**µs** are microseconds of CPU for each operation, of all threads of the server and of all processes of PostgreSQL, read
from \`/proc\`; the load generator is a process of its own and not among them. They hold on a machine that is shared, where
throughput and latency do not. Statements are those that PostgreSQL counts, without transaction control and the polling in
the background; rows and bytes of WAL are read from the log itself, without full-page images. Commits are durable. Before each
round the database is vacuumed and analyzed, which autovacuum does once a minute; that is in no figure. A wrong answer voids a
run.

## Targets

${markdownTable(targetHeads, targetRows(report))}

Microseconds are those of the server and PostgreSQL together. Hydra's were measured on another machine, under its own
defaults: RSA keys of 4,096 bits, secrets hashed with PBKDF2. A signature of RS256-4096 alone costs more than all else that a
request needs, so look at the keys before the ratio.

![CPU beside Hydra](performance_hydra.svg)

${describePeers(report)}
${whatIsLeft}
## Side by side

![CPU of each server](performance.svg)

${results}

oidc-provider has no admin API: it is introspected with a client's credentials, clients are created by dynamic registration,
and its pages of login and consent accept within its own process, where Tessera answers a login and consent app over HTTP.
Its other clients are part of its configuration, so that it need not look them up. Tessera introspects the same 200 tokens
again and again, as resource servers do, and remembers what a token says.

${describeScaling(report)}## Measure it yourself

\`\`\`
npm run bench                                  # all scenarios, in a quarter of an hour
npm run bench -- refresh_es256 userinfo        # some of them
npm run bench -- --against http://localhost:5444 --admin http://localhost:5445
npm run bench -- --alone --profile /tmp/profiles introspection_http
npm run bench -- --alone --workers 4 userinfo
npm run bench growth -- --grants 1000000 --clients 100000
npm run bench memory -- --minutes 5
npm run bench -- --help
\`\`\`

\`--against\` takes any server with Hydra's API; with \`--pid\`, where it runs on this machine, its CPU is read too. Results go
to \`bench/results\` as JSON. CPU and memory can be read on Linux alone; elsewhere throughput, latency and the database's
counters remain.
`
}

/** How fast the machine was; nothing where no peer was measured. */
function describePeers(report: Report): string {
  const rows = peerRows(report)
  if (rows.length === 0) return ''
  return `Targets in µs were set on a machine of its own. What the same peers cost there and in this run tells how much slower or
faster the machine of this run was; nothing above is corrected by it.

${markdownTable(peerHeads, rows)}
`
}

/** The section on workers; nothing where they were not measured. */
function describeScaling({ scaling, settings }: Report): string {
  if (!scaling) return ''
  return `## More workers

\`tessera serve all --workers ${scaling.workers}\` in turn with one worker, with ${settings.concurrency} connections for each worker and, where single
requests are sent over HTTP, eight under way on each.
What is measured has the load generator and PostgreSQL on the same cores, which they take their part of. Without the
generator: what the server's own CPU comes to, where no thread is on more than one core, and all of them together are on as
many as there are workers. What the busiest thread's share is follows from how long each ran or waited for a core, since a
worker whose core the generator takes does less than its share. Each worker is a whole server, with memory of its own.

${markdownTable(scalingHeads, scalingRows(scaling))}

Calls by gRPC one at a time are not among them: a client takes as much CPU for them as the server, so that the load generator
cannot keep several workers busy on such a machine. Those who write wait for the disk as well, and each worker groups its
writes for itself.

`
}
