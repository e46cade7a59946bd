// Every statement that the server's stores define. Those that Prisma makes are recorded where they are sent (recorder.ts).
import * as clientStatements from '../../services/client/store/client_statements.js'
import * as clientStore from '../../services/client/store/client_store.js'
import * as flowEnd from '../../services/consent/store/flow_end.js'
import * as logoutQueue from '../../services/consent/store/logout_queue.js'
import * as consentPurge from '../../services/consent/store/purge.js'
import * as consentStatements from '../../services/consent/store/statements.js'
import { statementsOf } from '../../services/kit/change_log_statements.js'
import type { Statement } from '../../services/kit/database.js'
import { usedIdStatements } from '../../services/kit/used_ids.js'
import * as deviceCodes from '../../services/token/store/device_code_statements.js'
import * as grants from '../../services/token/store/grant_statements.js'
import * as keys from '../../services/token/store/key_store.js'
import * as revocations from '../../services/token/store/revocation_store.js'
import * as subjectRevocations from '../../services/token/store/subject_revocation_store.js'
import * as trustedIssuers from '../../services/token/store/trusted_issuer_statements.js'

/** A statement and the schema that it is for. */
export interface OwnedStatement extends Statement {
  readonly schema: string
  /** What it was called with, where that is known. */
  readonly values?: readonly unknown[]
}

const modules: Readonly<Record<string, readonly object[]>> = {
  client: [
    clientStatements,
    clientStore,
    statementsOf('client_change', 'client_change_writer', ['client_id', 'revision', 'deleted', 'registration_id']),
    usedIdStatements('used_assertion'),
  ],
  consent: [flowEnd, logoutQueue, consentPurge, consentStatements],
  token: [
    deviceCodes,
    grants,
    keys,
    revocations,
    subjectRevocations,
    trustedIssuers,
    statementsOf('revocation', 'revocation_writer', revocations.entryColumns),
    usedIdStatements('used_assertion'),
  ],
}

const isStatement = (value: object): value is Statement =>
  'name' in value && 'text' in value && typeof value.name === 'string' && typeof value.text === 'string'

/** The statements in a value, however deep. */
function statementsIn(value: unknown): Statement[] {
  if (typeof value !== 'object' || value === null) return []
  return isStatement(value) ? [value] : Object.values(value).flatMap(statementsIn)
}

export const definedStatements: readonly OwnedStatement[] = Object.entries(modules).flatMap(([schema, contents]) =>
  contents.flatMap(statementsIn).map((statement) => ({ ...statement, schema })),
)
