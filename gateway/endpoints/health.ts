// Whether this process lives and whether it can be used: Hydra's /health/alive, /health/ready and /version.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../services/kit/project_root.js'
import { sendJson } from '../http/answer.js'
import type { Endpoint, Parts } from '../http/endpoint.js'

const ok = { status: 'ok' } as const

export const alive = (): Endpoint => (ctx) => sendJson(ctx, ok)

/** 200 exactly when every service can be used; what is missing is for the log alone. */
export const ready =
  ({ isReady }: Parts): Endpoint =>
  (ctx) => {
    if (isReady()) return sendJson(ctx, ok)
    ctx.res.setHeader('Retry-After', 1)
    return sendJson(ctx, { errors: { server: 'not ready' } }, 503)
  }

export function version(): Endpoint {
  const manifest: { version: string } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  return (ctx) => sendJson(ctx, { version: `v${manifest.version}` })
}
