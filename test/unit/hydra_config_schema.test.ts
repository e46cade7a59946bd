// Every key of Hydra's own configuration, of v26.2 and of v1.10, is served, has another name, is refused by name, or is told
// of as without effect.
import { describe, expect, it } from 'vitest'
import { harmless, ignoredKeys, refusedKeys, renamedKeys } from '../../services/kit/config/hydra_keys.js'
import { settings } from '../../services/kit/config/schema.js'
import { Sources } from '../../services/kit/config/sources.js'
import { isBelow, keysOfV1, keysOfV26 } from '../support/hydra_config_keys.js'

const coveredBy = (table: object, key: string) => Object.keys(table).find((covering) => isBelow(covering, key))
const isServed = (key: string) => settings.some((setting) => isBelow(key, setting.key))

describe("Hydra's configuration schema", () => {
  it('is read whole, with the schemas that it refers to', () => {
    expect(keysOfV26.length).toBeGreaterThan(150)
    for (const key of [
      'dsn',
      'serve.cookies.same_site_mode',
      'oauth2.token_hook.auth.config.in',
      'serve.admin.tls.key.path',
    ])
      expect(keysOfV26).toContain(key)
    expect(keysOfV1.length).toBeGreaterThan(80)
    expect(keysOfV1).not.toContain('oauth2.grant.jwt.jti_optional')
  })

  it.each([...new Set([...keysOfV26, ...keysOfV1])])('%s is served, or named where it is not', (key) => {
    const [refused, ignored] = [coveredBy(refusedKeys, key), coveredBy(ignoredKeys, key)]
    const renamed = renamedKeys[key]
    if (isServed(key)) {
      expect([refused, ignored, renamed]).toEqual([undefined, undefined, undefined])
      return
    }
    const sources = new Sources()
    sources.set(key, 'a value', 'a file')
    if (renamed) {
      sources.rename()
      expect(sources.get(renamed)).toBe('a value')
      expect(sources.originOf(renamed)).toBe(` (${key} in a file)`)
    } else if (ignored) {
      sources.takeOutUnserved()
      expect(sources.warnings).toEqual([expect.stringContaining(`${ignored} (a file) has no effect`)])
    } else if (refused && !(refused in harmless)) {
      expect(() => sources.takeOutUnserved()).toThrow(`${refused} (a file) cannot be used`)
    } else expect(refused).toBeDefined()
  })

  it('names no key that is served', () => {
    const named = [...Object.keys(refusedKeys), ...Object.keys(ignoredKeys), ...Object.keys(renamedKeys)]
    expect(named.filter(isServed)).toEqual([])
  })
})
