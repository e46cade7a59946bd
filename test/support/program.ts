// The built `tessera` command as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { projectRoot } from '../../services/kit/project_root.js'
import { ensureBuild } from './build.js'

export interface Program {
  readonly child: ChildProcess
  /** What it wrote so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves when its output, of both kinds, matches; fails when it ends before. */
  until(pattern: RegExp): Promise<string>
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Starts it with nothing of this process's environment that could configure it. */
export async function startProgram(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Program> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [await ensureBuild(), ...args], {
    cwd: projectRoot,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // A worker that is ended before its tests are must not leave servers behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  const all = () => output.stdout + output.stderr
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const [found] = pattern.exec(all()) ?? []
          if (found !== undefined) resolve(found)
        }
        look()
        child.stdout.on('data', look)
        child.stderr.on('data', look)
        child.once('close', () => reject(new Error(`it ended before it said ${pattern}: ${all()}`)))
      }),
  }
}
