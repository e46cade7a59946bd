CREATE TABLE "device_code" (
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "poll_at" TIMESTAMPTZ(3) NOT NULL,
    "poll_interval" INTEGER NOT NULL,
    "allowed" BOOLEAN,
    "id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "flow_id" UUID,
    "user_code_hash" BYTEA NOT NULL,
    "client_id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    CONSTRAINT "device_code_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX "device_code_user_code_hash_key" ON "device_code" ("user_code_hash");
CREATE INDEX "device_code_expires_at_idx" ON "device_code" ("expires_at");

CREATE TABLE "device_try" (
    "key" TEXT NOT NULL,
    "tries" INTEGER NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "device_try_pkey" PRIMARY KEY ("key")
);

CREATE INDEX "device_try_expires_at_idx" ON "device_try" ("expires_at");
