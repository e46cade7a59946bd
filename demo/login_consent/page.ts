// The frame around every page: the head, the wordmark, the mosaic beside or above the content.
import { Html, html, type Part } from './html.js'

/** The mark: a mosaic of tiles in which a T shows. */
export const mark = new Html(
  [
    '<svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">',
    '<rect x="1" y="1" width="9" height="9" rx="1.6" fill="#1d7a80"/>',
    '<rect x="11.5" y="1" width="9" height="9" rx="1.6" fill="#d9694a"/>',
    '<rect x="22" y="1" width="9" height="9" rx="1.6" fill="#e3ac4f"/>',
    '<rect x="11.5" y="11.5" width="9" height="9" rx="1.6" fill="#1d7a80"/>',
    '<rect x="11.5" y="22" width="9" height="9" rx="1.6" fill="#1d7a80"/>',
    '<g fill="#8c9aa1" opacity=".28"><rect x="1" y="11.5" width="9" height="9" rx="1.6"/>',
    '<rect x="22" y="11.5" width="9" height="9" rx="1.6"/><rect x="1" y="22" width="9" height="9" rx="1.6"/>',
    '<rect x="22" y="22" width="9" height="9" rx="1.6"/></g></svg>',
  ].join(''),
)

export const wordmark = html`<p class="wordmark">${mark}<span>Tessera</span></p>`

export interface Page {
  readonly title: string
  readonly body: Part
}

/** A page of the app. Its addresses are relative, so that the app may be mounted below a path. */
export const page = ({ title, body }: Page): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="login_consent/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="login_consent/style.css">
</head>
<body>
<div class="art" aria-hidden="true"></div>
<main>
${wordmark}
${body}
</main>
</body>
</html>
`.markup

/** The hidden fields that every form carries. */
export const hiddenFields = (csrfToken: string, challenge: string): Html =>
  html`<input type="hidden" name="csrf_token" value="${csrfToken}"><input type="hidden" name="challenge" value="${challenge}">`

/** A link to what a client's registration names; nothing unless it is a web address. */
export const externalLink = (url: string | undefined, text: string): Part =>
  url && /^https?:\/\//i.test(url) && URL.canParse(url)
    ? html`<a href="${url}" rel="noopener noreferrer" target="_blank">${text}</a>`
    : undefined
