// Tells of every statement that this process sends to PostgreSQL once, with the values of its first call, so that each can be
// explained. Prisma's own are among them.
import pg from 'pg'
import type { OwnedStatement } from './statements.js'

type Query = (this: pg.Client, ...args: unknown[]) => unknown

/** From now on, until the function that is returned is called. */
export function recordStatements(heard: (statement: OwnedStatement) => void): () => void {
  const seen = new Set<string>()
  const client = pg.Client.prototype as unknown as { query: Query }
  const { query } = client
  client.query = function (...args) {
    const statement = statementOf(this, args)
    const key = statement && `${statement.schema} ${statement.text}`
    if (key && !seen.has(key)) {
      seen.add(key)
      heard(statement)
    }
    return query.apply(this, args)
  }
  return () => {
    client.query = query
  }
}

/** Undefined for a query that is an object of its own, as a cursor is. */
function statementOf(client: pg.Client, [config, values]: unknown[]): OwnedStatement | undefined {
  const given = typeof config === 'string' ? { text: config } : (config as Partial<pg.QueryConfig> & { name?: string })
  if (typeof given?.text !== 'string') return undefined
  const { options = '' } = (client as unknown as { connectionParameters: { options?: string } }).connectionParameters
  const [, schema = ''] = /search_path=(\w+)/.exec(options) ?? []
  const own = given.values ?? (Array.isArray(values) ? values : [])
  return { schema, name: given.name ?? '', text: given.text, values: own }
}
