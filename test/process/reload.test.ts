// RL-25, RL-26, BF-09: a running server takes up what its files say now, without a restart and without a failed request; what
// it cannot use changes nothing.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type ConfiguredProgram, type Settings, startConfigured, systemSecret } from '../support/configured_program.js'
import { authorizationUrl, introspect, logIn, newPkce, post, redeem, refresh } from '../support/oauth.js'
import { acceptConsent, acceptLogin, createClient, UserAgent } from '../support/user_agent.js'

const login = 'http://127.0.0.1:3000/login'
const urls = { login }
let server: ConfiguredProgram | undefined

async function start(settings: Settings = { urls }, environment: Record<string, string> = {}) {
  server = await startConfigured(settings, environment)
  return server
}
afterEach(() => server?.stop())

const machine = { grant_types: ['client_credentials'], scope: 'read write' }

/** Asks for tokens all the time; `stop` tells what was not answered with one. */
function traffic({ suite }: ConfiguredProgram, client: { client_id: string; client_secret: string }) {
  const failures: unknown[] = []
  let isOn = true
  let answered = 0
  const run = async () => {
    while (isOn) {
      const answer = await post(
        suite,
        '/oauth2/token',
        { grant_type: 'client_credentials', scope: 'read' },
        client,
      ).catch((thrown: unknown) => thrown)
      answered++
      if ((answer as { status?: number }).status !== 200) failures.push(answer)
      const token = String((answer as { body?: Record<string, unknown> }).body?.access_token)
      const { active } = await introspect(suite, token).catch((thrown: unknown) => ({ active: thrown }))
      if (active !== true) failures.push(active)
    }
  }
  const workers = [run(), run(), run()]
  return {
    stop: async () => {
      isOn = false
      await Promise.all(workers)
      return { failures, answered }
    },
  }
}

const issue = (
  suite: ConfiguredProgram['suite'],
  client: { client_id: string; client_secret: string },
  scope = 'read',
) => post(suite, '/oauth2/token', { grant_type: 'client_credentials', ...(scope && { scope }) }, client)

