ALTER TABLE "revocation" ADD COLUMN "client_id" TEXT NOT NULL DEFAULT '';

CREATE TABLE "subject_revocation" (
    "revoked_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "subject" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,

    CONSTRAINT "subject_revocation_pkey" PRIMARY KEY ("subject", "client_id")
);
