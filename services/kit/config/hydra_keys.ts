// Keys of Hydra's configuration that are not served under their name. Those that would change what the server does are
// refused by name, so that nobody believes them in force; those that can be left out without harm are told of in the log.

/** Older and second names of keys -> the key. Where both are given, the key's own name wins. */
export const renamedKeys: Readonly<Record<string, string>> = {
  'oidc.subject_identifiers.enabled': 'oidc.subject_identifiers.supported_types',
  'serve.admin.access_log.disable_for_health': 'serve.admin.request_log.disable_for_health',
  'serve.admin.base_url': 'urls.self.admin',
  'serve.public.access_log.disable_for_health': 'serve.public.request_log.disable_for_health',
  'serve.public.base_url': 'urls.self.public',
}

/** Key -> why it is refused. A key stands for all that are below it. */
export const refusedKeys: Readonly<Record<string, string>> = {
  hsm: 'keys in a hardware security module are not served',
  'log.leak_sensitive_values': 'secrets, codes and tokens are never logged',
  'oauth2.session.encrypt_at_rest': 'sessions are always sealed',
  'strategies.jwt.stateless': 'access tokens are always stateless and can still be revoked',
  'ttl.vc_nonce': 'verifiable credentials are not served',
  'urls.identity_provider': 'sessions of an identity provider are not ended at logout',
}

const isOff = (value: unknown): boolean => value === false
const isOn = (value: unknown): boolean => value === true
const isDisabled = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as { enabled?: unknown }).enabled !== true

/** Whether the value of a key that is not served says no more than what is so anyway. */
export const harmless: Readonly<Record<string, (value: unknown) => boolean>> = {
  hsm: isDisabled,
  'log.leak_sensitive_values': isOff,
  'oauth2.expose_internal_errors': isOff,
  'oauth2.pkce.enforced_for_public_clients': isOn,
  'oauth2.session.encrypt_at_rest': isOn,
  'serve.cookies.same_site_legacy_workaround': isOff,
  'serve.admin.cors.debug': isOff,
  'serve.admin.cors.options_passthrough': isOff,
  'serve.public.cors.debug': isOff,
  'serve.public.cors.options_passthrough': isOff,
}

/** Key -> why it can be left out. A key stands for all that are below it. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  cgroups: 'it means nothing to Node.js',
  'db.ignore_unknown_table_columns': 'unknown columns are never read',
  'db.jwk_cache': 'signing keys are always kept in memory',
  feature_flags: 'there are none',
  'log.redaction_text': 'what is cut out of the log is marked in one way',
  'oauth2.expose_internal_errors': 'what is internal stays in the log, where the X-Request-Id of the answer finds it',
  'oauth2.hashers': 'how secrets are hashed is not a choice',
  'oauth2.pkce.enforced_for_public_clients': 'public clients always must use PKCE',
  'oauth2.token_prefix': 'tokens always begin with tsr_',
  profiling: 'use `node --cpu-prof`',
  'serve.admin.cors.debug': 'there is nothing more to log',
  'serve.admin.cors.options_passthrough': 'preflights are always answered here',
  'serve.cookies.same_site_legacy_workaround': 'the browsers that needed it are gone',
  'serve.public.cors.debug': 'there is nothing more to log',
  'serve.public.cors.options_passthrough': 'preflights are always answered here',
  sqa: 'nothing is reported to anybody',
  tracing: 'traces are not sent',
  version: 'it is not needed',
}
