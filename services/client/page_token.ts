// Where a page of clients ends, sealed: a caller can hand it back, and neither read nor make one.

import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { decodeBase64url, type Sealer } from '../kit/sealing.js'
import type { ClientQuery } from './store/client_store.js'

type Position = NonNullable<ClientQuery['after']>

const purpose = 'page of clients'

/** The token of the page after a client. */
export function writePageToken(sealer: Sealer, { createdAt, clientId }: Client): string {
  return sealer.seal(purpose, Buffer.from(JSON.stringify([createdAt?.getTime(), clientId]))).toString('base64url')
}

/** Undefined for the first page. Error: `invalid_request`. */
export function readPageToken(sealer: Sealer, token: string): Position | undefined {
  if (token === '') return undefined
  const sealed = decodeBase64url(token)
  const opened = sealed && sealer.open(purpose, sealed)
  if (!opened) throw new OAuthError('invalid_request', 'page_token is not one that this server gave.')
  const [createdAt, clientId] = JSON.parse(opened.toString()) as [number, string]
  return { createdAt: new Date(createdAt), clientId }
}
