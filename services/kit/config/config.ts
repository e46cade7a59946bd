// The configuration as the code sees it: Hydra's keys, their defaults applied and their values checked. Durations are in
// seconds.

/** Each is the path of a PEM file, or the PEM text itself. */
export interface TlsConfig {
  readonly cert: string
  readonly key: string
  /** The authority that clients' certificates must come from; empty: none are asked for. */
  readonly ca: string
}

/** The file of a Unix socket. */
export interface SocketConfig {
  /** Names or numbers; empty: those of this process. */
  readonly owner: string
  readonly group: string
  readonly mode: number
}

export interface ListenerConfig {
  /** An address, or `unix:` and the path of a socket. */
  readonly host: string
  readonly port: number
  readonly socket: SocketConfig
  readonly tls: TlsConfig | undefined
}

export interface HttpListenerConfig extends ListenerConfig {
  /** Networks whose proxies end TLS; empty: requests come from anywhere. */
  readonly terminationFrom: readonly string[]
  readonly request_log: { readonly disable_for_health: boolean }
  /** A file that the address is written to; empty: none. */
  readonly write_listen_file: string
}

export interface CorsConfig {
  readonly enabled: boolean
  readonly allowed_origins: readonly string[]
  readonly allowed_methods: readonly string[]
  readonly allowed_headers: readonly string[]
  readonly exposed_headers: readonly string[]
  readonly allow_credentials: boolean
  /** Seconds that a browser may keep the answer to a preflight. */
  readonly max_age: number
}

/** An address that is asked before tokens are issued. */
export interface HookConfig {
  /** Empty: there is none. */
  readonly url: string
  readonly auth: {
    /** Empty: it is called without a key. */
    readonly type: '' | 'api_key'
    readonly config: { readonly in: 'header' | 'cookie'; readonly name: string; readonly value: string }
  }
}

export type SameSite = 'Strict' | 'Lax' | 'None'

export interface Config {
  /** Development: made-up secrets, a demo client, the built-in pages, plain HTTP. Never for production. */
  readonly dev: boolean
  /** Where everything lies that the server makes: the embedded database, secrets, logs. */
  readonly dataDir: string
  /** The PostgreSQL to use; empty: the embedded one. */
  readonly dsn: string
  readonly log: { readonly level: string; readonly format: 'json' | 'json_pretty' | 'text' }
  readonly serve: {
    readonly public: HttpListenerConfig & { readonly cors: CorsConfig }
    readonly admin: HttpListenerConfig & {
      readonly cors: CorsConfig
      /** Bearer tokens that the admin API asks for; empty: it listens on the loopback only. */
      readonly tokens: readonly string[]
    }
    readonly grpc: ListenerConfig & { readonly reflection: boolean }
    /** Seconds that requests are still taken after the signal to end. */
    readonly drain: number
    readonly demo: { readonly port: number | undefined }
    readonly cookies: {
      readonly same_site_mode: SameSite
      readonly domain: string
      readonly secure: boolean
      readonly names: {
        readonly session: string
        readonly login_csrf: string
        readonly consent_csrf: string
        readonly device_csrf: string
      }
      readonly paths: { readonly session: string }
    }
  }
  /** How the processes of the suite reach each other, where they are several. */
  readonly services: {
    readonly client: { readonly address: string }
    readonly consent: { readonly address: string }
    readonly token: { readonly address: string }
    readonly introspection: { readonly address: string }
    /** What this process shows to the others, where it cannot derive it from `secrets.system`. */
    readonly credential: string
    readonly tls: TlsConfig | undefined
  }
  readonly urls: {
    readonly self: { readonly issuer: string; readonly public: string; readonly admin: string }
    readonly login: string
    readonly consent: string
    readonly logout: string
    readonly registration: string
    readonly error: string
    readonly post_logout_redirect: string
    readonly device: { readonly verification: string; readonly success: string }
  }
  readonly secrets: {
    readonly system: readonly string[]
    readonly cookie: readonly string[]
    readonly pagination: readonly string[]
  }
  readonly ttl: {
    readonly login_consent_request: number
    readonly authentication_session: number
    readonly access_token: number
    /** Undefined: never expires (`-1` in the file). */
    readonly refresh_token: number | undefined
    readonly id_token: number
    readonly auth_code: number
    readonly device_user_code: number
  }
  readonly strategies: {
    readonly access_token: 'opaque' | 'jwt'
    readonly scope: 'wildcard' | 'exact' | 'DEPRECATED_HIERARCHICAL_SCOPE_STRATEGY'
    readonly jwt: { readonly scope_claim: 'list' | 'string' | 'both' }
  }
  readonly oauth2: {
    readonly include_legacy_error_fields: boolean
    readonly exclude_not_before_claim: boolean
    readonly allowed_top_level_claims: readonly string[]
    readonly mirror_top_level_claims: boolean
    readonly preserve_ext_claims: boolean
    readonly pkce: { readonly enforced: boolean }
    readonly token_hook: HookConfig
    readonly refresh_token_hook: HookConfig
    readonly client_credentials: { readonly default_grant_allowed_scope: boolean }
    readonly device_authorization: {
      /** Seconds between two polls. */
      readonly token_polling_interval: number
      readonly user_code: {
        readonly entropy_preset: 'high' | 'medium' | 'low'
        /** 0: as the preset says. */
        readonly length: number
        /** Empty: as the preset says. */
        readonly character_set: string
      }
    }
    readonly grant: {
      readonly jwt: {
        readonly jti_optional: boolean
        readonly iat_optional: boolean
        /** Seconds. */
        readonly max_ttl: number
        readonly omit_assertion_audience: boolean
      }
      readonly refresh_token: {
        readonly rotation_grace_period: number
        /** 0: as often as the period allows. */
        readonly rotation_grace_reuse_count: number
        readonly revoke_access_tokens: boolean
        /** The end of a grant however often it is refreshed; undefined: none. */
        readonly absolute_lifespan: number | undefined
      }
    }
  }
  readonly keys: {
    /** Seconds that a key is published before it signs. */
    readonly publish_before_use: number
  }
  readonly introspection: {
    /** Milliseconds that an answer from memory may be behind. */
    readonly max_staleness_ms: number
  }
  readonly clients: {
    readonly http: {
      readonly disallow_private_ip_ranges: boolean
      readonly private_ip_exception_urls: readonly string[]
    }
  }
  readonly oidc: {
    readonly subject_identifiers: {
      readonly supported_types: readonly string[]
      readonly pairwise: { readonly salt: string }
    }
    readonly dynamic_client_registration: {
      readonly enabled: boolean
      readonly default_scope: readonly string[]
      readonly allowed_grant_types: readonly string[]
      /** Of one address at one gateway; 0: no limit. */
      readonly max_requests_per_hour: number
    }
  }
  readonly webfinger: {
    readonly jwks: { readonly broadcast_keys: readonly string[] }
    /** What metadata says otherwise than is served here; empty: nothing. */
    readonly oidc_discovery: {
      readonly auth_url: string
      readonly token_url: string
      readonly jwks_url: string
      readonly userinfo_url: string
      readonly device_authorization_url: string
      readonly client_registration_url: string
      readonly supported_claims: readonly string[]
      readonly supported_scope: readonly string[]
    }
  }
  readonly db: { readonly max_connections: number }
}
