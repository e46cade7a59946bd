// Tells when files change whose content matters: those of the configuration, of secrets and of certificates. Their folders
// are watched, so that a file that is replaced, removed or reached by a link that moves (Kubernetes' `..data`) is seen too.
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import { log } from '../log.js'

/** Whoever writes a file is given this time to end; what is still changing then is waited for again. */
const settleMs = 150

export class FileWatch {
  readonly #onChange: (paths: readonly string[]) => void
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  /** By path, the digest of what was told last; undefined for a file that is not there. */
  #told = new Map<string, string | undefined>()
  #seen = new Map<string, string | undefined>()
  #watched = ''

  /** `onChange` is told the paths of files with another content than before. */
  constructor(onChange: (paths: readonly string[]) => void) {
    this.#onChange = onChange
  }

  /** Watches these files from now on, and no others. What one holds that is new among them is no change. */
  follow(paths: readonly string[]): void {
    const files = this.note(paths)
    const real = files.flatMap(targetOf)
    const watched = JSON.stringify([files, real])
    if (watched === this.#watched) return
    this.#watched = watched
    void this.#watcher?.close()
    const folders = new Set([...files, ...real].map((path) => dirname(path)))
    const isWatched = (path: string) =>
      folders.has(path) || files.includes(path) || real.includes(path) || basename(path).startsWith('..')
    const options = {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      ignored: (path: string) => !isWatched(path),
    }
    this.#watcher = watch([...folders], options)
      .on('all', () => this.#wait())
      .on('error', (err) => log.warn({ err }, 'files of the configuration cannot be watched: use SIGHUP'))
    // What was changed before the watcher was there is seen now.
    this.#watcher.once('ready', () => this.#wait())
  }

  /** Notes what files hold before they are watched: what they hold later is a change. Returns their absolute paths. */
  note(paths: readonly string[]): string[] {
    const files = [...new Set(paths.map((path) => resolve(path)))]
    this.#told = new Map(files.map((path) => [path, this.#told.has(path) ? this.#told.get(path) : digestOf(path)]))
    return files
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#watcher?.close()
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), settleMs).unref()
  }

  #look(): void {
    const now = digestsOf([...this.#told.keys()])
    const isStill = [...now].every(([path, digest]) => this.#seen.get(path) === digest)
    this.#seen = now
    if (!isStill) {
      this.#wait()
      return
    }
    const changed = [...now].flatMap(([path, digest]) => (this.#told.get(path) === digest ? [] : [path]))
    this.#told = now
    if (changed.length > 0) this.#onChange(changed)
  }
}

function targetOf(path: string): string[] {
  try {
    return [realpathSync(path)]
  } catch {
    return []
  }
}

const digestsOf = (paths: readonly string[]): Map<string, string | undefined> =>
  new Map(paths.map((path) => [path, digestOf(path)]))

function digestOf(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('base64')
  } catch {
    return undefined
  }
}
