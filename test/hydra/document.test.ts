// That docs/hydra.md is made from rows.yml, and that no row of it is empty. Write it anew with
// `node build/test/hydra/write_document.js`.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../services/kit/project_root.js'
import { documentOf, isTitled, readSections } from './document.js'

const sections = readSections()

describe('docs/hydra.md', () => {
  it('is what its rows say', () => {
    expect(readFileSync(`${projectRoot}/docs/hydra.md`, 'utf8')).toBe(documentOf(sections))
  })

  it('has no row without a proof or a reason', () => {
    const empty = sections
      .flatMap(({ rows }) => rows)
      .filter(({ verdict, proofs, note }) => (verdict === 'refused' ? !note : proofs.length === 0))
    expect(empty.map(({ hydra }) => hydra)).toEqual([])
  })

  it('says of each row that is better, how', () => {
    const silent = sections.flatMap(({ rows }) => rows).filter(({ verdict, note }) => verdict === 'better' && !note)
    expect(silent.map(({ hydra }) => hydra)).toEqual([])
  })

  it('names files of tests that are there', () => {
    const files = new Set(sections.flatMap(({ rows }) => rows.flatMap(({ proofs }) => proofs.map(({ file }) => file))))
    expect([...files].filter((file) => !existsSync(`${projectRoot}/${file}`))).toEqual([])
  })
})

describe('the title of a proof', () => {
  it.each([
    ['RS256', 'RS256', true],
    ['RS256', 'RS2567', false],
    ['generates a key for *', 'generates a key for ES256', true],
    ['*', 'anything', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c', false],
    ['aba*ba', 'aba', false],
  ])('%s is that of %s: %s', (title, test, is) => {
    expect(isTitled({ file: '', title }, test)).toBe(is)
  })
})
