ALTER TABLE "client"
    ADD COLUMN "self_registered" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "registration_token_hash" TEXT NOT NULL DEFAULT '';
