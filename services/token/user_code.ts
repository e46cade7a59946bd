// The user code (RFC 8628 section 6.1): what it is made of, how it is shown, and what is made of what people type.
import { newWord } from '../kit/random.js'
import type { Sealer } from '../kit/sealing.js'
import type { TokenConfig } from './config.js'

export interface UserCodeForm {
  readonly alphabet: string
  readonly length: number
}

/** Consonants make no words, and none looks like another (RFC 8628 section 6.1). */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'

const presets: Readonly<Record<'high' | 'medium' | 'low', UserCodeForm>> = {
  high: { alphabet: letters, length: 10 },
  medium: { alphabet: letters, length: 8 },
  low: { alphabet: '0123456789', length: 9 },
}

export function userCodeForm({ oauth2 }: Pick<TokenConfig, 'oauth2'>): UserCodeForm {
  const { entropy_preset, length, character_set: alphabet } = oauth2.device_authorization.user_code
  return length > 0 ? { alphabet, length } : presets[entropy_preset]
}

export const newUserCode = ({ alphabet, length }: UserCodeForm): string => newWord(alphabet, length)

/** The code in groups of a few characters, where it can be divided so. */
export function showUserCode(code: string, { alphabet, length }: UserCodeForm): string {
  const size = alphabet.includes('-') ? undefined : [4, 3, 5].find((each) => length % each === 0)
  return size === undefined ? code : (code.match(new RegExp(`.{${size}}`, 'g')) ?? []).join('-')
}

/** The code that was typed, whatever its case and separators; undefined for what can be none. */
export function readUserCode(typed: string, { alphabet, length }: UserCodeForm): string | undefined {
  if (typed.length > 4 * length) return undefined
  const cased = /[a-z]/.test(alphabet) ? typed : typed.toUpperCase()
  const code = [...cased].filter((character) => alphabet.includes(character) || !/[\s\p{Pd}_.]/u.test(character))
  const isCode = code.length === length && code.every((character) => alphabet.includes(character))
  return isCode ? code.join('') : undefined
}

const purpose = 'user code'

/** What stands for the code in the database. */
export const hashUserCode = (sealer: Sealer, code: string): Buffer => sealer.mac(purpose, Buffer.from(code))

/** All that may stand for it: it may have been made before the secrets were changed. */
export const userCodeHashes = (sealer: Sealer, code: string): Buffer[] => sealer.macs(purpose, Buffer.from(code))
