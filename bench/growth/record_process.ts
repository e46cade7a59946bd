// Loaded into the server before it starts (`node --import`): writes the statements that it sends into a file.
import { appendFileSync } from 'node:fs'
import { recordStatements } from './recorder.js'
import { encodeRecord } from './recording.js'

const file = process.env.BENCH_STATEMENTS
if (file) recordStatements((statement) => appendFileSync(file, `${encodeRecord(statement)}\n`))
