// The gateway: translates the HTTP endpoints of OAuth and Hydra's admin API into calls of the services.
import type { RequestListener } from 'node:http'
import type { Config, CorsConfig } from '../services/kit/config/config.js'
import { createApp } from './app.js'
import { createAdminGuard } from './http/admin_guard.js'
import { type ClientOrigins, type Cors, clientOriginsOf, createCors } from './http/cors.js'
import type { Parts, Route } from './http/endpoint.js'
import { createErrorAnswer } from './http/errors.js'
import { publicUrlOf } from './http/public_url.js'
import { createRequestLog } from './http/request_log.js'
import { Router } from './http/router.js'
import { HttpServer } from './http/server.js'
import { createTlsTermination } from './http/tls_termination.js'
import { adminRoutes, publicRoutes } from './routes.js'
import type { GatewayServices } from './services.js'

export interface Gateway {
  /** Begins to listen on both ports. */
  listen(): Promise<{ readonly publicUrl: string; readonly adminUrl: string }>
  /** Whether all that it needs can be used now; whoever put the suite together keeps it true. */
  ready: boolean
  /** Takes up another configuration, for the requests that begin from now on. */
  reconfigure(config: Config): void
  /** Reads the certificates of both ports anew. Throws where one is not good. */
  reloadCertificates(): void
  /** Takes no more requests, finishes those under way, and cuts what is not done in time. */
  close(graceMs: number): Promise<void>
}

const publicDeadlineMs = 3_000
const adminDeadlineMs = 6_000

export function createGateway(config: Config, services: GatewayServices): Gateway {
  const state = { ready: false, ending: false }
  const isReady = () => state.ready && !state.ending
  const create = (current: Config) => createListeners(current, services, isReady, () => state.ending)
  // A request runs to its end with the configuration that it began with.
  let current = create(config)
  const publicServer = new HttpServer('serve.public', config.serve.public, (...args) => current.public(...args))
  const adminServer = new HttpServer('serve.admin', config.serve.admin, (...args) => current.admin(...args))
  return {
    get ready() {
      return isReady()
    },
    set ready(ready) {
      state.ready = ready
    },
    async listen() {
      const [publicUrl, adminUrl] = await Promise.all([publicServer.listen(), adminServer.listen()])
      return { publicUrl, adminUrl }
    },
    reconfigure(next) {
      current = create(next)
    },
    reloadCertificates() {
      publicServer.reloadCertificate()
      adminServer.reloadCertificate()
    },
    async close(graceMs) {
      state.ending = true
      await Promise.all([publicServer.close(graceMs), adminServer.close(graceMs)])
    },
  }
}

/** What answers the requests of each port. */
function createListeners(
  config: Config,
  services: GatewayServices,
  isReady: () => boolean,
  isEnding: () => boolean,
): Record<'public' | 'admin', RequestListener> {
  const servedRoutes = publicRoutes.filter(({ when }) => when?.(config) ?? true)
  const parts: Parts = { config, services, isReady, endpointUrls: endpointUrls(servedRoutes, config) }
  const publicCors = corsOf(config.serve.public.cors, clientOriginsOf(services))
  const adminCors = corsOf(config.serve.admin.cors)
  const listenerOf = (name: 'public' | 'admin') => {
    const termination = createTlsTermination(config.serve[name].terminationFrom)
    return { termination, requestLog: createRequestLog(name, config.serve[name], termination.addressOf), isEnding }
  }
  const publicApp = createApp({
    ...listenerOf('public'),
    router: new Router(servedRoutes, parts, ({ cors }) => publicCors !== undefined && cors === true),
    answerError: createErrorAnswer(config, false),
    ...(publicCors && { cors: publicCors }),
    deadlineMs: publicDeadlineMs,
  })
  const adminApp = createApp({
    ...listenerOf('admin'),
    router: new Router(adminRoutes, parts, () => adminCors !== undefined),
    answerError: createErrorAnswer(config, true),
    ...(adminCors && { cors: adminCors }),
    guard: createAdminGuard(config, adminCors),
    deadlineMs: adminDeadlineMs,
  })
  return { public: publicApp.callback(), admin: adminApp.callback() }
}

const corsOf = (config: CorsConfig, ofClients?: ClientOrigins): Cors | undefined =>
  config.enabled ? createCors(config, ofClients) : undefined

/** The URLs that metadata names, by the name of the member. */
function endpointUrls(routes: readonly Route[], config: Config): Record<string, string> {
  const base = publicUrlOf(config)
  return Object.fromEntries(routes.flatMap(({ metadata, path }) => (metadata ? [[metadata, `${base}${path}`]] : [])))
}
