// One of several processes that share the ports of a server. What it is to do, its primary says; without a primary it ends.
import { setLogFormat, setLogLevel } from '../services/kit/log.js'
import { StartupError } from '../services/kit/startup_error.js'
import { Composition } from './compose.js'
import { boundGarbage } from './garbage.js'
import { graceMs as usualGraceMs } from './serve.js'
import type { FromWorker, ToWorker } from './worker_messages.js'

boundGarbage()

let listening: Promise<Composition> | undefined
let ending: Promise<void> | undefined

const say = (message: FromWorker, done?: () => void) => process.send?.(message, undefined, undefined, done)

async function start({ role, config }: Extract<ToWorker, { kind: 'start' }>): Promise<void> {
  setLogLevel(config.log.level)
  setLogFormat(config.log.format)
  try {
    listening = Composition.listen(config, role)
    const composition = await listening
    await composition.start()
    if (!ending) say({ kind: 'ready', addresses: composition.addresses })
  } catch (thrown) {
    if (ending) return
    const isExpected = thrown instanceof StartupError
    const message = isExpected ? thrown.message : String((thrown as Error).stack ?? thrown)
    say({ kind: 'refused', message, isExpected }, () => process.exit(1))
  }
}

async function end(graceMs: number): Promise<void> {
  const composition = await listening?.catch(() => undefined)
  await composition?.close(graceMs)
  process.exit(0)
}

async function take(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'start':
      return start(message)
    case 'close':
      ending ??= end(message.graceMs)
      return ending
    case 'reconfigure':
      return (await listening)?.reconfigure(message.config)
    case 'reload_certificates':
      say(await reloadCertificates())
  }
}

async function reloadCertificates(): Promise<FromWorker> {
  try {
    ;(await listening)?.reloadCertificates()
    return { kind: 'certificates_read' }
  } catch (thrown) {
    return { kind: 'certificates_read', error: (thrown as Error).message }
  }
}

process.on('message', (message: ToWorker) => void take(message))
// A terminal sends these to the primary too, which knows what they mean.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
// Told to end alone, it ends in order, and another takes its place.
process.on('SIGTERM', () => {
  ending ??= end(usualGraceMs)
})
say({ kind: 'begun' })
