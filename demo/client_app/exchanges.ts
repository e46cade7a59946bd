// What the client says to the authorization server and hears back: sent here, and kept to be shown with secrets and
// tokens cut short.

/** A request and its answer, as text. */
export interface Exchange {
  readonly title: string
  readonly method: string
  readonly path: string
  /** Undefined where the browser carried the request. */
  readonly status: number | undefined
  readonly request: string
  readonly response: string
}

export interface Message {
  readonly url: string
  /** `authorization` alone; it is cut short when shown. */
  readonly authorization?: string
  /** Sent as a form by POST; without it the request is a GET. */
  readonly form?: Readonly<Record<string, string>>
}

/** The server said no. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

const sensitive = [
  ...['access_token', 'refresh_token', 'id_token', 'token', 'code', 'client_secret'],
  ...['code_verifier', 'id_token_hint', 'authorization'],
]

const shorten = (name: string, value: unknown): unknown =>
  typeof value === 'string' && sensitive.includes(name) && value.length > 24
    ? `${value.slice(0, 14)}… (${value.length} characters)`
    : value

const shortened = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shorten(name, value)]))

const lines = (values: Readonly<Record<string, unknown>>, joint: string): string =>
  Object.entries(shortened(values))
    .map(([name, value]) => `${name}${joint}${value}`)
    .join('\n')

/** Keeps a request that the browser carries; the newest is the first. */
export function noteRedirect(log: Exchange[], title: string, url: string): void {
  const { origin, pathname, searchParams } = new URL(url)
  const request = `GET ${origin}${pathname}\n\n${lines(Object.fromEntries(searchParams), ' = ')}`
  log.unshift({ title, method: 'GET', path: pathname, status: undefined, request, response: '' })
}

/** Sends a message; returns the JSON of a good answer. Throws a Refusal for any other. */
export async function send(log: Exchange[], title: string, message: Message): Promise<Record<string, unknown>> {
  const { url, authorization, form } = message
  const method = form ? 'POST' : 'GET'
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json', ...(authorization !== undefined && { authorization }) },
    ...(form && { body: new URLSearchParams(form) }),
    redirect: 'error',
    signal: AbortSignal.timeout(10_000),
  }).catch((cause: Error) => {
    throw new Refusal(`${new URL(url).origin} could not be reached: ${cause.message}`)
  })
  const text = await response.text()
  const answer = parseObject(text)
  log.unshift({
    title,
    method,
    path: new URL(url).pathname,
    status: response.status,
    request: [
      `${method} ${url}`,
      authorization !== undefined && lines({ authorization }, ': '),
      form && `content-type: application/x-www-form-urlencoded\n\n${lines(form, ' = ')}`,
    ]
      .filter(Boolean)
      .join('\n'),
    response: answer ? JSON.stringify(shortened(answer), null, 2) : text.slice(0, 500),
  })
  if (!response.ok) throw new Refusal(describe(answer, response.status))
  return answer ?? {}
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const describe = (answer: Record<string, unknown> | undefined, status: number): string =>
  answer?.error ? `${answer.error}: ${answer.error_description ?? 'no description'}` : `The server answered ${status}.`
