CREATE TABLE "public"."select" (
    "from" integer NOT NULL,
    "Größe" text DEFAULT 'a''b\c'::text,
    "😀" integer,
    CONSTRAINT "select_pkey" PRIMARY KEY ("from"),
    CONSTRAINT "select_😀_key" UNIQUE ("😀")
);
