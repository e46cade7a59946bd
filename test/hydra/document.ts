// docs/hydra.md: what of ORY Hydra works here, made from rows.yml.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { projectRoot } from '../../services/kit/project_root.js'

export interface Row {
  /** What Hydra offers or does. */
  readonly hydra: string
  /** Why it is refused, or how it is better. */
  readonly note?: string
  readonly verdict: 'works' | 'better' | 'refused'
  readonly proofs: readonly Proof[]
}

/** A test that shows what a row says; `*` in its title stands for anything. */
export interface Proof {
  /** Path from the root of the project. */
  readonly file: string
  readonly title: string
}

export interface Section {
  readonly section: string
  readonly rows: readonly Row[]
}

type RowText = Readonly<{ hydra: string; note?: string; works?: string[]; better?: string[]; refused?: string }>

export function readSections(): Section[] {
  const sections: { section: string; rows: RowText[] }[] = parse(
    readFileSync(`${projectRoot}/test/hydra/rows.yml`, 'utf8'),
  )
  return sections.map(({ section, rows }) => ({ section, rows: rows.map(rowOf) }))
}

function rowOf({ hydra, note, works, better, refused }: RowText): Row {
  if (refused !== undefined) return { hydra, note: refused, verdict: 'refused', proofs: [] }
  const row = { hydra, ...(note !== undefined && { note }) }
  if (better) return { ...row, verdict: 'better', proofs: better.map(proofOf) }
  return { ...row, verdict: 'works', proofs: (works ?? []).map(proofOf) }
}

function proofOf(text: string): Proof {
  const end = text.indexOf(': ')
  return { file: `test/${text.slice(0, end)}.test.ts`, title: text.slice(end + 2) }
}

/** Whether a test has the title of a proof. */
export function isTitled(proof: Proof, title: string): boolean {
  const [first = '', ...others] = proof.title.split('*')
  if (others.length === 0) return title === first
  if (!title.startsWith(first)) return false
  const last = others.pop() ?? ''
  let at = first.length
  for (const part of others) {
    const found = title.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return title.length >= at + last.length && title.endsWith(last)
}

export function documentOf(sections: readonly Section[]): string {
  const all = sections.flatMap(({ rows }) => rows)
  const count = (verdict: Row['verdict']) => all.filter((row) => row.verdict === verdict).length
  return [
    '# Hydra, row by row',
    '',
    'What ORY Hydra (1.10 to 26.2) offers and does, and what becomes of it here. **works**: as with Hydra. **better**: more than',
    'that, or otherwise for a reason. **refused**: not here, and why. Each row but the refused ones names the tests that show it;',
    '`npm test` fails where one of them is missing or fails. Made from `test/hydra/rows.yml`; the differences that a client',
    'could notice stand in the [README](../README.md#where-it-differs-from-hydra).',
    '',
    `${all.length} rows: ${count('works')} work, ${count('better')} are better, ${count('refused')} are refused.`,
    ...sections.flatMap(sectionLines),
    '',
  ].join('\n')
}

function sectionLines({ section, rows }: Section): string[] {
  return ['', `## ${section}`, '', '| Hydra | Tessera | shown by |', '|---|---|---|', ...rows.map(rowLine)]
}

function rowLine({ hydra, verdict, note, proofs }: Row): string {
  const cells = [hydra, `**${verdict}**${note ? `: ${note}` : ''}`, proofs.map(proofText).join('<br>')]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const proofText = ({ file, title }: Proof): string =>
  `[${file.slice(5, -8)}](../${file}): ${title.replaceAll('*', '…')}`
