// The README is true: its commands run as they are written, its links lead somewhere, its maps name what is there.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuild } from './support/build.js'
import { type Suite, startSuite } from './support/suite.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)
const env = {
  ...process.env,
  PATH: [`${root}.toolchains/go/bin`, `${process.env.HOME}/go/bin`, process.env.PATH].join(':'),
}
const has = (tool: string) => spawnSync('which', [tool], { env }).status === 0

const needs = (tools: string) => ({ meta: { needs: tools } })

let suite: Suite

beforeAll(async () => {
  suite = await startSuite()
})
afterAll(() => suite.stop())

/** Runs a block in bash; the addresses alone are those of the suite under test. */
async function run(block: string): Promise<string> {
  const script = block
    .replaceAll('http://localhost:4444', suite.publicUrl)
    .replaceAll('http://localhost:4445', suite.adminUrl)
    .replaceAll('localhost:4450', suite.grpcAddress)
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env })
  return stdout
}

describe('the commands of the README', () => {
  it.skipIf(!has('jq') || !has('curl'))(
    'curl: a client, a token, introspection, revocation',
    needs('curl and jq'),
    async () => {
      const block = blocks.find((each) => each.includes('/oauth2/revoke')) ?? ''
      const answers = (await run(block)).trim()
      expect(answers).toMatch(/"active": true[\s\S]*"active": false/)
    },
  )

  it.skipIf(!has('jq') || !has('grpcurl'))(
    'grpcurl: a client, a token, introspection',
    needs('grpcurl and jq'),
    async () => {
      const block = blocks.find((each) => each.includes('grpcurl')) ?? ''
      const answers = await run(block)
      expect(answers).toContain('tessera.token.v1.TokenService')
      expect(answers).toMatch(/"active": true/)
    },
  )
})

describe('the package for resource servers', () => {
  it('is built by itself, decides without asking, and sees a revocation', async () => {
    const block = blocks.find((each) => each.includes('clients/typescript/example.mjs')) ?? ''
    const told = await run(block)
    expect(told).toContain('active: true, from memory, the server was asked 0 times')
    expect(told).toMatch(/refused \d+ ms after it was revoked/)
  })
})

describe('the words of the README', () => {
  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(10)
    expect(links.filter((link) => !existsSync(`${root}${link}`))).toEqual([])
  })

  it('names each path of the route table, and none that is not there', async () => {
    const { adminRoutes, publicRoutes } = await import('../gateway/routes.js')
    const served = new Set([...publicRoutes, ...adminRoutes].map((route) => route.path))
    const named = [...readme.matchAll(/^\| `(?:GET|POST|PUT|PATCH|DELETE)[^`]*? (\/[^`]*)`/gm)].map(
      ([, path = '']) => path,
    )
    expect(
      [...served].filter((path) => !named.includes(path)),
      'not in the README',
    ).toEqual([])
    expect(
      named.filter((path) => !served.has(path)),
      'not served',
    ).toEqual([])
  })

  it('has the table of configuration keys that the program prints', async () => {
    const program = await ensureBuild()
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'config-keys'])
    expect(readme).toContain(stdout.trim())
  })

  it('names each RPC, and none that is not there', async () => {
    const { rules } = await import('../services/kit/rpc/rules.js')
    const rpcs = Object.keys(rules).map((path) => path.split('/').pop())
    const named = [...readme.matchAll(/^\| `([A-Z]\w+Service)` \| (.*?) \|/gm)].flatMap(([, , methods = '']) =>
      methods.split(', ').map((method) => method.replaceAll('`', '')),
    )
    expect([...named].sort()).toEqual([...rpcs].sort())
  })
})
