// What a result depends on beside the servers: the machine, Node.js, the commit.
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'
import { projectRoot } from '../../services/kit/project_root.js'
import type { Report } from '../results.js'

export function describeMachine(): Pick<Report, 'commit' | 'machine' | 'node'> {
  const processors = cpus()
  return {
    commit: commit(),
    machine: {
      cpu: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      os: `${type()} ${release()}`,
    },
    node: process.versions.node,
  }
}

/** Empty outside of a checkout. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}
