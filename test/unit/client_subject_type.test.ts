// Sectors of pairwise clients (OpenID Connect Registration 5), with the answers of a sector_identifier_uri.
import { describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import { SubjectTypes } from '../../services/client/subject_type.js'
import { OutboundError } from '../../services/kit/outbound.js'

const sectorIdentifierUri = 'https://sector.example/uris.json'
const redirectUris = ['https://a.example/', 'https://b.example/']
const client = Client.fromPartial({ subjectType: 'pairwise', sectorIdentifierUri, redirectUris })

function answering(answer: string | Error, status = 200) {
  const called: string[] = []
  const call = async (url: string) => {
    called.push(url)
    if (answer instanceof Error) throw answer
    return { status, contentType: 'application/json', body: Buffer.from(answer) }
  }
  return { types: new SubjectTypes(['pairwise', 'public'], { call }), called }
}

const refused = { code: 'invalid_client_metadata' }

describe('SS-08: sector_identifier_uri', () => {
  it('is asked for, and lists every redirect URI', async () => {
    const { types, called } = answering(JSON.stringify([...redirectUris, 'https://c.example/']))
    await types.check(client)
    expect(called).toEqual([sectorIdentifierUri])
  })

  it.each<[string, string | Error, number]>([
    ['a redirect URI is missing', JSON.stringify([redirectUris[0]]), 200],
    ['no list', JSON.stringify({ uris: redirectUris }), 200],
    ['something else than texts', JSON.stringify([...redirectUris, 1]), 200],
    ['no JSON', '[', 200],
    ['another status', JSON.stringify(redirectUris), 404],
    ['no answer', new OutboundError('gone'), 200],
  ])('%s', async (_, answer, status) => {
    await expect(answering(answer, status).types.check(client)).rejects.toMatchObject(refused)
  })

  it('is asked for again where a redirect URI or the address is new, and not for other changes', async () => {
    const { types, called } = answering('[]')
    await types.check({ ...client, clientName: 'new' }, client)
    expect(called).toEqual([])
    const more = { ...client, redirectUris: [...redirectUris, 'https://c.example/'] }
    await expect(types.check(more, client)).rejects.toMatchObject(refused)
    const moved = { ...client, sectorIdentifierUri: 'https://other.example/' }
    await expect(types.check(moved, client)).rejects.toMatchObject(refused)
  })
})

describe('subject_type', () => {
  it('is public where the client names none and public is supported', () => {
    expect(answering('[]').types.complete(Client.create()).subjectType).toBe('public')
    const { types } = { types: new SubjectTypes(['pairwise'], { call: () => Promise.reject() }) }
    expect(types.complete(Client.create()).subjectType).toBe('pairwise')
  })

  it('must be one that the server supports', async () => {
    const types = new SubjectTypes(['public'], { call: () => Promise.reject() })
    await expect(types.check({ ...client, sectorIdentifierUri: '' })).rejects.toMatchObject(refused)
  })
})
