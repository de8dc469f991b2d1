ALTER TYPE "public"."mood" ADD VALUE 'a' BEFORE 'sad';

ALTER TYPE "public"."mood" ADD VALUE 'b' AFTER 'a';

ALTER TYPE "public"."mood" ADD VALUE 'c' AFTER 'sad';

ALTER TYPE "public"."mood" ADD VALUE 'd' AFTER 'ok';

ALTER TYPE "public"."mood" ADD VALUE 'e';
