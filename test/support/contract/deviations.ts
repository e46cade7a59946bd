// Where Tessera's answers differ from Hydra's documents, each with the reason. What does not stand here is as documented.
import type { DocumentName } from './documents.js'

/** A part of a document that says otherwise than Hydra itself answers, and what it is read as. */
export interface Correction {
  readonly document: DocumentName
  /** Where it stands. */
  readonly at: readonly string[]
  /** Keywords in the place of those that stand there. */
  readonly schema: Readonly<Record<string, unknown>>
  readonly reason: string
}

/** An answer that a document does not have. */
export interface Addition {
  /** Absent: both. */
  readonly document?: DocumentName
  /** Operation ids; absent: every operation. */
  readonly operations?: readonly string[]
  /** Absent: every status that is not documented by name. */
  readonly statuses?: readonly number[]
  /** `none`: there is no body. */
  readonly body: 'error' | 'html' | 'jwt' | 'none'
  readonly reason: string
}

export const corrections: readonly Correction[] = [
  {
    document: 'v26.2',
    at: ['components', 'schemas', 'genericError'],
    schema: { $ref: '#/components/schemas/errorOAuth2' },
    reason: 'Hydra sends `error` and `error_description` at these operations too, and so does Tessera',
  },
  {
    document: 'v26.2',
    at: ['components', 'schemas', 'NullDuration'],
    schema: { type: 'string', nullable: true, pattern: '^([0-9]+(ns|us|ms|s|m|h))+$' },
    reason: 'a lifespan that a client does not have is null, as in the answers of Hydra',
  },
  {
    document: 'v26.2',
    at: ['components', 'schemas', 'oAuth2Client', 'properties', 'jwks'],
    schema: { type: 'object' },
    reason: 'the keys of a client are answered as it registered them, with no more members than RFC 7517 wants',
  },
  {
    document: 'v1.10.7',
    at: ['definitions', 'oAuth2Client', 'properties', 'scope'],
    schema: { type: 'string' },
    reason: 'the pattern is for requests: a client without scopes is answered with an empty text, as in Hydra',
  },
]

const pages = [
  'oAuth2Authorize',
  'performOAuth2DeviceVerificationFlow',
  'revokeOidcSession',
  'oauthAuth',
  'disconnectUser',
]
const ofProcess = ['isAlive', 'isReady', 'getVersion', 'isInstanceAlive', 'isInstanceReady']

export const additions: readonly Addition[] = [
  {
    operations: pages,
    body: 'html',
    reason: 'a person in front of a browser is shown a page: errors, form_post, logout',
  },
  { operations: pages, body: 'error', reason: 'a program that asks for JSON at a page is told of errors in JSON' },
  {
    operations: pages,
    statuses: [303],
    body: 'none',
    reason: 'a POST is answered with 303, so that the browser goes on with GET (RFC 9700 4.12)',
  },
  {
    operations: ['discoverJsonWebKeys', 'discoverOidcConfiguration', 'wellKnown', 'discoverOpenIDConfiguration'],
    statuses: [304],
    body: 'none',
    reason: 'whoever has the document already is told so (RFC 9110 15.4.5)',
  },
  {
    operations: ['revokeOAuth2ConsentSessions', 'revokeConsentSessions'],
    statuses: [202],
    body: 'none',
    reason:
      'none of the sessions counts any more, but there were so many that their deletion goes on (RFC 9110 15.3.3)',
  },
  {
    operations: ['getOidcUserInfo', 'userinfo'],
    statuses: [200],
    body: 'jwt',
    reason: 'for clients that register userinfo_signed_response_alg (OpenID Connect Core 5.3.2)',
  },
  {
    document: 'v1.10.7',
    statuses: [400, 401, 403, 404, 405, 409, 410, 413, 415, 429, 500, 503],
    body: 'error',
    reason: 'v1 documents few of the errors that it has; their form is the same everywhere',
  },
  {
    statuses: [400],
    body: 'none',
    reason: 'what Node does not take for HTTP it refuses by itself, and no endpoint sees it',
  },
  {
    document: 'v26.2',
    operations: ofProcess,
    statuses: [400, 401, 403, 405, 413, 503],
    body: 'error',
    reason: 'requests that are refused before anybody looks at their path: malformed, or not for this caller',
  },
]

const fault = 'a fault of the server: that there is none is what the tests are for'
const notServed = {
  verifiable: 'not planned: the verifiable-credential draft',
}

/**
 * Documented answers that no test gets: by operation and status, by operation alone where it is not served, by status alone
 * where the same holds for all operations.
 */
export const unseen: Readonly<Record<DocumentName, Readonly<Record<string, string>>>> = {
  'v26.2': {
    '500': fault,
    createVerifiableCredential: notServed.verifiable,
  },
  'v1.10.7': {
    '500': fault,
    prometheus: 'not served: metrics',
    'discoverOpenIDConfiguration 401': 'anybody may read discovery',
    'oauthAuth 401': 'errors are shown to a person, on a page with 400',
  },
}
