// The folder that package.json stands in: the same whether the code runs from its sources or from build/.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function find(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error('there is no package.json above the program')
  return find(parent)
}

export const projectRoot = find(dirname(fileURLToPath(import.meta.url)))
