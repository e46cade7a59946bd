// The scope strategies (RFC 6749 3.3, Hydra's `strategies.scope`).
import { describe, expect, it } from 'vitest'
import { asksForRefreshToken, scopeStrategies, splitWords } from '../../services/kit/scope_strategy.js'

const { exact, wildcard, DEPRECATED_HIERARCHICAL_SCOPE_STRATEGY: hierarchic } = scopeStrategies

describe('strategies.scope', () => {
  it('exact: only the very same scope', () => {
    expect(exact(['foo', 'foo.bar'], 'foo.bar')).toBe(true)
    for (const scope of ['Foo', 'foo.', 'foo.bar.baz', 'fo', '', '*'])
      expect(exact(['foo', 'foo.bar'], scope)).toBe(false)
    expect(exact(['foo.*'], 'foo.bar')).toBe(false)
  })

  it.each([
    ['foo.*', 'foo.a', true],
    ['foo.*', 'foo.a.b', true],
    ['foo.*', 'foo', false],
    ['foo.*', 'foo.', false],
    ['foo.*', 'foo.a.', false],
    ['foo.*', 'foobar.a', false],
    ['foo.*.baz', 'foo.a.baz', true],
    ['foo.*.baz', 'foo..baz', false],
    ['foo.*.baz', 'foo.a.b.baz', false],
    ['foo.*.baz', 'foo.a', false],
    ['*', 'anything', true],
    ['*', 'any.thing', true],
    ['*', '', false],
    ['foo.*.*', 'foo.a', false],
    ['foo.*.*', 'foo.a.b.c', true],
    ['foo', 'foo.bar', false],
    ['foo', 'foo', true],
    ['fo*', 'foo', false],
  ])('wildcard: %s covers %s: %s', (pattern, scope, covered) => {
    expect(wildcard([pattern], scope)).toBe(covered)
  })

  it.each([
    ['photos', 'photos.read', true],
    ['photos', 'photos.read.all', true],
    ['photos.read', 'photos', false],
    ['photos', 'photosx', false],
    ['photos', 'photos', true],
    ['', '.x', false],
  ])('hierarchic: %s covers %s: %s', (allowed, scope, covered) => {
    expect(hierarchic([allowed], scope)).toBe(covered)
  })
})

describe('RFC 6749 3.3: a list of scopes', () => {
  it('has each word once, whatever the spaces', () => {
    expect(splitWords(' a  b a ')).toEqual(['a', 'b'])
    expect(splitWords('')).toEqual([])
  })

  it('asks for a refresh token with `offline_access` or `offline`', () => {
    expect(asksForRefreshToken(['openid', 'offline'])).toBe(true)
    expect(asksForRefreshToken(['offline_access'])).toBe(true)
    expect(asksForRefreshToken(['openid', 'offline.x'])).toBe(false)
  })
})
