// Which secrets are none: those that stand in documentation, and those that anybody could think of.

/** What made-up secrets of development mode begin with, so that production can tell them. */
export const developmentPrefix = 'development-only-'

const samples = [
  'changeme',
  'changethis',
  'replaceme',
  'replacethis',
  'examplesecret',
  'insertsecret',
  'mysecret',
  'needtochange',
  'nobodycanguess',
  'oldsecret',
  'primarysecret',
  'samplesecret',
  'secretsecret',
  'supersecret',
  'veryhighentropy',
  'verysecret',
  'yoursecret',
  'passwordpassword',
  '1234567890123456',
  '0123456789abcdef',
  'abcdefghijklmnop',
]

/** Whether a text is a known sample or has too few different characters to be random. */
export function isSampleSecret(secret: string): boolean {
  const plain = secret.toLowerCase().replace(/[^a-z0-9]/g, '')
  return samples.some((sample) => plain.includes(sample)) || new Set(secret).size < 8
}
