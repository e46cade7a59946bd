CREATE TABLE "used_assertion" (
    "id" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "used_assertion_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "used_assertion_expires_at_idx" ON "used_assertion" ("expires_at");