describe('a file that changes', { timeout: 90_000 }, () => {
  it('RL-26: is in force at once, for lifespans, URLs and policies, without a failed request under traffic', async () => {
    const running = await start()
    const { suite } = running
    const client = await createClient(suite, machine)
    const web = await createClient(suite)
    expect((await issue(suite, client)).body).toMatchObject({ expires_in: 3600 })
    expect((await issue(suite, client, '')).body.scope).toBe('')
    const load = traffic(running, client)

    running.write({ urls, ttl: { access_token: '5m' } })
    await running.nextLog(/the configuration was read again: changed ttl\.access_token"/)
    expect((await issue(suite, client)).body.expires_in).toBe(300)

    const more = { client_credentials: { default_grant_allowed_scope: true }, pkce: { enforced: true } }
    running.write({ urls: { login: 'http://127.0.0.1:3000/other' }, oauth2: more, strategies: { access_token: 'jwt' } })
    await running.nextLog(
      /read again: changed urls\.login, ttl\.access_token, strategies\.access_token, oauth2\.pkce\.enforced, oauth2\.client_credentials/,
    )
    const { body } = await issue(suite, client, '')
    expect(body).toMatchObject({ expires_in: 3600, scope: 'read write' })
    expect(String(body.access_token).split('.')).toHaveLength(3)
    const { challenge } = newPkce()
    const withPkce = { code_challenge: challenge, code_challenge_method: 'S256' }
    const at = await new UserAgent().redirectFrom(authorizationUrl(suite, web, withPkce))
    expect(`${at.origin}${at.pathname}`).toBe('http://127.0.0.1:3000/other')
    const refused = await new UserAgent().redirectFrom(authorizationUrl(suite, web))
    expect(refused.searchParams.get('error')).toBe('invalid_request')

    const { failures, answered } = await load.stop()
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(5)
  })

  it('BF-09: secrets.system rotates: what the old one sealed stays good while it is listed, new things use the first', async () => {
    const running = await start()
    const { suite } = running
    const client = await createClient(suite, machine)
    const web = await createClient(suite)
    const before = await logIn(suite, web)
    const agent = new UserAgent()
    const pkce = newPkce()
    const withPkce = { code_challenge: pkce.challenge, code_challenge_method: 'S256' }
    const loginUrl = await agent.redirectFrom(authorizationUrl(suite, web, withPkce))
    const load = traffic(running, client)

    const next = 'the-second-Secret-of-7-suites'
    running.write({ urls, secrets: { system: [next, systemSecret] } })
    const line = await running.nextLog(/[^\n]*read again: changed secrets\.system[^\n]*/)
    expect(line).not.toContain(next)

    // The challenge, the cookie, the tokens: all from before.
    const consentUrl = await agent.redirectFrom(await acceptLogin(suite, loginUrl))
    const callback = await agent.redirectFrom(await acceptConsent(suite, consentUrl))
    const code = String(callback.searchParams.get('code'))
    const middle = await redeem(suite, web, { code, pkce })
    expect(middle.status).toBe(200)
    expect(await introspect(suite, before.access_token)).toMatchObject({ active: true })
    const refreshed = await refresh(suite, web, before.refresh_token)
    expect(refreshed.status).toBe(200)
    const { failures } = await load.stop()
    expect(failures).toEqual([])

    running.write({ urls, secrets: { system: [next] } })
    await running.nextLog(/signing keys are sealed with a secret that secrets\.system no longer has: put it back/)
    await running.nextLog(/read again: changed secrets\.system/)
    expect(await introspect(suite, before.access_token)).toEqual({ active: false })
    expect((await refresh(suite, web, before.refresh_token)).body).toMatchObject({ error: 'invalid_grant' })
    expect(await introspect(suite, String(middle.body.access_token))).toMatchObject({ active: true })
    expect((await refresh(suite, web, String(middle.body.refresh_token))).status).toBe(200)
    expect((await refresh(suite, web, String(refreshed.body.refresh_token))).status).toBe(200)
  })

  it('RL-25: that is broken changes nothing, says why in one line, and is taken up once it is mended', async () => {
    const running = await start()
    const { suite } = running
    const client = await createClient(suite, machine)
    const kept = /[^\n]*"level":50[^\n]*the one before stays in force: [^\n]*/
    running.write('ttl: { access_token: [')
    expect(await running.nextLog(kept)).toMatch(/hydra\.yml is not YAML/)
    running.write({ urls, ttl: { acess_token: '5m' } })
    expect(await running.nextLog(kept)).toMatch(/ttl\.acess_token \(hydra\.yml\) is not a known key: did you mean/)
    running.write({ urls, secrets: { system: ['short'] } })
    expect(await running.nextLog(kept)).toMatch(/fewer than 16 characters/)
    expect((await issue(suite, client)).body.expires_in).toBe(3600)
    running.write({ urls, ttl: { access_token: '7m' } })
    await running.nextLog(/read again: changed ttl\.access_token"/)
    expect((await issue(suite, client)).body.expires_in).toBe(420)
  })

  it('RL-25: that is removed changes nothing until it is back', async () => {
    const running = await start()
    const { suite, file } = running
    const client = await createClient(suite, machine)
    renameSync(file, `${file}.away`)
    await running.nextLog(/the one before stays in force: the configuration file [^\n]*hydra\.yml is not there/)
    expect((await issue(suite, client)).status).toBe(200)
    running.write({ urls, ttl: { access_token: '8m' } })
    await running.nextLog(/read again: changed ttl\.access_token"/)
    expect((await issue(suite, client)).body.expires_in).toBe(480)
  })

  it('tells of keys that wait for a restart, and takes up the others', async () => {
    const running = await start()
    const { suite } = running
    const client = await createClient(suite, machine)
    const serve = { cookies: { same_site_mode: 'Strict' }, public: { request_log: { disable_for_health: true } } }
    running.write({ urls, log: { level: 'error' }, serve, db: { max_connections: 7 }, ttl: { access_token: '9m' } })
    await running.nextLog(
      /changes that wait for a restart: log\.level, serve\.public\.request_log\.disable_for_health, serve\.cookies\.same_site_mode, db\.max_connections"/,
    )
    await running.nextLog(/read again: changed ttl\.access_token"/)
    expect((await issue(suite, client)).body.expires_in).toBe(540)
    const started = await fetch(authorizationUrl(suite, await createClient(suite)), { redirect: 'manual' })
    expect(started.headers.get('set-cookie')).toContain('SameSite=Lax')
  })

  it('is read again at SIGHUP too', async () => {
    const running = await start()
    running.program.child.kill('SIGHUP')
    await running.nextLog(/read again: nothing has changed/)
    expect((await fetch(`${running.suite.publicUrl}/health/ready`)).status).toBe(200)
  })
})

describe('files that are reached in other ways', { timeout: 90_000 }, () => {
  let folder: string
  const make = () => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-mounted-'))
    return folder
  }
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('a folder that Kubernetes mounts: the link ..data moves to another folder', async () => {
    const mounted = make()
    const publish = (version: string, ttl: string) => {
      mkdirSync(join(mounted, version))
      writeFileSync(join(mounted, version, 'ttl.yml'), `ttl: { access_token: ${ttl} }`)
      symlinkSync(version, join(mounted, '..data_tmp'))
      renameSync(join(mounted, '..data_tmp'), join(mounted, '..data'))
    }
    publish('..2026_one', '11m')
    symlinkSync('..data/ttl.yml', join(mounted, 'ttl.yml'))
    const again = await startConfigured({ urls }, {}, [join(mounted, 'ttl.yml')])
    server = again
    const client = await createClient(again.suite, machine)
    expect((await issue(again.suite, client)).body.expires_in).toBe(660)
    for (const [version, ttl, seconds] of [
      ['..2026_two', '12m', 720],
      ['..2026_three', '13m', 780],
    ] as const) {
      publish(version, ttl)
      await again.nextLog(/read again: changed ttl\.access_token"/)
      expect((await issue(again.suite, client)).body.expires_in).toBe(seconds)
    }
  })

  it('a secret in a file of its own rotates as any other', async () => {
    const path = join(make(), 'system-secret')
    writeFileSync(path, `${systemSecret}\n`)
    const running = await start({ urls, secrets: {} }, { SECRETS_SYSTEM_FILE: path })
    const client = await createClient(running.suite, machine)
    const { body } = await issue(running.suite, client)
    writeFileSync(path, `the-second-Secret-of-7-suites\n${systemSecret}\n`)
    await running.nextLog(/read again: changed secrets\.system/)
    expect(await introspect(running.suite, String(body.access_token))).toMatchObject({ active: true })
    writeFileSync(path, 'the-second-Secret-of-7-suites\n')
    await running.nextLog(/read again: changed secrets\.system/)
    expect(await introspect(running.suite, String(body.access_token))).toEqual({ active: false })
  })
})
