ALTER TABLE "client_feed" ADD COLUMN "missing_before" TIMESTAMPTZ(3);
