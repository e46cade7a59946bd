// What end-users have allowed so far: listed, and ended together with the grants that came of it.
import type {
  ConsentSession,
  ListConsentSessionsRequest,
  ListConsentSessionsResponse,
  RevokeConsentSessionsRequest,
  RevokeConsentSessionsResponse,
} from '#proto/consent/v1/consent_service.js'
import { FlowConsent, FlowPayload } from '#proto/consent/v1/flow.js'
import { OAuthError } from '../kit/oauth_error.js'
import { checkOffset } from '../kit/page_token.js'
import { isUuid } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import { splitWords } from '../kit/scope_strategy.js'
import { openRecord } from './consent_record.js'
import { readPageToken, writePageToken } from './page_token.js'
import type { Parts } from './parts.js'
import { decodeJson } from './payloads.js'
import { consentRequestOf, loginOf } from './requests.js'
import type { ConsentSelection, StoredConsent } from './store/consent_store.js'

const nothing = FlowPayload.fromPartial({})

export async function listConsentSessions(
  parts: Parts,
  { subject, loginSessionId, pageSize, pageToken, offset }: ListConsentSessionsRequest,
  call: Call,
): Promise<ListConsentSessionsResponse> {
  if (subject === '') throw new OAuthError('invalid_request', '`subject` is missing.')
  if (pageSize > 500) throw new OAuthError('invalid_request', '`page_size` is larger than 500.')
  checkOffset(offset, pageToken)
  if (loginSessionId !== '' && !isUuid(loginSessionId)) return { consentSessions: [], nextPageToken: '', totalSize: 0 }
  const size = pageSize || 100
  const after = readPageToken(parts.pageSealer, pageToken)
  const filter = { subject, loginSessionId }
  const [found, totalSize] = await Promise.all([
    parts.store.listConsents({ ...filter, size: size + 1, after, offset }, call),
    offset === undefined ? 0 : parts.store.countConsents(filter, call),
  ])
  const page = found.slice(0, size)
  const last = found.length > size ? page.at(-1) : undefined
  const sessions = await Promise.all(page.map((stored) => sessionOf(parts, subject, stored)))
  return {
    consentSessions: sessions.filter((session) => session !== undefined),
    nextPageToken: last ? writePageToken(parts.pageSealer, { handledAtMs: last.handledAt.getTime(), id: last.id }) : '',
    totalSize,
  }
}

/** Undefined for what ended with its client's registration, or was sealed under a secret that is no longer there. */
async function sessionOf(parts: Parts, subject: string, stored: StoredConsent): Promise<ConsentSession | undefined> {
  const client = await parts.clients.findRegistration(stored.clientId, stored.registrationId)
  const flow = openRecord(parts.sealer, subject, stored)
  if (!client || !flow) return undefined
  const consent = flow.consent ?? FlowConsent.fromPartial({})
  const payload = consent.payload ?? nothing
  const challenges = { login: '', consent: '' }
  return {
    consentRequestId: stored.id,
    consentRequest: consentRequestOf(flow, challenges, client, loginOf(flow).payload ?? nothing, parts),
    grantScope: splitWords(stored.grantedScope),
    grantAccessTokenAudience: splitWords(stored.grantedAudience),
    session: {
      accessToken: decodeJson(payload.accessTokenClaimsJson),
      idToken: decodeJson(payload.idTokenClaimsJson),
    },
    remember: consent.remember,
    rememberFor: consent.rememberFor,
    handledAt: stored.handledAt,
    context: decodeJson(payload.contextJson),
    expiresAt: stored.rememberedUntil ?? undefined,
  }
}

export async function revokeConsentSessions(
  parts: Parts,
  selector: RevokeConsentSessionsRequest['selector'],
  call: Call,
): Promise<RevokeConsentSessionsResponse> {
  switch (selector?.$case) {
    case 'consentRequestId':
      return { revoked: await revokeOne(parts, selector.value, call), pending: false }
    case 'subject':
      return revokeSelection(parts, { subject: selector.value, clientId: '' }, call)
    case 'subjectAndClient':
      if (!selector.value.clientId) throw new OAuthError('invalid_request', 'The client is missing.')
      return revokeSelection(parts, selector.value, call)
    default:
      throw new OAuthError('invalid_request', 'It is not said which consent sessions.')
  }
}

/**
 * First it is noted that nothing counts any more that was consented to until now; a flow under way, which begins its grant
 * before it is written, then either finds the note or has its grant among those that are revoked here.
 */
async function revokeSelection(
  { store, tokens }: Parts,
  selection: ConsentSelection,
  call: Call,
): Promise<RevokeConsentSessionsResponse> {
  const { subject, clientId } = selection
  if (subject === '' || `${subject}${clientId}`.includes('\0'))
    throw new OAuthError('invalid_request', 'The subject or client is missing or has a NUL character.')
  await store.revokeConsents(selection, call)
  const { pending } = await tokens.revokeGrants(
    {
      selector: clientId
        ? { $case: 'subjectAndClient', value: { subject, clientId } }
        : { $case: 'subject', value: subject },
    },
    call,
  )
  return { revoked: await store.deleteRevokedConsents(selection, call), pending }
}

/** One consent session, and what rests on it: later flows for which the end-user was not asked because of it. */
async function revokeOne({ store, tokens }: Parts, id: string, call: Call): Promise<number> {
  if (!isUuid(id)) return 0
  const isDeleted = await store.deleteConsent(id, call)
  const ids = [id, ...(await store.findConsentsBasedOn(id, call))]
  for (const grantId of ids) await tokens.revokeGrants({ selector: { $case: 'grantId', value: grantId } }, call)
  await store.deleteConsentsBasedOn(id, call)
  return isDeleted ? 1 : 0
}
