// The module for Go, clients/go: with net/http and gRPC.
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { describeLocalDecisions } from './local_decisions.js'
import { type Language, startProcess } from './resource_server.js'
import { describeWithServer } from './with_server.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = `${root}clients/go`
const program = `${root}test/output/go_resource_server`
const generous = 600_000

const env = {
  ...process.env,
  PATH: [`${root}node_modules/.bin`, `${root}.toolchains/go/bin`, `${process.env.HOME}/go/bin`, process.env.PATH].join(
    ':',
  ),
}
const run = async (command: string, args: string[], cwd: string) =>
  (await promisify(execFile)(command, args, { cwd, env, maxBuffer: 1 << 24 })).stdout

const works = (command: string, ...args: string[]) => spawnSync(command, args, { env }).status === 0
const hasGo = works('go', 'version') && works('protoc-gen-go', '--version') && works('protoc-gen-go-grpc', '--version')
const needs = hasGo ? undefined : 'Go, protoc-gen-go and protoc-gen-go-grpc'

const go: Language = {
  name: 'Go',
  needs,
  mounts: [''],
  start: (options) => startProcess(program, [JSON.stringify(options)], env),
}

describe.skipIf(needs)('Go: the module', { meta: { needs: needs ?? '' } }, () => {
  it('is generated, vetted and built, and its own tests pass', { timeout: generous }, async () => {
    mkdirSync(`${root}test/output`, { recursive: true })
    await run('buf', ['generate', '--template', 'clients/go/buf.gen.yaml'], root)
    await run('go', ['build', '-o', program, './internal/resourceserver'], folder)
    await run('go', ['vet', './...'], folder)
    expect(await run('go', ['test', '.'], folder)).toContain('ok')
  })
})

describeLocalDecisions(go)
describeWithServer(go)
