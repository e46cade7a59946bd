CREATE TABLE "client" (
    "client_id" TEXT NOT NULL,
    "registration_id" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "secret_hashes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "client_name" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "redirect_uris" TEXT[],
    "grant_types" TEXT[],
    "response_types" TEXT[],
    "scope" TEXT NOT NULL,
    "audience" TEXT[],
    "policy_uri" TEXT NOT NULL,
    "allowed_cors_origins" TEXT[],
    "tos_uri" TEXT NOT NULL,
    "client_uri" TEXT NOT NULL,
    "logo_uri" TEXT NOT NULL,
    "contacts" TEXT[],
    "subject_type" TEXT NOT NULL,
    "sector_identifier_uri" TEXT NOT NULL,
    "jwks_uri" TEXT NOT NULL,
    "jwks" TEXT,
    "token_endpoint_auth_method" TEXT NOT NULL,
    "token_endpoint_auth_signing_alg" TEXT NOT NULL,
    "request_uris" TEXT[],
    "request_object_signing_alg" TEXT NOT NULL,
    "userinfo_signed_response_alg" TEXT NOT NULL,
    "id_token_signed_response_alg" TEXT NOT NULL,
    "frontchannel_logout_uri" TEXT NOT NULL,
    "frontchannel_logout_session_required" BOOLEAN NOT NULL,
    "post_logout_redirect_uris" TEXT[],
    "backchannel_logout_uri" TEXT NOT NULL,
    "backchannel_logout_session_required" BOOLEAN NOT NULL,
    "metadata" TEXT,
    "access_token_strategy" TEXT NOT NULL,
    "skip_consent" BOOLEAN NOT NULL,
    "skip_logout_consent" BOOLEAN NOT NULL,
    "initiate_login_uri" TEXT NOT NULL,
    "lifespans" TEXT,
    "revoke_tokens_on_logout" BOOLEAN NOT NULL,
    CONSTRAINT "client_pkey" PRIMARY KEY ("client_id")
);

CREATE INDEX "client_created_at_client_id_idx" ON "client" ("created_at", "client_id");
CREATE INDEX "client_client_name_created_at_client_id_idx" ON "client" ("client_name", "created_at", "client_id");
CREATE INDEX "client_owner_created_at_client_id_idx" ON "client" ("owner", "created_at", "client_id");

CREATE TABLE "client_change" (
    "writer" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "client_id" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "deleted" BOOLEAN NOT NULL,
    "registration_id" UUID NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL DEFAULT (now() + '01:00:00'::interval),
    CONSTRAINT "client_change_pkey" PRIMARY KEY ("writer", "seq")
);

CREATE INDEX "client_change_expires_at_idx" ON "client_change" ("expires_at");

CREATE TABLE "client_change_writer" (
    "id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "client_change_writer_pkey" PRIMARY KEY ("id")
);
