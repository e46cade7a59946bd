// Stubs generated from proto/ in other languages: each program creates a client, issues a token, introspects it, and reads
// the typed error of a refusal. And the SDKs that Hydra publishes for other languages. A language whose toolchain is not on the machine is skipped; CI has them all.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Suite, startSuite } from '../support/suite.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
const generous = 300_000

const env = {
  ...process.env,
  PATH: [`${root}node_modules/.bin`, `${root}.toolchains/go/bin`, `${process.env.HOME}/go/bin`, process.env.PATH].join(
    ':',
  ),
}
const execute = promisify(execFile)
const run = async (command: string, args: string[], cwd: string = root) =>
  (await execute(command, args, { cwd, env, maxBuffer: 1 << 24 })).stdout.trim()

const works = (command: string, ...args: string[]) => spawnSync(command, args, { env }).status === 0

const venvPython = `${root}.toolchains/python/bin/python`
const python = existsSync(venvPython) ? venvPython : 'python3'
const hasGo = works('go', 'version') && works('protoc-gen-go', '--version') && works('protoc-gen-go-grpc', '--version')
const hasPython = works(python, '-c', 'import grpc_tools.protoc, grpc_status')
const hasHydraPython = works(python, '-c', 'import ory_hydra_client')
const hasJava = works('mvn', '-version') && works('javac', '-version')

const expected = 'active=true client=true scope=read refused=invalid_client'

let suite: Suite

beforeAll(async () => {
  suite = await startSuite()
})
afterAll(() => suite.stop())

describe('stubs generated from proto/', () => {
  it.skipIf(!hasGo)(
    'Go: creates a client, issues and introspects a token, reads the typed error',
    { timeout: generous, meta: { needs: 'Go, protoc-gen-go and protoc-gen-go-grpc' } },
    async () => {
      await run('buf', ['generate', '--template', 'test/polyglot/go/buf.gen.yaml'])
      expect(await run('go', ['run', '.', suite.grpcAddress], `${here}go`)).toBe(expected)
    },
  )

  it.skipIf(!hasPython)(
    'Python: creates a client, issues and introspects a token, reads the typed error',
    { timeout: generous, meta: { needs: 'Python with grpcio-tools' } },
    async () => {
      const protos = (await run('buf', ['ls-files', 'proto'])).split('\n').map((file) => file.replace('proto/', ''))
      const generated = `${here}python/gen`
      mkdirSync(generated, { recursive: true })
      const outputs = [`--python_out=${generated}`, `--grpc_python_out=${generated}`]
      await run(python, ['-m', 'grpc_tools.protoc', '-I', `${root}proto`, ...outputs, ...protos])
      const { stdout } = await execute(python, ['main.py', suite.grpcAddress], {
        cwd: `${here}python`,
        env: { ...env, PYTHONPATH: generated },
      })
      expect(stdout.trim()).toBe(expected)
    },
  )

  it.skipIf(!hasJava)(
    'Java: creates a client, issues and introspects a token, reads the typed error',
    { timeout: generous, meta: { needs: 'Java and Maven' } },
    async () => {
      await run('mvn', ['-q', '-B', 'package'], `${here}java`)
      const classpath = `target/classes:${await run('cat', ['target/classpath'], `${here}java`)}`
      expect(await run('java', ['-cp', classpath, 'example.Main', suite.grpcAddress], `${here}java`)).toBe(expected)
    },
  )
})

describe("Hydra's own SDKs", () => {
  const managed = 'issuer=true listed=1 patched=patched keys=1 active=true client=true gone=404'

  it.skipIf(!works('go', 'version'))(
    'Go: hydra-client-go 2.2 manages clients and key sets, and introspects',
    { timeout: generous, meta: { needs: 'Go' } },
    async () => {
      expect(await run('go', ['run', '.', suite.publicUrl, suite.adminUrl], `${here}hydra_go`)).toBe(managed)
    },
  )

  it.skipIf(!hasHydraPython)(
    'Python: ory-hydra-client 25.4 manages clients and key sets, and introspects',
    { timeout: generous, meta: { needs: 'Python with ory-hydra-client' } },
    async () => {
      expect(await run(python, ['main.py', suite.publicUrl, suite.adminUrl], `${here}hydra_python`)).toBe(managed)
    },
  )
})
