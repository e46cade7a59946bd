// The package for Python, clients/python: with ASGI and grpc.aio.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { describeLocalDecisions } from './local_decisions.js'
import { type Language, startProcess } from './resource_server.js'
import { describeWithServer } from './with_server.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = `${root}clients/python`
const venvPython = `${root}.toolchains/python/bin/python`
const interpreter = existsSync(venvPython) ? venvPython : 'python3'
const env = { ...process.env, PYTHONPATH: `${folder}/src`, PYTHONDONTWRITEBYTECODE: '1' }

const hasPython = spawnSync(interpreter, ['-c', 'import grpc_tools.protoc, jwt, cryptography']).status === 0
const needs = hasPython ? undefined : 'Python with grpcio-tools and PyJWT[crypto]'
const run = (args: string[]) => promisify(execFile)(interpreter, args, { cwd: folder, env })

const python: Language = {
  name: 'Python',
  needs,
  mounts: [''],
  start: (options) => startProcess(interpreter, [`${folder}/tests/resource_server.py`, JSON.stringify(options)], env),
}

describe.skipIf(needs)('Python: the package', { meta: { needs: needs ?? '' } }, () => {
  it('is generated, and its own tests pass', async () => {
    const protos = [
      'tessera/introspection/v1/introspection_service.proto',
      'tessera/oauth/v1/oauth_error.proto',
      'tessera/token/v1/revocation_service.proto',
    ]
    const outputs = ['--python_out=src', '--grpc_python_out=src']
    await run(['-m', 'grpc_tools.protoc', '-I', '../../proto', ...outputs, ...protos])
    await run(['-m', 'unittest', 'discover', '-s', 'tests'])
  })
})

describeLocalDecisions(python)
describeWithServer(python)
