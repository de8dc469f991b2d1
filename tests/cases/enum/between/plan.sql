-- hazard: add-enum-value:mood.so
ALTER TYPE "public"."mood" ADD VALUE 'so' AFTER 'sad';

-- hazard: add-enum-value:mood."so so"
ALTER TYPE "public"."mood" ADD VALUE 'so so' AFTER 'so';

-- hazard: add-enum-value:mood.well
ALTER TYPE "public"."mood" ADD VALUE 'well' AFTER 'ok';
