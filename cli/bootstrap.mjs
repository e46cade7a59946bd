// `npm start`, `npm test` and `npm run bench` on a bare checkout: installs, generates and builds what is missing or out of
// date, shows each step with its time, then starts the server, runs every check or measures. Needs nothing but Node.js.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const isWindows = process.platform === 'win32'
const services = ['client', 'consent', 'token']

// Prisma would download an engine for commands that are not used here; any program in its place stops it.
const environment = {
  ...process.env,
  PRISMA_SCHEMA_ENGINE_BINARY: existsSync('/bin/true') ? '/bin/true' : process.execPath,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(isWindows ? ';' : ':'),
}

function fail(line) {
  process.stderr.write(`tessera: ${line}\n`)
  process.exit(1)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const isServed = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24
  if (!isServed) fail(`Node.js ${process.versions.node} is not served: install 20.19 or newer, 22.12 or newer, or 24`)
}

// --- commands

/** Runs a program of node_modules/.bin or the system; resolves with its exit code. */
function run(command, args, { cwd = root, stdio = 'inherit', env = environment, shown } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio, env, shell: isWindows })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        output += chunk
        shown?.write(chunk)
      })
    child.once('error', (error) => resolve({ code: 1, output: error.message }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** A step of the preparation: shown with its time; what it prints is shown only if it fails. */
async function step(title, work) {
  const startedAt = performance.now()
  process.stdout.write(`${title} … `)
  const results = await work()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const failed = results.filter(({ code }) => code !== 0)
  process.stdout.write(failed.length ? `failed after ${seconds} s\n` : `${seconds} s\n`)
  if (failed.length === 0) return
  process.stderr.write(`${failed.map(({ output }) => output.trim()).join('\n')}\n`)
  fail(`${title} failed; what it said stands above`)
}

const quietly = (command, args) => run(command, args, { stdio: 'pipe' })

// --- what is out of date

function filesBelow(folder, isWanted) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesBelow(path, isWanted)
      return isWanted(entry.name) ? [path] : []
    })
}

function digest(paths) {
  const hash = createHash('sha256')
  for (const path of paths.filter(existsSync)) hash.update(path.slice(root.length)).update(readFileSync(path))
  return hash.digest('hex')
}

/** What a work is made from, if that has changed since the stamp beside its output was written. */
function outdated(stampPath, inputs, work) {
  const stamp = join(root, stampPath)
  const now = digest(inputs)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return []
  const make = async () => {
    rmSync(stamp, { force: true })
    const result = await work()
    if (result.code !== 0) return result
    mkdirSync(dirname(stamp), { recursive: true })
    writeFileSync(stamp, now)
    return result
  }
  return [make]
}

/** Whether every package of the lockfile is there in its version; those for other systems may be missing. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(locked).every(([path, { version, optional }]) => {
    if (path === '') return true
    return installed[path] ? installed[path].version === version : optional === true
  })
}

// --- the preparation

async function install() {
  if (isInstalled()) return
  const npm = process.env.npm_execpath
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  await step('installing packages', async () => [
    npm?.endsWith('.js') ? await quietly(process.execPath, [npm, ...args]) : await quietly('npm', args),
  ])
}

const inProject = (...names) => names.map((name) => join(root, name))

async function generate() {
  const lock = inProject('package-lock.json')
  const protos = filesBelow(join(root, 'proto'), (name) => name.endsWith('.proto'))
  const works = outdated(
    'generated/proto/.made-from',
    [...protos, ...inProject('buf.yaml', 'buf.gen.yaml'), ...lock],
    generateFromProtos,
  )
  for (const service of services) {
    const inputs = [...inProject(`prisma/${service}/schema.prisma`, 'prisma/prisma.config.ts'), ...lock]
    works.push(...outdated(`generated/prisma/${service}/.made-from`, inputs, () => generateClient(service)))
  }
  if (works.length > 0) await step('generating code', () => Promise.all(works.map((work) => work())))
}

/** TypeScript from the contracts, and their descriptors for gRPC reflection. */
async function generateFromProtos() {
  mkdirSync(join(root, 'generated/descriptors'), { recursive: true })
  const sets = { tessera: 'proto', health: 'node_modules/grpc-health-check/proto' }
  const works = [quietly('buf', ['generate'])]
  for (const [name, folder] of Object.entries(sets)) {
    const output = `generated/descriptors/${name}.binpb`
    works.push(quietly('buf', ['build', folder, '--as-file-descriptor-set', '-o', output]))
  }
  const results = await Promise.all(works)
  return results.find(({ code }) => code !== 0) ?? results[0]
}

