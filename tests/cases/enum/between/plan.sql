ALTER TYPE "public"."mood" ADD VALUE 'so' AFTER 'sad';

ALTER TYPE "public"."mood" ADD VALUE 'so so' AFTER 'so';

ALTER TYPE "public"."mood" ADD VALUE 'well' AFTER 'ok';
