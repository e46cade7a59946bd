// Writes docs/hydra.md from rows.yml.
import { writeFileSync } from 'node:fs'
import { projectRoot } from '../../services/kit/project_root.js'
import { documentOf, readSections } from './document.js'

writeFileSync(`${projectRoot}/docs/hydra.md`, documentOf(readSections()))
