CREATE TABLE "ended_session" (
    "id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "ended_session_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "logout_delivery" (
    "id" UUID NOT NULL,
    "login_session_id" UUID NOT NULL,
    "subject" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "registration_id" UUID NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "logout_delivery_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "logout_delivery_client_id_due_at_idx" ON "logout_delivery" ("client_id", "due_at");
