// Key pairs for tests. In Node.js 20 a key that hangs on the job which made it can lock up the process when it is exported
// as a JWK; so they are encoded and read anew.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

const generate = generateKeyPairSync as unknown as (
  type: string,
  options: object,
) => { publicKey: Buffer; privateKey: Buffer }

export function newKeyPair(
  type: 'rsa' | 'ec' | 'ed25519',
  options: object = {},
): { publicKey: KeyObject; privateKey: KeyObject } {
  const encodings = {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  }
  const { publicKey, privateKey } = generate(type, { ...options, ...encodings })
  return {
    publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
    privateKey: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }),
  }
}
