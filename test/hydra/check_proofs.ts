// After a whole run of the tests: that each test which docs/hydra.md names has passed. Its argument is vitest's report.
import { readFileSync } from 'node:fs'
import { projectRoot } from '../../services/kit/project_root.js'
import { isTitled, type Proof, readSections } from './document.js'

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[]
  }[]
}

const [reportPath = ''] = process.argv.slice(2)
const report: Report = JSON.parse(readFileSync(reportPath, 'utf8'))
const byFile = new Map(
  report.testResults.map(({ name, assertionResults }) => [name.slice(projectRoot.length + 1), assertionResults]),
)

/** Undefined where the proof holds. */
function complaintOf(proof: Proof): string | undefined {
  const tests = byFile.get(proof.file)?.filter(({ title }) => isTitled(proof, title)) ?? []
  if (tests.length === 0) return 'there is no such test'
  if (tests.every(({ status }) => status === 'passed')) return undefined
  return tests.some(({ status }) => status === 'failed') ? 'it failed' : 'it was skipped'
}

const rows = readSections().flatMap(({ rows }) => rows)
const proofs = rows.flatMap(({ hydra, proofs }) => proofs.map((proof) => ({ hydra, proof })))
let failed = 0
for (const { hydra, proof } of proofs) {
  const complaint = complaintOf(proof)
  if (!complaint) continue
  // A test that cannot run on this machine is told of by the summary.
  if (complaint !== 'it was skipped') failed++
  process.stdout.write(`${hydra}\n  ${proof.file}: ${proof.title}: ${complaint}\n`)
}
process.stdout.write(`${rows.length} rows, ${proofs.length} proofs, ${failed} of them missing\n`)
process.exitCode = failed === 0 ? 0 : 1
