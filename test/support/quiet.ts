// Keeps the log of servers that run inside a test quiet; TESSERA_TEST_LOG=debug shows it.
import { setLogLevel } from '../../services/kit/log.js'

setLogLevel(process.env.TESSERA_TEST_LOG ?? 'silent')
