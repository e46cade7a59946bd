// A server in a process of its own whose configuration file a test changes while it runs.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePorts } from './ports.js'
import { freshDatabase } from './postgres.js'
import { type Program, startProgram } from './program.js'
import type { Suite } from './suite.js'

export type Settings = Record<string, unknown>

export interface ConfiguredProgram {
  readonly program: Program
  /** For the helpers that speak to a suite; it has the addresses alone. */
  readonly suite: Suite
  readonly folder: string
  readonly file: string
  /** Writes the file as editors and deployment tools do: whole, by a rename. */
  write(settings: Settings | string): void
  /** What it logs from here on until it says this. */
  nextLog(pattern: RegExp): Promise<string>
  stop(): Promise<void>
}

export const systemSecret = 'the-first-Secret-of-7-suites'

/** What every test's file says beside its own settings. */
export const baseSettings: Settings = {
  log: { level: 'info' },
  secrets: { system: [systemSecret] },
}

export async function startConfigured(
  settings: Settings = {},
  environment: Record<string, string> = {},
  moreFiles: readonly string[] = [],
): Promise<ConfiguredProgram> {
  const database = await freshDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'tessera-reload-'))
  const file = join(folder, 'hydra.yml')
  const [publicPort, adminPort, grpcPort] = await freePorts(3)
  const publicUrl = `http://127.0.0.1:${publicPort}`
  const write = (next: Settings | string) => {
    writeFileSync(`${file}.new`, typeof next === 'string' ? next : stringify({ ...baseSettings, ...next }))
    renameSync(`${file}.new`, file)
  }
  write(settings)
  const program = await startProgram(['serve', 'all', '--dev', '-c', file, ...moreFiles], {
    DSN: database.dsn,
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpcPort}`,
    URLS_SELF_ISSUER: publicUrl,
    URLS_CONSENT: 'http://127.0.0.1:3000/consent',
    ...environment,
  })
  await program.until(/^ready/m)
  let read = 0
  return {
    program,
    suite: { publicUrl, adminUrl: `http://127.0.0.1:${adminPort}`, grpcAddress: `127.0.0.1:${grpcPort}` } as Suite,
    folder,
    file,
    write,
    nextLog: async (pattern) => {
      for (;;) {
        const found = new RegExp(pattern).exec(program.stderr().slice(read))
        if (found) {
          read += found.index + found[0].length
          return found[0]
        }
        await Promise.race([new Promise((resolve) => program.child.stderr?.once('data', resolve)), program.ended])
        if (program.child.exitCode !== null) throw new Error(`it ended before it said ${pattern}: ${program.stderr()}`)
      }
    },
    stop: async () => {
      program.child.kill('SIGTERM')
      await program.ended
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
