// The audience strategy, as Hydra's.
import { expect, it } from 'vitest'
import { coversAudience } from '../../services/kit/audience.js'

it.each([
  ['https://a.test/api', 'https://a.test/api', true],
  ['https://a.test/api', 'https://a.test/api/', true],
  ['https://a.test/api', 'https://a.test/api/users', true],
  ['https://a.test/api/', 'https://a.test/api', true],
  ['https://a.test/api', 'https://a.test/apifoo', false],
  ['https://a.test/api', 'https://a.test/', false],
  ['https://a.test', 'https://a.test/anything', true],
  ['https://a.test/api', 'http://a.test/api', false],
  ['https://a.test/api', 'https://b.test/api', false],
  ['https://a.test/api', 'https://a.test:444/api', false],
  ['https://a.test/api', 'https://a.test/api/../admin', false],
  ['https://a.test/api', 'https://user@a.test/api', false],
  ['https://a.test/api', 'https://a.test/api#x', false],
  ['https://a.test/api', 'https://a.test.evil.test/api', false],
  ['photos', 'photos', true],
  ['photos', 'photos/albums', false],
  ['photos', '', false],
])('hydra 4.4: %s covers %s: %s', (allowed, requested, covered) => {
  expect(coversAudience([allowed], requested)).toBe(covered)
})
