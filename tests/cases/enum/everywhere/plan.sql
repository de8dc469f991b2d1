-- hazard: add-enum-value:mood.a
ALTER TYPE "public"."mood" ADD VALUE 'a' BEFORE 'sad';

-- hazard: add-enum-value:mood.b
ALTER TYPE "public"."mood" ADD VALUE 'b' AFTER 'a';

-- hazard: add-enum-value:mood.c
ALTER TYPE "public"."mood" ADD VALUE 'c' AFTER 'sad';

-- hazard: add-enum-value:mood.d
ALTER TYPE "public"."mood" ADD VALUE 'd' AFTER 'ok';

-- hazard: add-enum-value:mood.e
ALTER TYPE "public"."mood" ADD VALUE 'e';
