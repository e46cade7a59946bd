// The token service's database.
import { PrismaClient } from '#prisma/token/client.js'
import { Database } from '../../kit/database.js'
import type { TokenConfig } from '../config.js'

export type TokenDatabase = Database<PrismaClient>

export const openDatabase = (config: Pick<TokenConfig, 'dsn' | 'maxConnections'>): TokenDatabase =>
  new Database(
    { dsn: config.dsn, schema: 'token', maxConnections: config.maxConnections },
    (adapter) => new PrismaClient({ adapter }),
  )
