ALTER TABLE "signing_key" ADD COLUMN "retired_at" TIMESTAMPTZ(3);