function generateClient(service) {
  const script = join(root, 'node_modules/prisma/build/index.js')
  return run(process.execPath, [script, 'generate'], {
    cwd: join(root, 'prisma'),
    stdio: 'pipe',
    env: { ...environment, PRISMA_SERVICE: service },
  })
}

const sourceFolders = [
  'bench',
  'cli',
  'clients/typescript',
  'demo',
  'gateway',
  'generated',
  'prisma',
  'services',
  'test',
]

async function build() {
  const sources = sourceFolders.flatMap((folder) => filesBelow(join(root, folder), (name) => name.endsWith('.ts')))
  const inputs = [...sources, ...inProject('tsconfig.json', 'package-lock.json')]
  const works = outdated('build/.made-from', inputs, () => quietly('tsc', ['-p', root]))
  if (works.length > 0) await step('building', () => Promise.all(works.map((work) => work())))
}

async function start(args) {
  await install()
  await generate()
  await build()
  endWithNpm()
  // In this process, so that signals reach the server and nothing is left over when it is killed.
  process.argv.splice(1, process.argv.length - 1, join(root, 'build/cli/main.js'), 'serve', 'all', '--dev', ...args)
  await import('../build/cli/main.js')
}

/** Measures; what is measured are processes that the benchmark starts. */
async function bench(args) {
  await install()
  await generate()
  await build()
  endWithNpm()
  process.argv.splice(1, process.argv.length - 1, join(root, 'build/bench/main.js'), ...args)
  await import('../build/bench/main.js')
}

/** npm runs scripts in a shell and tells only the shell when it is to end: when that is gone, so is the reason to run. */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const shell = process.ppid
  const watching = setInterval(() => {
    if (process.ppid !== shell) process.kill(process.pid, 'SIGTERM')
  }, 300)
  watching.unref()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => clearInterval(watching))
}

// --- npm test

/** One check: its title, and its result as it is told at the end. */
async function check(results, title, command, args) {
  process.stdout.write(`\n── ${title}\n`)
  const { code } = await run(command, args)
  results.push({ title, outcome: code === 0 ? 'passed' : 'failed' })
}

const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' })

/** The commit whose contracts today's must not break: where this branch left main, or else the last release. */
function breakingBase() {
  const head = git('rev-parse', 'HEAD').stdout?.trim()
  if (!head) return undefined
  for (const main of ['origin/main', 'main']) {
    const base = git('merge-base', 'HEAD', main).stdout.trim()
    if (base && base !== head) return base
  }
  const release = git('describe', '--tags', '--abbrev=0')
  return release.status === 0 ? release.stdout.trim() : undefined
}

async function checkContracts(results) {
  await check(results, 'buf lint', 'buf', ['lint'])
  const base = breakingBase()
  if (base)
    await check(results, `buf breaking since ${base.slice(0, 12)}`, 'buf', [
      'breaking',
      '--against',
      `.git#ref=${base}`,
    ])
  else
    results.push({ title: 'buf breaking', outcome: 'skipped', why: 'no release and no other branch to compare with' })
}

/** What goes through the public door, and so must be the same whichever way the services are composed. */
const wireTests = ['test/flows', 'code_flow', 'openid_client', 'oauth4webapi', 'hydra_client']

const coverage = join(root, 'build/test/support/contract/coverage.js')
const proofs = join(root, 'build/test/hydra/check_proofs.js')

