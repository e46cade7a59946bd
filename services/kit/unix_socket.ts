// Listening on a Unix socket instead of a port: `unix:` and the path of its file, as Hydra writes it.
import { chmodSync, chownSync, lstatSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { SocketConfig } from './config/config.js'
import { StartupError } from './startup_error.js'

/** The path of a host that is a socket; undefined for an address. */
export const socketPathOf = (host: string): string | undefined => (host.startsWith('unix:') ? host.slice(5) : undefined)

/** Removes a socket that a process left behind; one that answers, or what is no socket, stays and is an error of listening. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isSocket() && !(await answers(path))) rmSync(path, { force: true })
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** Gives a socket the owner, group and mode that were asked for; `key` is where that was. */
export function ownSocket(path: string, { owner, group, mode }: SocketConfig, key: string): void {
  const uid = owner === '' ? -1 : idOf('/etc/passwd', owner, `${key}.owner`)
  const gid = group === '' ? -1 : idOf('/etc/group', group, `${key}.group`)
  try {
    if (uid >= 0 || gid >= 0) chownSync(path, uid, gid)
    chmodSync(path, mode)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StartupError(`${key}: ${path} cannot be given this owner, group and mode (${code})`)
  }
}

function idOf(file: string, name: string, key: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const lines = readFileSync(file, 'utf8').split('\n')
  const id = lines.map((line) => line.split(':')).find(([known]) => known === name)?.[2]
  if (id === undefined) throw new StartupError(`${key}: ${name} is not in ${file}`)
  return Number(id)
}
