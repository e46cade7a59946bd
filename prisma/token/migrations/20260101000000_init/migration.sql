-- A page keeps room for one more version of a row, so that a change of one stays on its page and touches no index. More room
-- would be lost: a page is cleared of old versions while it is being filled.
CREATE TABLE "grant" (
    "expires_at" TIMESTAMPTZ(3),
    "access_expires_at" TIMESTAMPTZ(3),
    "purge_at" TIMESTAMPTZ(3) NOT NULL,
    "rotated_at" TIMESTAMPTZ(3),
    "authenticated_at" TIMESTAMPTZ(3),
    "requested_at" TIMESTAMPTZ(3),
    "absolute_expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "generation" INTEGER NOT NULL DEFAULT 0,
    "reuse_count" SMALLINT NOT NULL DEFAULT 0,
    "id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "login_session_id" UUID,
    "access_token_id" UUID,
    "client_id" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "obfuscated_subject" TEXT,
    "scope" TEXT NOT NULL,
    "audience" TEXT,
    "nonce" TEXT,
    "acr" TEXT,
    "amr" TEXT,
    "access_token_claims" TEXT,
    "id_token_claims" TEXT,
    CONSTRAINT "grant_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 97, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX "grant_subject_idx" ON "grant" USING HASH ("subject");
CREATE INDEX "grant_login_session_id_idx" ON "grant" ("login_session_id");
CREATE INDEX "grant_registration_id_idx" ON "grant" ("registration_id");
CREATE INDEX "grant_purge_at_idx" ON "grant" ("purge_at");

CREATE TABLE "signing_key" (
    "set_name" TEXT NOT NULL,
    "kid" TEXT NOT NULL,
    "alg" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "public_jwk" TEXT NOT NULL,
    "private_key" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "signs_from" TIMESTAMPTZ(3) NOT NULL,
    "longest_lifespan" INTEGER NOT NULL,
    CONSTRAINT "signing_key_pkey" PRIMARY KEY ("set_name", "kid")
);

CREATE UNIQUE INDEX "signing_key_set_name_alg_ordinal_key" ON "signing_key" ("set_name", "alg", "ordinal");

CREATE TABLE "revocation" (
    "writer" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "kind" SMALLINT NOT NULL,
    "key" TEXT NOT NULL,
    "not_before_ms" BIGINT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "revocation_pkey" PRIMARY KEY ("writer", "seq")
);

CREATE INDEX "revocation_kind_key_idx" ON "revocation" ("kind", "key");
CREATE INDEX "revocation_expires_at_idx" ON "revocation" ("expires_at");

CREATE TABLE "revocation_writer" (
    "id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "revocation_writer_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "client_feed" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "position" TEXT NOT NULL,
    CONSTRAINT "client_feed_pkey" PRIMARY KEY ("id")
);
