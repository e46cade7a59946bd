// What development mode makes up: secrets of its own, kept in the data folder.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { developmentPrefix } from '../services/kit/config/secret.js'
import { newSecret } from '../services/kit/random.js'
import { StartupError } from '../services/kit/startup_error.js'

/** The secrets in the data folder; made at the first start. */
export function developmentSecrets(dataDir: string): string[] {
  const path = join(dataDir, 'secrets.json')
  try {
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(path, `${JSON.stringify({ system: [developmentPrefix + newSecret(43)] })}\n`, {
      mode: 0o600,
      flag: 'wx',
    })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'EEXIST')
      throw new StartupError(
        `${path} cannot be written (${code}): choose a data folder that you can write to with --data`,
      )
  }
  return readSecrets(path)
}

function readSecrets(path: string): string[] {
  try {
    const { system } = JSON.parse(readFileSync(path, 'utf8')) as { system: string[] }
    if (Array.isArray(system) && system.every((secret) => typeof secret === 'string')) return system
  } catch {
    // Told below.
  }
  throw new StartupError(
    `${path} does not hold the secrets of development mode: remove it, and sessions and tokens with it, or restore it`,
  )
}
