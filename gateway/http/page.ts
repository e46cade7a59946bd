// The few HTML pages of the server's own, all in one frame: nothing is loaded from anywhere, nothing runs but a script
// with the page's nonce, and nobody may frame them.
import { createHash } from 'node:crypto'
import { randomBytes } from '../../services/kit/random.js'
import type { Context } from './endpoint.js'

export interface Page {
  readonly heading: string
  /** HTML; whatever in it came from outside went through `escapeHtml`. */
  readonly body: string
  /** Where its form may go; nowhere if absent. */
  readonly formAction?: string
  readonly script?: string
  /** Origins that it may show frames of; none if absent. */
  readonly frameSources?: readonly string[]
}

const style = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center }
main { max-width: 34rem; padding: 2rem }
h1 { font-size: 1.4rem; line-height: 1.3 }
dt { font-weight: 600 }
dd { margin: 0 0 .75rem; overflow-wrap: anywhere }
button { font: inherit; padding: .5rem 1.5rem }
`
const styleHash = createHash('sha256').update(style).digest('base64')
const nonceSize = 18

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"'\r\n]/g, (character) => `&#${character.charCodeAt(0)};`)

export function sendPage(ctx: Context, status: number, page: Page): void {
  const { heading, body, formAction, script, frameSources = [] } = page
  const nonce = script ? randomBytes(nonceSize).toString('base64') : ''
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    script ? `script-src 'nonce-${nonce}'` : '',
    frameSources.length > 0 ? `frame-src ${[...new Set(frameSources)].join(' ')}` : '',
    `form-action ${formAction ?? "'none'"}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  ctx.status = status
  ctx.set({
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy.filter(Boolean).join('; '),
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'X-Frame-Options': 'DENY',
  })
  ctx.body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(heading)}</title><style>${style}</style></head>
<body><main><h1>${escapeHtml(heading)}</h1>
${body}</main>${script ? `<script nonce="${nonce}">${script}</script>` : ''}</body></html>
`
}
