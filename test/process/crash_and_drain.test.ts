// Ends of a process under load: SIGTERM loses no request, kill -9 loses nothing that was acknowledged (I3, I4).
import { Agent, request } from 'node:http'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { type LogoutReceiver, startLogoutReceiver } from '../support/logout_receiver.js'
import { introspect, isActive, logIn, obtainCode, post, redeem, refresh } from '../support/oauth.js'
import { freePorts } from '../support/ports.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'
import { type Program, startProgram } from '../support/program.js'
import type { Suite } from '../support/suite.js'
import { createClient, UserAgent } from '../support/user_agent.js'

let database: FreshDatabase
let environment: Record<string, string>
let program: Program
let suite: Suite
let receiver: LogoutReceiver

async function start(): Promise<void> {
  program = await startProgram(['serve', 'all', '--dev'], environment)
  await program.until(/^ready/m)
}

beforeEach(async () => {
  database = await freshDatabase()
  receiver = await startLogoutReceiver()
  const [publicPort, adminPort, grpcPort] = await freePorts(3)
  const publicUrl = `http://127.0.0.1:${publicPort}`
  environment = {
    DSN: database.dsn,
    SECRETS_SYSTEM: 'kJ7-a-secret-for-the-tests-of-crashes',
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpcPort}`,
    URLS_SELF_ISSUER: publicUrl,
    URLS_LOGIN: 'http://127.0.0.1:3000/login',
    URLS_CONSENT: 'http://127.0.0.1:3000/consent',
    SERVE_DRAIN: '1500ms',
    CLIENTS_HTTP_PRIVATE_IP_EXCEPTION_URLS: `${receiver.origin}/*`,
  }
  suite = { publicUrl, adminUrl: `http://127.0.0.1:${adminPort}` } as Suite
  await start()
})
afterEach(async () => {
  program.child.kill('SIGKILL')
  await program.ended
  await receiver.close()
  await database.drop()
})

async function rowsOf(table: string): Promise<number> {
  const client = new pg.Client({ connectionString: database.dsn })
  await client.connect()
  const { rows } = await client.query(`SELECT count(*)::int AS count FROM ${table}`)
  await client.end()
  return rows[0].count
}

/** One request on a connection of its own; rejects with the code of the connection's error. */
function issueOnce(authorization: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const sent = request(`${suite.publicUrl}/oauth2/token`, { method: 'POST', headers, agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end('grant_type=client_credentials')
  })
}

describe('SIGTERM', () => {
  it('RL-11: no request is lost to a load balancer that follows /health/ready', async () => {
    const client = await createClient(suite, { grant_types: ['client_credentials'] })
    const authorization = `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`
    const outcomes = new Map<string, number>()
    let isReady = true
    const balancer = async () => {
      while (isReady) isReady = (await fetch(`${suite.publicUrl}/health/ready`)).status === 200
    }
    const sender = async () => {
      while (isReady) {
        const outcome = await issueOnce(authorization).then(String, (error: NodeJS.ErrnoException) => `${error.code}`)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
    }
    const all = Promise.all([balancer(), ...Array.from({ length: 20 }, sender)])
    await expect.poll(() => outcomes.get('200') ?? 0).toBeGreaterThan(100)
    program.child.kill('SIGTERM')
    await all
    expect(await program.ended).toBe(0)
    // A busy machine may answer 503; what may not be is a connection that breaks.
    expect([...outcomes.keys()].filter((outcome) => !/^(200|503)$/.test(outcome))).toEqual([])
  })
})

describe('kill -9', () => {
  it('I3, I4, I5: tokens, revocations and half-done flows are as they were acknowledged', async () => {
    const client = await createClient(suite)
    const kept = await logIn(suite, client)
    const revoked = await logIn(suite, client)
    await post(suite, '/oauth2/revoke', { token: revoked.refresh_token }, client)
    const rotated = await logIn(suite, client)
    const successor = String((await refresh(suite, client, rotated.refresh_token)).body.refresh_token)
    const flow = await obtainCode(suite, client)
    const used = await obtainCode(suite, client)
    expect((await redeem(suite, client, used)).status).toBe(200)

    program.child.kill('SIGKILL')
    await program.ended
    await start()

    expect((await introspect(suite, kept.access_token)).active).toBe(true)
    expect((await refresh(suite, client, kept.refresh_token)).status).toBe(200)
    expect(await isActive(suite, revoked.access_token)).toBe(false)
    expect((await refresh(suite, client, revoked.refresh_token)).body.error).toBe('invalid_grant')
    expect((await redeem(suite, client, flow)).status).toBe(200)
    expect((await redeem(suite, client, used)).body.error).toBe('invalid_grant')
    expect((await refresh(suite, client, successor)).status).toBe(200)
  })

  it('LO-04: a logout token that was not delivered yet is delivered by the next process, once', async () => {
    const path = '/logout'
    const client = await createClient(suite, {
      skip_logout_consent: true,
      backchannel_logout_uri: `${receiver.origin}${path}`,
    })
    const agent = new UserAgent()
    const { id_token } = await logIn(suite, client, {}, { login: { remember: true } }, agent)
    const connection = new pg.Client({ connectionString: database.dsn })
    await connection.connect()
    // Deliveries have to wait, the end of the session has not.
    await connection.query('BEGIN; LOCK TABLE consent.logout_delivery IN EXCLUSIVE MODE')
    const loggedOut = await agent.fetch(`${suite.publicUrl}/oauth2/sessions/logout?id_token_hint=${id_token}`)
    expect(loggedOut.status).toBe(200)
    program.child.kill('SIGKILL')
    await program.ended
    await connection.end()
    expect(receiver.received).toEqual([])
    await start()
    await eventually(() => receiver.at(path).length > 0)
    expect(receiver.at(path)[0]?.claims.aud).toEqual([client.client_id])
    const isDone = async () => (await rowsOf('consent.logout_delivery')) + (await rowsOf('consent.ended_session')) === 0
    await eventually(isDone)
    expect(receiver.received).toHaveLength(1)
  })

  it('I1, I2: killed in the middle of redemptions and refreshes, no code and no token has two winners', async () => {
    const client = await createClient(suite)
    const flows = await Promise.all(Array.from({ length: 10 }, () => obtainCode(suite, client)))
    const redemptions = flows.map((flow) => redeem(suite, client, flow))
    // The kill lands while the writes are on their way: as soon as one of them is done.
    void Promise.any(redemptions).then(() => program.child.kill('SIGKILL'))
    const before = await Promise.allSettled(redemptions)
    await program.ended
    await start()
    for (const [index, flow] of flows.entries()) {
      const first = before[index]
      const wasTold = first?.status === 'fulfilled' && first.value.status === 200
      const again = await redeem(suite, client, flow)
      if (wasTold) expect(again.body.error).toBe('invalid_grant')
      else expect([200, 400]).toContain(again.status)
      const third = await redeem(suite, client, flow)
      expect(third.body.error).toBe('invalid_grant')
    }
  })
})
