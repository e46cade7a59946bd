// What a worker and its primary say to each other, as JSON: the connections that the primary hands over travel the same way,
// and of the serializations of Node.js this one costs them less.
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import type { Addresses } from './compose.js'

export type ToWorker =
  | { readonly kind: 'start'; readonly role: Role; readonly config: Config }
  | { readonly kind: 'reconfigure'; readonly config: Config }
  | { readonly kind: 'reload_certificates' }
  | { readonly kind: 'close'; readonly graceMs: number }

export type FromWorker =
  /** It can be told what to do. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'ready'; readonly addresses: Addresses }
  /** It cannot start; `isExpected` where the message is for the person who started the server. */
  | { readonly kind: 'refused'; readonly message: string; readonly isExpected: boolean }
  /** Certificates were read anew; `error` where one was not good. */
  | { readonly kind: 'certificates_read'; readonly error?: string }
