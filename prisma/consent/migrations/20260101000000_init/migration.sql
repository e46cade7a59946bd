CREATE TABLE "login_session" (
    "id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "authenticated_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "acr" TEXT NOT NULL,
    "amr" TEXT[],
    "identity_provider_session_id" TEXT NOT NULL,
    CONSTRAINT "login_session_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "login_session_subject_idx" ON "login_session" ("subject");
CREATE INDEX "login_session_expires_at_idx" ON "login_session" ("expires_at");

CREATE TABLE "consent_session" (
    "id" UUID NOT NULL,
    "client_id" TEXT NOT NULL,
    "registration_id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "login_session_id" UUID NOT NULL,
    "granted_scope" TEXT NOT NULL,
    "granted_audience" TEXT NOT NULL,
    "rejected" BOOLEAN NOT NULL,
    "remembered_consent" BOOLEAN NOT NULL,
    "remembered_until" TIMESTAMPTZ(3),
    "based_on" UUID,
    "handled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "record" BYTEA NOT NULL,
    CONSTRAINT "consent_session_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "consent_session_subject_handled_at_id_idx" ON "consent_session" ("subject", "handled_at", "id");
CREATE INDEX "consent_session_login_session_id_idx" ON "consent_session" ("login_session_id");
CREATE INDEX "consent_session_expires_at_idx" ON "consent_session" ("expires_at");
CREATE INDEX "consent_session_remembered_idx" ON "consent_session" ("subject", "client_id", "handled_at")
    WHERE "remembered_consent";
CREATE INDEX "consent_session_based_on_idx" ON "consent_session" ("based_on") WHERE "based_on" IS NOT NULL;

CREATE TABLE "accepted_payload" (
    "flow_id" UUID NOT NULL,
    "stage" TEXT NOT NULL,
    "payload" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "accepted_payload_pkey" PRIMARY KEY ("flow_id", "stage")
);

CREATE INDEX "accepted_payload_expires_at_idx" ON "accepted_payload" ("expires_at");

CREATE TABLE "subject_revocation" (
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "subject_revocation_pkey" PRIMARY KEY ("kind", "subject", "client_id")
);

CREATE INDEX "subject_revocation_expires_at_idx" ON "subject_revocation" ("expires_at");
