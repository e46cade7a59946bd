// The built program, for tests that start processes: built anew when a source is newer.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { projectRoot } from '../../services/kit/project_root.js'

const inputs = ['bench', 'cli', 'demo', 'gateway', 'generated', 'prisma', 'services']
const stamp = join(projectRoot, 'build/tsconfig.tsbuildinfo')
const lock = join(projectRoot, 'build/building')

/** The program's path. */
export async function ensureBuild(): Promise<string> {
  for (let waits = 0; isStale(); waits++) {
    try {
      mkdirSync(lock)
    } catch {
      // Another worker builds; one that was killed while it did must not stop all others.
      if (waits > 600) rmdirSync(lock)
      await delay(100)
      continue
    }
    try {
      build()
    } finally {
      rmdirSync(lock)
    }
  }
  return join(projectRoot, 'build/cli/main.js')
}

function build(): void {
  const startedAt = new Date()
  const tsc = join(projectRoot, 'node_modules/.bin/tsc')
  try {
    execFileSync(tsc, ['-p', projectRoot], { cwd: projectRoot, stdio: 'pipe' })
  } catch (thrown) {
    // Type errors are the types' own check to tell; the program is written nevertheless.
    if (!existsSync(stamp)) throw thrown
  }
  // The compiler leaves its file as it is where nothing changed but the time of a source.
  utimesSync(stamp, startedAt, startedAt)
}

function isStale(): boolean {
  if (!existsSync(stamp)) return true
  const builtAt = statSync(stamp).mtimeMs
  return inputs.some((input) => newestIn(join(projectRoot, input)) > builtAt)
}

const newestIn = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true }).reduce((newest, entry) => {
    const path = join(folder, entry.name)
    const at = entry.isDirectory() ? newestIn(path) : entry.name.endsWith('.ts') ? statSync(path).mtimeMs : 0
    return Math.max(newest, at)
  }, 0)
