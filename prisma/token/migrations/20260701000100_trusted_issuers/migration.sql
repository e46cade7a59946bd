CREATE TABLE "trusted_issuer" (
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "allow_any_subject" BOOLEAN NOT NULL,
    "id" UUID NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "kid" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "public_jwk" TEXT NOT NULL,
    CONSTRAINT "trusted_issuer_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "trusted_issuer_issuer_subject_kid_key" ON "trusted_issuer" ("issuer", "subject", "kid");
CREATE INDEX "trusted_issuer_created_at_id_idx" ON "trusted_issuer" ("created_at", "id");
CREATE INDEX "trusted_issuer_expires_at_idx" ON "trusted_issuer" ("expires_at");

CREATE TABLE "used_assertion" (
    "id" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "used_assertion_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "used_assertion_expires_at_idx" ON "used_assertion" ("expires_at");