async function test(args) {
  const startedAt = performance.now()
  await install()
  await generate()
  const results = []
  await check(results, 'lint', 'biome', ['check'])
  await checkContracts(results)
  await check(results, 'types', 'tsc', ['-p', root])
  const counts = { passed: 0, failed: [], skipped: [] }
  rmSync(join(root, 'test/output/contract'), { recursive: true, force: true })
  await runTests(counts, 'tests', args)
  // With arguments, one run is what was asked for.
  if (args.length === 0) {
    // Only of all tests together can be said what they showed, and what none of them saw.
    await check(results, "coverage of Hydra's documents", process.execPath, [coverage])
    await check(results, 'docs/hydra.md is proven', process.execPath, [proofs, reportOf('one')])
    // Once more over the wire.
    await runTests(counts, 'tests, each service a process of its own', wireTests, 'many')
  }
  summarize(results, counts, performance.now() - startedAt)
}

const reportOf = (shape) => join(root, 'test/output', `report_${shape}.json`)

async function runTests(counts, title, args, shape) {
  const report = reportOf(shape ?? 'one')
  rmSync(report, { force: true })
  process.stdout.write(`\n── ${title}\n`)
  const env = shape ? { ...environment, TESSERA_SHAPE: shape } : environment
  const options = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  // Errors that belong to no test are in no report: they end what vitest says there.
  const { code, output } = await run('vitest', [...options, ...args], {
    env,
    stdio: ['inherit', 'inherit', 'pipe'],
    shown: process.stderr,
  })
  const failedBefore = counts.failed.length
  addCounts(report, counts)
  if (code !== 0 && counts.failed.length === failedBefore)
    counts.failed.push({ title: `${title}: vitest itself`, why: linesOf(output).slice(-40).join('') })
}

/** What vitest reported; a file that could not be run counts as one failure. */
function addCounts(report, tests) {
  if (!existsSync(report)) return
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    const failedTests = file.assertionResults.filter(({ status }) => status === 'failed')
    const name = file.name.slice(root.length + 1)
    for (const { fullName, failureMessages } of failedTests)
      tests.failed.push({ title: `${name}: ${fullName}`, why: beginningOf(failureMessages.join('\n')) })
    if (file.status === 'failed' && failedTests.length === 0)
      tests.failed.push({ title: name, why: beginningOf(file.message) })
    for (const { status, fullName, meta } of file.assertionResults) {
      if (status === 'passed') tests.passed++
      else if (status !== 'failed')
        tests.skipped.push({ title: fullName, why: meta?.needs ? `needs ${meta.needs}` : 'the test says so' })
    }
  }
}

/** Enough of a message to say what failed and where. */
const beginningOf = (message) => linesOf(message).slice(0, 12).join('')

const linesOf = (text) =>
  stripVTControlCharacters(text)
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}\n`)

function summarize(results, { passed, failed, skipped }, elapsedMs) {
  process.stdout.write(`\n── summary, after ${Math.round(elapsedMs / 1000)} s\n`)
  for (const { title, outcome, why } of results) process.stdout.write(`${title}: ${outcome}${why ? ` (${why})` : ''}\n`)
  for (const { title, why } of failed) process.stdout.write(`failed: ${title}\n${why}`)
  for (const { title, why } of skipped) process.stdout.write(`skipped: ${title} (${why})\n`)
  // The counts are vitest's own; a check that failed counts as a failure, so that the line never hides one.
  const failures = failed.length + results.filter(({ outcome }) => outcome === 'failed').length
  process.stdout.write(`${passed} passed, ${failures} failed, ${skipped.length} skipped\n`)
  process.exitCode = failures === 0 && passed > 0 ? 0 : 1
}

checkNode()
const [command, ...args] = process.argv.slice(2)
if (command === 'start') await start(args)
else if (command === 'test') await test(args)
else if (command === 'bench') await bench(args)
else if (command === 'build') {
  await install()
  await generate()
  await build()
} else fail('use `npm start`, `npm test` or `npm run bench`')
