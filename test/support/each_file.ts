// Runs before each file of tests: they share a process, and what one of them changed is as it was for the next.
import { afterAll, afterEach } from 'vitest'
import { setLogLevel } from '../../services/kit/log.js'
import { expectDocumentedAnswers, forgetAnswers } from './contract/answers.js'

/** Servers that run inside a test are quiet; TESSERA_TEST_LOG=debug shows what they say. */
setLogLevel(process.env.TESSERA_TEST_LOG ?? 'silent')

afterEach(expectDocumentedAnswers)
afterAll(() => {
  forgetAnswers()
  expectDocumentedAnswers()
})
