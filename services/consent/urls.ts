// The URLs that browsers are sent to, and the URL that an authorization request came by.
import type { Flow } from '#proto/consent/v1/flow.js'
import type { ConsentConfig } from './config.js'
import { isForDevice } from './device_flow.js'
import type { Stage } from './flow.js'

/** The parameters of the request that the flow began with, as they came. */
export function parametersOf(flow: Flow): Record<string, string> {
  const known = {
    client_id: flow.clientId,
    redirect_uri: flow.redirectUriOmitted ? '' : flow.redirectUri,
    response_type: flow.responseType,
    response_mode: flow.responseMode,
    scope: flow.scope,
    state: flow.stateParameter,
    nonce: flow.nonce,
    code_challenge: Buffer.from(flow.codeChallenge).toString('base64url'),
    code_challenge_method: flow.codeChallenge.length > 0 ? 'S256' : '',
  }
  const parameters: Record<string, string> = {}
  for (const [name, value] of Object.entries(known)) if (value !== '') parameters[name] = value
  return Object.assign(parameters, flow.otherParameters)
}

/** An address with parameters added to the query that it may have; its fragment stays the last. */
export function withParameters(url: string, parameters: Readonly<Record<string, string>>): string {
  const [, base = '', query, fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? []
  const added = Object.entries(parameters).map(pairOf).join('&')
  return `${base}?${[query, added].filter(Boolean).join('&')}${fragment}`.replace(/\?(?=$|#)/, '')
}

/** Challenges and verifiers are long, and need no escapes. */
const pairOf = ([name, value]: [string, string]): string =>
  plain.test(value) && plain.test(name) ? `${name}=${value}` : new URLSearchParams([[name, value]]).toString()

const plain = /^[\w-]*$/

export class Urls {
  readonly #config: Pick<ConsentConfig, 'publicUrl' | 'urls'>

  constructor(config: Pick<ConsentConfig, 'publicUrl' | 'urls'>) {
    this.#config = config
  }

  /** The authorization request as it came. */
  request(flow: Flow): string {
    return isForDevice(flow) ? this.#deviceVerification() : this.#authorization(parametersOf(flow))
  }

  /** The same request once more, with a login that is not skipped. */
  restart(flow: Flow): string {
    const asksConsent = flow.otherParameters.prompt?.split(' ').includes('consent')
    return this.#authorization({ ...parametersOf(flow), prompt: asksConsent ? 'login consent' : 'login' })
  }

  /** Where the login or consent app sends the browser: the verifier says all the rest. */
  resume(stage: Stage, clientId: string, verifier: string): string {
    if (stage === 'device') return withParameters(this.#deviceVerification(), { device_verifier: verifier })
    return this.#authorization({ client_id: clientId, [`${stage}_verifier`]: verifier })
  }

  resumeLogout(verifier: string): string {
    return withParameters(`${this.#config.publicUrl}/oauth2/sessions/logout`, { logout_verifier: verifier })
  }

  logoutRequest(parameters: Readonly<Record<string, string>>): string {
    return withParameters(`${this.#config.publicUrl}/oauth2/sessions/logout`, parameters)
  }

  /** The login app with a challenge, at its page for end-users who want an account where there is one. */
  registration(challenge: string): string {
    const { registration } = this.#config.urls
    if (!registration) return this.app('login', challenge)
    return withParameters(this.#absolute(registration), { login_challenge: challenge })
  }

  /** The device, login, consent or logout app with a challenge, and what else it is told. */
  app(name: Stage | 'logout', challenge: string, more: Readonly<Record<string, string>> = {}): string {
    const { urls } = this.#config
    const url = (name === 'device' ? urls.device.verification : urls[name]) || `/oauth2/fallbacks/${name}`
    return withParameters(this.#absolute(url), { [`${name}_challenge`]: challenge, ...more })
  }

  /** Where the browser ends when a device has what it waited for. */
  deviceDone(): string {
    return this.#absolute(this.#config.urls.device.success || '/oauth2/fallbacks/device/done')
  }

  /** Where the browser goes after logout where no client says; undefined if no place is configured. */
  afterLogout(): string | undefined {
    const url = this.#config.urls.post_logout_redirect
    return url ? this.#absolute(url) : undefined
  }

  #deviceVerification(): string {
    return `${this.#config.publicUrl}/oauth2/device/verify`
  }

  #authorization(parameters: Record<string, string>): string {
    return withParameters(`${this.#config.publicUrl}/oauth2/auth`, parameters)
  }

  /** URLs in the configuration may be relative to the public port. */
  #absolute(url: string): string {
    return url.startsWith('/') ? `${this.#config.publicUrl}${url}` : url
  }
}
