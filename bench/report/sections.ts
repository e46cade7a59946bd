// The sections of docs/performance.md that runs of their own write, each from the results that were published last.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../services/kit/project_root.js'

export const documentFile = join(projectRoot, 'docs/performance.md')

/** Before this one stand all that are written by themselves. */
const last = '## Measure it yourself'

export interface Section<R> {
  /** Without the `## `. */
  readonly heading: string
  /** In bench/results, where the published results are. */
  readonly file: string
  readonly describe: (report: R) => string
}

/** The document with the section in its place; the rest stays as it is. */
export function placeSection(document: string, heading: string, section: string): string {
  const title = `## ${heading}\n`
  const begin = document.indexOf(title)
  const insertAt = begin >= 0 ? begin : document.indexOf(last)
  const from = insertAt >= 0 ? insertAt : document.length
  const end = begin >= 0 ? document.indexOf('\n## ', begin + title.length) + 1 : from
  const rest = document.slice(begin >= 0 && end === 0 ? document.length : end)
  return `${`${document.slice(0, from).trimEnd()}\n\n${title}\n${section}\n\n${rest}`.trimEnd()}\n`
}

const resultsOf = ({ file }: Section<never>): string => join(projectRoot, 'bench/results', file)

/** Keeps the results, and writes the section. */
export function publishSection<R>(section: Section<R>, report: R): void {
  writeFileSync(resultsOf(section), `${JSON.stringify(report, undefined, 2)}\n`)
  writeFileSync(documentFile, withSection(readFileSync(documentFile, 'utf8'), section))
  process.stdout.write('published: docs/performance.md\n')
}

/** The document with the section as it was published last, for whoever writes the rest of it. */
export function withSection<R>(document: string, section: Section<R>): string {
  const file = resultsOf(section)
  if (!existsSync(file)) return document
  const report = JSON.parse(readFileSync(file, 'utf8')) as R
  return placeSection(document, section.heading, section.describe(report))
}
