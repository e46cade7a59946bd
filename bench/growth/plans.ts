// Asks PostgreSQL how it would run a statement, and finds what reads a whole table that grows.
import type pg from 'pg'
import type { PlanProblem, Plans } from './results.js'
import type { OwnedStatement } from './statements.js'

/** Tables that do not grow with use, and why. */
export const smallTables: Readonly<Record<string, string>> = {
  'client.client_change_writer': 'a row for each process that wrote in the last hours',
  'client.schema_migration': 'a row for each migration, read at the start',
  'consent.schema_migration': 'a row for each migration, read at the start',
  'token.client_feed': 'one row',
  'token.revocation_writer': 'a row for each process that wrote in the last hours',
  'token.schema_migration': 'a row for each migration, read at the start',
  'token.signing_key': 'a few keys for each algorithm',
  'token.subject_revocation':
    'for an hour, a row for each subject of whom more than a thousand grants were revoked at once',
  'token.trusted_issuer': 'what operators register by hand',
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly Plans?: readonly PlanNode[]
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

/** The tables that grow and that a plan reads from end to end. */
export function scannedTables(plan: PlanNode): string[] {
  const names = nodesOf(plan)
    .filter((node) => /Seq Scan$/.test(node['Node Type']))
    .map((node) => `${node.Schema}.${node['Relation Name']}`)
  return [...new Set(names)].filter((name) => !(name in smallTables))
}

/** The plan for any values, or with `values` the one for these. */
export async function explain(client: pg.Client, text: string, values?: readonly unknown[]): Promise<PlanNode> {
  const options = values ? 'VERBOSE, FORMAT JSON' : 'GENERIC_PLAN, VERBOSE, FORMAT JSON'
  const explained = `EXPLAIN (${options}) ${text}`
  const { rows } = values ? await client.query(explained, [...values]) : await client.query(explained)
  return rows[0]['QUERY PLAN'][0].Plan
}

/** Transaction control and settings have no plan. */
const hasPlan = ({ text }: OwnedStatement): boolean => /^\s*(select|insert|update|delete|with)\b/i.test(text)

/** Tables of which no plan reads all; in those of less than a MiB, it counts whether a plan could avoid it. */
async function largeTables(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relnamespace::regnamespace || '.' || relname AS name FROM pg_class WHERE relkind = 'r' AND relpages > 128`,
  )
  return new Set(rows.map(({ name }) => name))
}

export async function checkPlans(
  client: pg.Client,
  state: string,
  statements: readonly OwnedStatement[],
): Promise<Plans> {
  const problems: PlanProblem[] = []
  const unexplained: string[] = []
  let plans = 0
  const planned = statements.filter(hasPlan)
  const large = await largeTables(client)
  for (const { name, text, schema, values } of planned) {
    await client.query(`SET search_path = ${schema || 'public'}`)
    const look = async (plan: string, isOf: (table: string) => boolean, kind?: readonly unknown[]) => {
      const found = scannedTables(await explain(client, text, kind)).filter(isOf)
      plans++
      problems.push(...found.map((table) => ({ statement: `${schema} ${name}: ${text}`, table, plan })))
    }
    try {
      await look('any values', (table) => large.has(table))
      if (values) await look('the values of a call', (table) => large.has(table), values)
      await client.query('SET enable_seqscan = off')
      await look('any values, scans avoided', () => true)
    } catch (thrown) {
      unexplained.push(`${schema} ${name}: ${String(thrown)}`)
    }
    await client.query('RESET enable_seqscan')
  }
  await client.query('RESET search_path')
  return { state, statements: planned.length, plans, problems, unexplained }
}
