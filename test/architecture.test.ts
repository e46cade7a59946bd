// Who may import whom, and where the environment, time, randomness, gRPC and the database may be used.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { grants } from '../services/token/grants/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['services', 'gateway', 'cli', 'demo']

const sources = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
)
const textOf = new Map(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')]))

/** What a file imports: repository paths for its own code, names for packages and generated code. */
function importsOf(file: string): string[] {
  const specifiers = [...(textOf.get(file) ?? '').matchAll(/(?:^|\n)(?:import|export)[^'\n]*?(?:\n[^']*?)?'([^']+)'/g)]
  return specifiers.map(([, specifier = '']) =>
    specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
  )
}

const room = (file: string): string =>
  file.startsWith('services/') ? file.split('/').slice(0, 2).join('/') : (file.split('/')[0] ?? '')

const offenders = (inScope: (file: string) => boolean, isForbidden: (imported: string, file: string) => boolean) =>
  sources.filter(inScope).flatMap((file) =>
    importsOf(file)
      .filter((imported) => isForbidden(imported, file))
      .map((imported) => `${file} -> ${imported}`),
  )

const isOwnCode = (imported: string) => folders.some((folder) => imported.startsWith(`${folder}/`))

describe('who may import whom', () => {
  it('services/kit imports no service and no contract but the OAuth error', () => {
    const forbidden = (imported: string) =>
      (isOwnCode(imported) && room(imported) !== 'services/kit') ||
      (imported.startsWith('#proto/') && !imported.startsWith('#proto/oauth/')) ||
      imported.startsWith('#prisma/')
    expect(offenders((file) => room(file) === 'services/kit', forbidden)).toEqual([])
  })

  it('a service imports itself, the kit and generated code, never another service or the gateway', () => {
    const isService = (file: string) => file.startsWith('services/') && room(file) !== 'services/kit'
    const forbidden = (imported: string, file: string) =>
      isOwnCode(imported) && room(imported) !== 'services/kit' && room(imported) !== room(file)
    expect(offenders(isService, forbidden)).toEqual([])
  })

  it('the gateway imports the kit and generated code, never a service or Prisma', () => {
    const forbidden = (imported: string) =>
      (isOwnCode(imported) && !['services/kit', 'gateway'].includes(room(imported))) || imported.startsWith('#prisma/')
    expect(offenders((file) => room(file) === 'gateway', forbidden)).toEqual([])
  })

  it('the login and consent app imports nothing of the rest, so that a copy of its folder works', () => {
    const inApp = (file: string) => file.startsWith('demo/login_consent/')
    const forbidden = (imported: string) =>
      imported.startsWith('#') || (isOwnCode(imported) && !imported.startsWith('demo/login_consent/'))
    expect(offenders(inApp, forbidden)).toEqual([])
  })

  it('the packages for resource servers import nothing of the rest, so that each stands alone', () => {
    const folder = join(root, 'clients/typescript/src')
    const allowed = /^(\.\/[\w/.]+|@grpc\/grpc-js|jose|node:[\w/]+)$/
    const strangers = readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/\bfrom '([^']+)'/g)])
      .map(([, specifier = '']) => specifier)
      .filter((specifier) => !allowed.test(specifier))
    expect(strangers).toEqual([])
  })

  it('only store/ folders and the kit touch Prisma and pg', () => {
    const mayStore = (file: string) => /^services\/[a-z]+\/store\//.test(file) || room(file) === 'services/kit'
    const touches = (imported: string) => /^#prisma\/|^@prisma\/|^pg$/.test(imported)
    expect(offenders((file) => file.startsWith('services/') && !mayStore(file), touches)).toEqual([])
  })

  it('only the kit uses grpc-js', () => {
    expect(
      offenders(
        (file) => room(file) !== 'services/kit',
        (imported) => imported === '@grpc/grpc-js',
      ),
    ).toEqual([])
  })

  it('only their one place in the kit uses the environment, the time and randomness', () => {
    const uses = /process\.env|Date\.now\(|new Date\(\)|Math\.random\(|\brandomBytes\(\s*\d|performance\.now\(/
    const places = ['services/kit/clock.ts', 'services/kit/random.ts']
    const isPlace = (file: string) => places.includes(file) || file.startsWith('services/kit/config/')
    const found = sources
      .filter((file) => /^(services|gateway)\//.test(file) && !isPlace(file))
      .filter((file) =>
        uses.test((textOf.get(file) ?? '').replaceAll("from 'node:crypto'", '').replace(/randomBytes\(\d+\)/g, '')),
      )
    expect(found).toEqual([])
  })
})

describe('registries', () => {
  it('the name of a grant type stands in one source file of the token service', () => {
    for (const name of Object.keys(grants)) {
      const places = sources.filter(
        (file) => file.startsWith('services/token/grants/') && (textOf.get(file) ?? '').includes(`'${name}'`),
      )
      expect(places, name).toHaveLength(1)
    }
  })

  it('every source file says on its first line what it owns', () => {
    expect(sources.filter((file) => !/^(\/\/|\/\*\*|#!)/.test(textOf.get(file) ?? ''))).toEqual([])
  })
})
