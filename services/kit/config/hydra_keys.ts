// Keys of Hydra's configuration that are not served. Those that would change what the server does are refused by name, so
// that nobody believes them in force; those that can be left out without harm are told of in the log.

/** Key -> why it is refused. A key stands for all that are below it. */
export const refusedKeys: Readonly<Record<string, string>> = {
  hsm: 'keys in a hardware security module are not served',
  'oauth2.grant.jwt': 'the JWT bearer grant is not served',
  'oidc.dynamic_client_registration': 'dynamic client registration is not served',
  'serve.admin.socket': 'Unix sockets are not listened on: set host and port',
  'serve.public.socket': 'Unix sockets are not listened on: set host and port',
  'serve.cookies.paths': 'cookies are always set for the path /',
  'serve.tls': 'TLS is set for each port: serve.public.tls, serve.admin.tls, serve.grpc.tls',
  'strategies.jwt.stateless': 'access tokens are always stateless and can still be revoked',
  'ttl.vc_nonce': 'verifiable credentials are not served',
  'urls.identity_provider': 'sessions of an identity provider are not ended at logout',
  'webfinger.oidc_discovery': 'what discovery says follows from what is served',
}

/** Whether the value of a refused key says no more than what is so anyway. */
export const harmless: Readonly<Record<string, (value: Readonly<Record<string, unknown>>) => boolean>> = {
  hsm: ({ enabled }) => enabled !== true,
  'oidc.dynamic_client_registration': ({ enabled }) => enabled !== true,
}

/** Key -> why it can be left out. A key stands for all that are below it. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  cgroups: 'it means nothing to Node.js',
  'db.ignore_unknown_table_columns': 'unknown columns are never read',
  feature_flags: 'there are none',
  'log.format': 'the log is JSON lines',
  'log.leak_sensitive_values': 'the log never has them',
  'log.redaction_text': 'what is cut out of the log is marked in one way',
  'oauth2.expose_internal_errors': 'what is internal stays in the log',
  'oauth2.hashers': 'how secrets are hashed is not a choice',
  'oauth2.pkce.enforced_for_public_clients': 'public clients always must use PKCE',
  'oauth2.session.encrypt_at_rest': 'sessions are always sealed',
  profiling: 'use `node --cpu-prof`',
  'serve.admin.access_log': 'requests are not logged one by one',
  'serve.admin.base_url': 'urls.self.admin says it',
  'serve.admin.cors': 'the admin API is never open to pages of other origins',
  'serve.admin.request_log': 'requests are not logged one by one',
  'serve.admin.write_listen_file': 'the addresses are printed',
  'serve.cookies.same_site_legacy_workaround': 'the browsers that needed it are gone',
  'serve.public.access_log': 'requests are not logged one by one',
  'serve.public.base_url': 'urls.self.public says it',
  'serve.public.cors.debug': 'there is nothing more to log',
  'serve.public.request_log': 'requests are not logged one by one',
  'serve.public.write_listen_file': 'the addresses are printed',
  sqa: 'nothing is reported to anybody',
  tracing: 'traces are not sent',
  version: 'it is not needed',
}
