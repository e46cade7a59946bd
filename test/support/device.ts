// A device and the browser that its end-user goes to, over real HTTP (RFC 8628).
import { type Answer, post, type RegisteredClient } from './oauth.js'
import type { Suite } from './suite.js'
import { acceptConsent, acceptLogin, adminJson, createClient, type Decision, UserAgent } from './user_agent.js'

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** Where a suite under test has its device app; nobody listens there. */
export const deviceUrls = {
  verification: 'http://127.0.0.1:3000/device',
  success: 'http://127.0.0.1:3000/device/success',
}

export interface StartedDevice {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

export const createDeviceClient = (suite: Suite, metadata: Record<string, unknown> = {}) =>
  createClient(suite, { redirect_uris: [], grant_types: [deviceGrant, 'refresh_token'], ...metadata })

export const askForDevice = (
  suite: Pick<Suite, 'publicUrl'>,
  client: RegisteredClient | undefined,
  parameters: Record<string, string> = { scope: 'openid offline_access' },
): Promise<Answer> => post(suite, '/oauth2/device/auth', parameters, client)

export async function startDevice(
  suite: Pick<Suite, 'publicUrl'>,
  client: RegisteredClient,
  parameters?: Record<string, string>,
): Promise<StartedDevice> {
  const { status, body } = await askForDevice(suite, client, parameters)
  if (status !== 200) throw new Error(`no device code: ${status} ${JSON.stringify(body)}`)
  return body as unknown as StartedDevice
}

export const poll = (
  suite: Pick<Suite, 'publicUrl'>,
  client: RegisteredClient,
  { device_code }: Pick<StartedDevice, 'device_code'>,
): Promise<Answer> => post(suite, '/oauth2/token', { grant_type: deviceGrant, device_code }, client)

const path = '/oauth2/auth/requests/device'

export const challengeAt = (url: URL): string => url.searchParams.get('device_challenge') ?? ''

/** What the admin API says of a device challenge. */
export const deviceRequest = (suite: Suite, challenge: string, userCode = ''): Promise<Response> =>
  adminJson(suite, 'GET', `${path}?${new URLSearchParams({ device_challenge: challenge, user_code: userCode })}`)

export const decideDevice = (
  suite: Suite,
  decision: 'accept' | 'reject',
  challenge: string,
  body: Record<string, unknown>,
): Promise<Response> =>
  adminJson(suite, 'PUT', `${path}/${decision}?${new URLSearchParams({ device_challenge: challenge })}`, body)

/** Where the device app sends a browser that typed the code. */
export async function acceptDevice(suite: Suite, at: URL, userCode: string): Promise<string> {
  const response = await decideDevice(suite, 'accept', challengeAt(at), { user_code: userCode })
  const answer = (await response.json()) as Record<string, unknown>
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`)
  return String(answer.redirect_to)
}

/** Takes a browser from the code to the consent page. */
export async function confirmDevice(
  suite: Suite,
  device: StartedDevice,
  decision: Decision = {},
  agent: UserAgent = new UserAgent(),
): Promise<URL> {
  const at = await agent.redirectFrom(device.verification_uri_complete)
  const login = await agent.redirectFrom(await acceptDevice(suite, at, device.user_code))
  return agent.redirectFrom(await acceptLogin(suite, login, decision))
}

/** Takes a browser to the end; returns where it ends. */
export async function allowDevice(
  suite: Suite,
  device: StartedDevice,
  decision: Decision = {},
  agent: UserAgent = new UserAgent(),
): Promise<URL> {
  const consent = await confirmDevice(suite, device, decision, agent)
  return agent.redirectFrom(await acceptConsent(suite, consent, decision))
}
