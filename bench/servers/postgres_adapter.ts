// oidc-provider's models in PostgreSQL: one row each in one table, looked up by primary key and three partial indexes.
// Every call is one prepared statement by primary key or index.
import pg from 'pg'

const schema = `
  CREATE TABLE IF NOT EXISTS oidc_model (
    model text NOT NULL,
    id text NOT NULL,
    payload jsonb NOT NULL,
    uid text,
    user_code text,
    grant_id text,
    consumed_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (model, id)
  );
  CREATE INDEX IF NOT EXISTS oidc_model_uid ON oidc_model (uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_model_user_code ON oidc_model (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_model_grant_id ON oidc_model (grant_id) WHERE grant_id IS NOT NULL;`

const found = `payload, consumed_at FROM oidc_model WHERE (expires_at IS NULL OR expires_at > now())`

const statements = {
  upsert: `INSERT INTO oidc_model (model, id, payload, uid, user_code, grant_id, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, uid = excluded.uid,
      user_code = excluded.user_code, grant_id = excluded.grant_id, expires_at = excluded.expires_at`,
  find: `SELECT ${found} AND model = $1 AND id = $2`,
  findByUid: `SELECT ${found} AND model = $1 AND uid = $2`,
  findByUserCode: `SELECT ${found} AND model = $1 AND user_code = $2`,
  consume: 'UPDATE oidc_model SET consumed_at = now() WHERE model = $1 AND id = $2',
  destroy: 'DELETE FROM oidc_model WHERE model = $1 AND id = $2',
  revokeByGrantId: 'DELETE FROM oidc_model WHERE grant_id = $1',
} as const

interface Payload {
  readonly uid?: string
  readonly userCode?: string
  readonly grantId?: string
}

interface Row {
  readonly payload: Payload
  readonly consumed_at: Date | null
}

/** Makes the table; returns what oidc-provider takes as its adapter. */
export async function createPostgresAdapter(dsn: string, maxConnections: number) {
  const pool = new pg.Pool({ connectionString: dsn, max: maxConnections, application_name: 'oidc-provider' })
  await pool.query(schema)
  return (model: string) => new PostgresAdapter(pool, model)
}

class PostgresAdapter {
  readonly #pool: pg.Pool
  readonly #model: string

  constructor(pool: pg.Pool, model: string) {
    this.#pool = pool
    this.#model = model
  }

  async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
    const { uid = null, userCode = null, grantId = null } = payload
    await this.#run('upsert', [this.#model, id, JSON.stringify(payload), uid, userCode, grantId, expiresIn ?? null])
  }

  find(id: string) {
    return this.#find('find', id)
  }

  findByUid(uid: string) {
    return this.#find('findByUid', uid)
  }

  findByUserCode(userCode: string) {
    return this.#find('findByUserCode', userCode)
  }

  async consume(id: string): Promise<void> {
    await this.#run('consume', [this.#model, id])
  }

  async destroy(id: string): Promise<void> {
    await this.#run('destroy', [this.#model, id])
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#run('revokeByGrantId', [grantId])
  }

  async #find(name: 'find' | 'findByUid' | 'findByUserCode', key: string): Promise<object | undefined> {
    const [row] = await this.#run(name, [this.#model, key])
    if (!row) return undefined
    const { payload, consumed_at: consumedAt } = row
    return consumedAt ? { ...payload, consumed: Math.floor(consumedAt.getTime() / 1_000) } : payload
  }

  async #run(name: keyof typeof statements, values: unknown[]): Promise<Row[]> {
    return (await this.#pool.query<Row>({ name, text: statements[name], values })).rows
  }
}
