-- hazard: detach:heir
ALTER TABLE "public"."heir" NO INHERIT "public"."one";

-- asks: drop-check:heir.one_a_check
ALTER TABLE "public"."heir" DROP CONSTRAINT "one_a_check";

ALTER TABLE "public"."two" ADD COLUMN "y" integer;

ALTER TABLE "public"."alone" ADD COLUMN "y" integer;

-- hazard: add-check:two.two_y_check
ALTER TABLE "public"."two" ADD CONSTRAINT "two_y_check" CHECK ((y > 0)) NO INHERIT;

-- hazard: attach:alone
ALTER TABLE "public"."alone" INHERIT "public"."two";
