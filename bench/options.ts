// What the commands of the benchmark share: their numbers, where their results go, and when these do not count.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { projectRoot } from '../services/kit/project_root.js'

export function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is needed')
  return value
}

/** Writes the results as JSON, where the option says or under this name in bench/results, and says so. */
export function writeResults(report: object, name: string, output = join(projectRoot, 'bench/results', name)): void {
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify(report, undefined, 2)}\n`)
  process.stdout.write(`written: ${relative(process.cwd(), output)}\n`)
}

/** Whether anything was answered wrongly, which is said: such a run ends with an error, and is not published. */
export function isVoid(wrong: readonly string[]): boolean {
  if (wrong.length === 0) return false
  for (const answers of wrong) process.stderr.write(`wrong answers: ${answers}\n`)
  process.stderr.write('the run is void\n')
  process.exitCode = 1
  return true
}
