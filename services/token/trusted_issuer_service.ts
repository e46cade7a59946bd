// Answers the RPCs of TrustedIssuerService: whose assertions are taken for a grant (RFC 7523 section 2.1).
import {
  type ListTrustedIssuersRequest,
  type ListTrustedIssuersResponse,
  TrustedIssuer,
  TrustedIssuerServiceService,
} from '#proto/token/v1/trusted_issuer_service.js'
import { nowMs } from '../kit/clock.js'
import { keyProblem } from '../kit/jwt/public_jwk.js'
import { fits, signatureAlgorithms } from '../kit/jwt/signature.js'
import { OAuthError } from '../kit/oauth_error.js'
import { checkOffset, openPosition, sealPosition } from '../kit/page_token.js'
import { newUuid } from '../kit/random.js'
import type { Call, Service } from '../kit/rpc/contract.js'
import { defineService } from '../kit/rpc/server.js'
import { splitWords } from '../kit/scope_strategy.js'
import type { Sealer } from '../kit/sealing.js'
import type { Parts } from './parts.js'
import type { NewIssuer, StoredIssuer, TrustedIssuerStore } from './store/trusted_issuer_store.js'

const defaultPageSize = 100
const maxPageSize = 500
const purpose = 'page of trusted issuers'

const limits = { issuer: 1_024, subject: 1_024, kid: 255, scope: 8_192, jwk: 8_192 }

export const createTrustedIssuerService = ({
  trustedIssuers: store,
  pageSealer,
}: Pick<Parts, 'trustedIssuers' | 'pageSealer'>): Service<typeof TrustedIssuerServiceService> =>
  defineService(TrustedIssuerServiceService, {
    async createTrustedIssuer({ trustedIssuer }, call) {
      const stored = await store.insert(toRow(TrustedIssuer.create(trustedIssuer)), call)
      if (!stored)
        throw new OAuthError('conflict', 'The issuer is trusted with a key of this kid for this subject already.')
      return { trustedIssuer: fromRow(stored) }
    },

    async getTrustedIssuer({ id }, call) {
      const stored = await store.find(id, call)
      if (!stored) throw notFound()
      return { trustedIssuer: fromRow(stored) }
    },

    listTrustedIssuers: (request, call) => listTrustedIssuers(store, pageSealer, request, call),

    async deleteTrustedIssuer({ id }, call) {
      if (!(await store.delete(id, call))) throw notFound()
      return {}
    },
  })

const notFound = () => new OAuthError('not_found', 'There is no trusted issuer with this id.')

async function listTrustedIssuers(
  store: TrustedIssuerStore,
  sealer: Sealer,
  { pageSize, pageToken, issuer, offset }: ListTrustedIssuersRequest,
  call: Call,
): Promise<ListTrustedIssuersResponse> {
  checkText('issuer', issuer)
  checkOffset(offset, pageToken)
  const size = Math.min(pageSize || defaultPageSize, maxPageSize)
  const position = openPosition<[number, string]>(sealer, purpose, pageToken)
  const after = position && { createdAtMs: position[0], id: position[1] }
  const [found, totalSize] = await Promise.all([
    store.list({ size: size + 1, after, offset, issuer }, call),
    offset === undefined ? 0 : store.count({ issuer }, call),
  ])
  const page = found.slice(0, size)
  const last = found.length > size ? page.at(-1) : undefined
  const nextPageToken = last ? sealPosition(sealer, purpose, [last.createdAt.getTime(), last.id]) : ''
  return { trustedIssuers: page.map(fromRow), nextPageToken, totalSize }
}

/** Error: `invalid_request`. */
function toRow({ issuer, subject, allowAnySubject, scope, jwk, expiresAt }: TrustedIssuer): NewIssuer {
  if (issuer === '') throw refused('issuer', 'is missing')
  checkText('issuer', issuer)
  if (subject === '' && !allowAnySubject) throw refused('subject', 'is missing, and allow_any_subject is not set')
  if (subject !== '' && allowAnySubject) throw refused('subject', 'excludes allow_any_subject')
  checkText('subject', subject)
  if (!scope.every((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))) throw refused('scope', 'has what is no scope')
  if (scope.join(' ').length > limits.scope) throw refused('scope', `is longer than ${limits.scope} characters`)
  if (!expiresAt || Number.isNaN(expiresAt.getTime())) throw refused('expires_at', 'is missing')
  if (expiresAt.getTime() <= nowMs()) throw refused('expires_at', 'is over')
  const { kid, publicJwk } = readKey(jwk)
  return { id: newUuid(), issuer, subject, allowAnySubject, scope: scope.join(' '), kid, publicJwk, expiresAt }
}

function readKey(jwk: TrustedIssuer['jwk']): { kid: string; publicJwk: string } {
  if (jwk === undefined) throw refused('jwk', 'is missing')
  const problem = keyProblem(jwk)
  if (problem) throw refused('jwk', problem)
  const { kid } = jwk
  if (typeof kid !== 'string' || kid === '') throw refused('jwk', 'has no kid')
  checkText('kid', kid)
  if (!signatureAlgorithms.some((alg) => fits({ alg, kid }, jwk))) throw refused('jwk', 'is no key to sign with')
  const publicJwk = JSON.stringify(jwk)
  if (publicJwk.length > limits.jwk || publicJwk.includes('\\u0000')) throw refused('jwk', 'is too large')
  return { kid, publicJwk }
}

/** What the table can hold and an index too. */
function checkText(name: 'issuer' | 'subject' | 'kid', text: string): void {
  if (Buffer.byteLength(text) > limits[name]) throw refused(name, `is longer than ${limits[name]} bytes`)
  if (/[\0\p{Surrogate}]/u.test(text)) throw refused(name, 'has the character NUL or half a surrogate pair')
}

const refused = (field: string, problem: string) => new OAuthError('invalid_request', `${field}: ${problem}.`)

const fromRow = ({ scope, publicJwk, ...row }: StoredIssuer): TrustedIssuer => ({
  ...row,
  scope: splitWords(scope),
  jwk: JSON.parse(publicJwk),
})
